"""`vibedom fleet` as a command, on streams that the sinks of two machines' sessions have filled."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import anyio
import pytest

from sinks.nats_stream import NatsCarrier, NatsSettings
from sinks.redis_stream import RedisCarrier, RedisSettings
from tests.integration.sinks.servers import Server, free_ports, program, redis_server
from tests.integration.sinks.test_streams import send

pytestmark = pytest.mark.timeout(120)


@pytest.fixture(scope="module", params=["nats", "redis"])
def filled(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of a stream with sessions `a1` (3 denied requests) and `b2` (2)."""
    directory = tmp_path_factory.mktemp(request.param)
    if request.param == "redis":
        server = redis_server(directory)
        url = f"redis://127.0.0.1:{server.port}"
    else:
        (port,) = free_ports(1)
        config = directory / "nats.conf"
        config.write_text(f"listen: 127.0.0.1:{port}\njetstream {{ store_dir: '{directory}/js' }}\n")
        server = Server([program("nats-server"), "-c", str(config)], port)
        url = f"nats://127.0.0.1:{port}"
    try:
        server.start()
        anyio.run(_fill, url, directory)
        yield url
    finally:
        server.kill()


async def _fill(url: str, directory: Path) -> None:
    for session, count in (("a1", 3), ("b2", 2)):
        (directory / session).mkdir()
        await send(_carrier(url, session), directory / session, range(count), session)
    again = _carrier(url, "a1")
    await again.report_lost(4)
    await again.aclose()


def _carrier(url: str, session: str) -> NatsCarrier | RedisCarrier:
    if url.startswith("nats"):
        return NatsCarrier(NatsSettings(servers=(url,)), session=session)
    return RedisCarrier(RedisSettings(url=url), session=session)


def fleet(home: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = os.environ | {"VIBEDOM_HOME": str(home)}
    command = [sys.executable, "-m", "vibedom", "fleet", *arguments]
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)


def test_sessions_of_all_machines_are_listed_with_what_they_did(filled: str, tmp_path: Path) -> None:
    shown = fleet(tmp_path, "sessions", "--from", filled, "--since", "36500d")
    assert shown.returncode == 0, shown.stderr
    rows = {row[0]: row for row in (line.split() for line in shown.stdout.splitlines())}
    assert set(rows) == {"SESSION", "a1", "b2"}
    assert rows["a1"][-6:] == ["3", "3", "0", "3", "low", "4"]
    listed = json.loads(fleet(tmp_path, "sessions", "--from", filled, "--since", "36500d", "--json").stdout)
    assert {each["session"]: (each["requests"], each["blocked"], each["lost"]) for each in listed} == {
        "a1": (3, 3, 4),
        "b2": (2, 2, 0),
    }


def test_alerts_are_one_a_line_and_lighter_ones_than_asked_for_are_left_out(filled: str, tmp_path: Path) -> None:
    found = fleet(tmp_path, "alerts", "--from", filled, "--since", "36500d", "--min-severity", "low", "--json")
    alerts = [json.loads(line) for line in found.stdout.splitlines()]
    assert sorted((alert["session"], alert["host"]) for alert in alerts) == [
        ("a1", "h0.test"), ("a1", "h1.test"), ("a1", "h2.test"), ("b2", "h0.test"), ("b2", "h1.test"),
    ]  # fmt: skip
    text = fleet(tmp_path, "alerts", "--from", filled, "--since", "36500d", "--min-severity", "low").stdout
    assert len(text.splitlines()) == 5
    assert "\x1b" not in text
    assert fleet(tmp_path, "alerts", "--from", filled, "--since", "36500d", "--min-severity", "high").stdout == ""


@contextmanager
def following(home: Path, url: str) -> Iterator[Callable[[], str]]:
    argv = [sys.executable, "-u", "-m", "vibedom", "fleet", "alerts", "-f", "--from", url, "--since", "36500d"]
    environment = os.environ | {"VIBEDOM_HOME": str(home)}
    with subprocess.Popen(
        [*argv, "--min-severity", "low"], env=environment, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        try:
            yield process.stdout.readline
        finally:
            process.kill()


def test_one_that_follows_shows_an_alert_when_it_comes(filled: str, tmp_path: Path) -> None:
    with following(tmp_path, filled) as line:
        assert {line().split()[2] for _ in range(5)} <= {"a1", "b2"}
        anyio.run(_send_one, filled, tmp_path)
        assert "c3" in line()


async def _send_one(url: str, directory: Path) -> None:
    await send(_carrier(url, "c3"), directory, range(1), "c3")


def test_stream_that_is_not_there_is_one_line_and_an_exit_code(tmp_path: Path) -> None:
    for url in ("nats://127.0.0.1:1", "redis://127.0.0.1:1"):
        failed = fleet(tmp_path, "sessions", "--from", url)
        assert failed.returncode != 0
        assert failed.stdout == ""
        (line,) = failed.stderr.splitlines()
        assert "cannot be read" in line
