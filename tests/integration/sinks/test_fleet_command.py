"""`vibedom fleet` as a command, on streams that the sinks of two machines' sessions have filled."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import anyio
import msgspec
import pytest

from sinks.alert import make_alert
from sinks.nats_stream import NatsCarrier, NatsSettings
from sinks.redis_stream import RedisCarrier, RedisSettings
from sinks.stream import Message
from tests.integration.sinks.fleet_command import fleet
from tests.integration.sinks.servers import Server, free_ports, program, redis_server
from tests.integration.sinks.test_streams import send
from vibedom.testing import record

pytestmark = pytest.mark.timeout(120)


@pytest.fixture(scope="module", params=["nats", "redis"])
def filled(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of a stream with sessions `a1` (3 denied requests), `b2` (2) and `d4`, whose one alert came twice."""
    directory = tmp_path_factory.mktemp(request.param)
    server, url = one_server(request.param, directory)
    try:
        server.start()
        anyio.run(_fill, url, directory)
        yield url
    finally:
        server.kill()


def one_server(kind: str, directory: Path) -> tuple[Server, str]:
    """Of NATS or Redis, not started, and its URL."""
    if kind == "redis":
        server = redis_server(directory)
        return server, f"redis://127.0.0.1:{server.port}"
    (port,) = free_ports(1)
    config = directory / "nats.conf"
    config.write_text(f"listen: 127.0.0.1:{port}\njetstream {{ store_dir: '{directory}/js' }}\n")
    return Server([program("nats-server"), "-c", str(config)], port), f"nats://127.0.0.1:{port}"


async def _fill(url: str, directory: Path) -> None:
    for session, count in (("a1", 3), ("b2", 2)):
        (directory / session).mkdir()
        await send(_carrier(url, session), directory / session, range(count), session)
    again = _carrier(url, "a1")
    await again.report_lost(4)
    alert = make_alert(record(7), None, id_="d4-1", session="d4", name="host denied", severity="low")
    for _ in range(2):
        message = Message(id="d4-1", kind="alert", session="d4", number=1, data=msgspec.Raw(msgspec.json.encode(alert)))
        await again.carry([msgspec.json.encode(message)])
    await again.aclose()


def _carrier(url: str, session: str) -> NatsCarrier | RedisCarrier:
    if url.startswith("nats"):
        return NatsCarrier(NatsSettings(servers=(url,)), session=session)
    return RedisCarrier(RedisSettings(url=url), session=session)


def test_sessions_of_all_machines_are_listed_with_what_they_did(filled: str, tmp_path: Path) -> None:
    shown = fleet(tmp_path, "sessions", "--from", filled, "--since", "36500d")
    assert shown.returncode == 0, shown.stderr
    rows = {row[0]: row for row in (line.split() for line in shown.stdout.splitlines())}
    assert set(rows) == {"SESSION", "a1", "b2", "d4"}
    assert rows["d4"][-3:] == ["1", "low", "0"]
    assert rows["a1"][-6:] == ["3", "3", "0", "3", "low", "4"]
    listed = json.loads(fleet(tmp_path, "sessions", "--from", filled, "--since", "36500d", "--json").stdout)
    assert {each["session"]: (each["requests"], each["blocked"], each["lost"]) for each in listed} == {
        "a1": (3, 3, 4),
        "b2": (2, 2, 0),
        "d4": (0, 0, 0),
    }


def test_alerts_are_one_a_line_and_lighter_ones_than_asked_for_are_left_out(filled: str, tmp_path: Path) -> None:
    found = fleet(tmp_path, "alerts", "--from", filled, "--since", "36500d", "--min-severity", "low", "--json")
    alerts = [json.loads(line) for line in found.stdout.splitlines()]
    assert sorted((alert["session"], alert["host"]) for alert in alerts) == [
        ("a1", "h0.test"), ("a1", "h1.test"), ("a1", "h2.test"), ("b2", "h0.test"), ("b2", "h1.test"),
        ("d4", "h007.test"),
    ]  # fmt: skip
    text = fleet(tmp_path, "alerts", "--from", filled, "--since", "36500d", "--min-severity", "low").stdout
    assert len(text.splitlines()) == 6
    assert "\x1b" not in text
    assert fleet(tmp_path, "alerts", "--from", filled, "--since", "36500d", "--min-severity", "high").stdout == ""


@contextmanager
def following(home: Path, url: str) -> "Iterator[subprocess.Popen[str]]":
    argv = [sys.executable, "-u", "-m", "vibedom", "fleet", "alerts", "-f", "--from", url, "--since", "36500d"]
    environment = os.environ | {"VIBEDOM_HOME": str(home)}
    with subprocess.Popen(
        [*argv, "--min-severity", "low"], env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def said(process: "subprocess.Popen[str]") -> str:
    assert process.stdout is not None
    return process.stdout.readline()


def test_one_that_follows_shows_an_alert_when_it_comes(filled: str, tmp_path: Path) -> None:
    with following(tmp_path, filled) as process:
        assert {said(process).split()[2] for _ in range(6)} == {"a1", "b2", "d4"}
        anyio.run(_send_one, filled, tmp_path)
        assert "c3" in said(process)


async def _send_one(url: str, directory: Path) -> None:
    await send(_carrier(url, "c3"), directory, range(1), "c3")


def test_stream_that_is_not_there_is_one_line_and_an_exit_code(tmp_path: Path) -> None:
    for url, why in (
        ("nats://127.0.0.1:1", "cannot be read"),
        ("redis://127.0.0.1:1", "cannot be read"),
        ("redis://me:canary/@h.test", "url must be redis://HOST:PORT"),
        ("https://canary.test", "write nats://HOST:4222 or redis://HOST:6379"),
    ):
        failed = fleet(tmp_path, "sessions", "--from", url)
        assert failed.returncode != 0
        assert failed.stdout == ""
        (line,) = failed.stderr.splitlines()
        assert why in line
        assert "canary" not in line


@pytest.mark.parametrize("kind", ["nats", "redis"])
def test_one_that_follows_a_server_that_dies_goes_on_when_it_is_back(kind: str, tmp_path: Path) -> None:
    server, url = one_server(kind, tmp_path)
    server.start()
    try:
        anyio.run(_send_one, url, tmp_path)
        with following(tmp_path, url) as process:
            assert "c3" in said(process)
            server.kill()
            assert process.stderr is not None
            assert process.stderr.readline().endswith("trying again until it answers\n")
            server.start()
            (tmp_path / "later").mkdir()
            anyio.run(_send_late, url, tmp_path / "later")
            line = said(process)
            assert "late" in line, process.stderr.read()
    finally:
        server.kill()


async def _send_late(url: str, directory: Path) -> None:
    await send(_carrier(url, "late"), directory, range(1), "late")
