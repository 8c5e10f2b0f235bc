"""`vibedom sinks`, `vibedom fleet` and the questions of `vibedom audit`, as their users call them."""

import csv
import io
import json
import os
import socket
import subprocess
import sys
import time
from pathlib import Path

import anyio
import msgspec
import pytest

from sinks.spool import Spool, waiting
from tests.unit.audit.logs import records, write_session
from tests.unit.sinks.places import http_server
from vibedom import sessions
from vibedom.alert_sinks import open_alert_sinks, spool_path
from vibedom.cli import audit, fleet, sinks, status
from vibedom.cli import list as list_command
from vibedom.errors import UsageError, VibedomError
from vibedom.paths import Home
from vibedom.sink_settings import sink_of_url
from vibedom.testing import record

pytestmark = pytest.mark.anyio


@pytest.fixture
def home(private_home: Path) -> Home:
    return Home(root=private_home)


async def run(command: object, *arguments: str) -> int | None:
    code = await command.main(list(arguments), prog_name="vibedom", standalone_mode=False)  # type: ignore[attr-defined]
    return code if isinstance(code, int) else None


def configure(home: Home, *urls: str) -> None:
    home.config.mkdir(exist_ok=True)
    entries = [f'[[sinks]]\ntype = "webhook"\nurl = "{url}"\nmin_severity = "low"\n' for url in urls]
    (home.config / "policy.toml").write_text("\n".join(entries))


def ended_session(home: Home, name: str) -> Path:
    """The directory of a session whose supervisor is gone."""
    directory = home.session(name).root
    directory.mkdir(parents=True)
    made = sessions.SessionRecord(
        id=name, workspace=directory, uid=os.getuid(), gid=os.getgid(), runtime="local", command=("sh",),
        created_at=time.time(), owner_pid=1, owner_ticks=0, status="ended",
    )  # fmt: skip
    sessions.save(home, made)
    return directory


async def test_list_shows_what_is_configured_and_what_waits_and_no_secret(
    home: Home, capsys: pytest.CaptureFixture[str]
) -> None:
    url = "https://me:canary@alerts.test/canary?canary"
    configure(home, url)
    setting = sinks._settings()[0]
    Spool(spool_path(setting, ended_session(home, "s1"))).append([b"{}", b"{}"])
    await run(sinks.command, "list")
    shown = capsys.readouterr().out
    assert "webhook https://alerts.test" in shown
    assert "canary" not in shown
    await run(sinks.command, "list", "--json")
    (row,) = json.loads(capsys.readouterr().out)["sinks"]
    assert (row["waiting"], row["min_severity"], row["sink"]) == (2, "low", "webhook https://alerts.test")


async def test_test_sends_one_alert_to_each_and_says_what_went_wrong(
    home: Home, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with http_server(tmp_path / "failing") as (where, bodies):
        configure(home, f"http://{where}/canary", "http://127.0.0.1:1/canary")
        assert await run(sinks.command, "test") == 1
    (alert,) = json.loads(bodies[0])["alerts"]
    assert "nothing has happened" in alert["message"]
    taken, failed = capsys.readouterr().out.splitlines()
    assert taken.startswith("taken  webhook http://127.0.0.1:")
    assert failed.startswith("FAILED  webhook http://127.0.0.1:1: webhook: no answer ")
    assert failed.endswith("(ClientConnectorError: nobody listens there)")


async def test_test_of_a_url_needs_no_policy(home: Home, tmp_path: Path) -> None:
    with http_server(tmp_path / "failing") as (where, bodies):
        assert await run(sinks.command, "test", f"otlp+http://{where}") == 0
    assert b"nothing has happened" in bodies[0]


async def test_flush_delivers_what_an_ended_session_could_not(home: Home, tmp_path: Path) -> None:
    failing = tmp_path / "failing"
    failing.touch()
    with http_server(failing) as (where, bodies):
        url = f"http://{where}/"
        configure(home, url)
        directory = ended_session(home, "s1")
        opened = open_alert_sinks(sinks._settings(), [], session="s1", alerts_log=directory / "alerts.jsonl")
        for sink in opened:
            await sink.write([record(1), record(2)])
            await sink.aclose()
        spool = spool_path(sinks._settings()[0], directory)
        assert waiting(spool) == (2, 0)
        assert await run(sinks.command, "flush") == 1
        failing.unlink()
        assert await run(sinks.command, "flush") == 0
    hosts = [alert["host"] for body in bodies for alert in json.loads(body)["alerts"]]
    assert hosts == ["h001.test", "h002.test"]
    assert waiting(spool) == (0, 0)


async def test_sessions_are_listed_without_the_urls_of_their_sinks(
    home: Home, capsys: pytest.CaptureFixture[str]
) -> None:
    ended_session(home, "s1")
    record = sessions.load(home, "s1")
    launch = sessions.Launch(sinks=("https://u:canary@h.test/canary", "slack://canary/canary"))
    sessions.save(home, msgspec.structs.replace(record, launch=launch))
    for command, arguments in ((list_command, ["--json"]), (status, ["s1", "--json"])):
        await run(command.command, *arguments)
        shown = capsys.readouterr().out
        assert "canary" not in shown
        assert '"https:..."' in shown
    assert sessions.load(home, "s1").launch.sinks == launch.sinks  # `vibedom resume` needs them


@pytest.mark.skipif(sys.platform != "linux", reason="other systems have other lists of processes")
def test_list_of_processes_shows_no_password_of_a_url(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        url = f"http://kim:canary@127.0.0.1:{server.getsockname()[1]}/canary"
        argv = [sys.executable, "-m", "vibedom", "sinks", "test", url, "exec:/bin/true"]
        environment = os.environ | {"VIBEDOM_HOME": str(tmp_path)}
        with subprocess.Popen(argv, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
            server.settimeout(60)
            connection, _ = server.accept()
            with connection:
                shown = Path(f"/proc/{process.pid}/cmdline").read_bytes().split(b"\0")
                assert b"authorization: basic" in connection.recv(65536).lower()  # it knows the password
                connection.sendall(b"HTTP/1.1 204 \r\nConnection: close\r\n\r\n")
            said, errors = process.communicate(timeout=60)
    assert process.returncode == 0, errors
    assert shown[3:7] == [b"sinks", b"test", b"http://" + b"*" * (len(url) - 7), b"exec:/bin/true"]
    assert b"canary" not in said + errors


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("https://u:canary@h.test/canary?canary", "webhook https://h.test"),
        ("slack://canary/canary/canary", "notify slack"),
        ("notify+json://u:canary@h.test/canary", "notify json"),
        ("mailto://u:canary@h.test", "notify mailto"),
        ("nats://u:canary@h.test:4222", "nats nats://h.test:4222"),
        ("nats+tls://canary@[::1]:4222,nats+tls://h.test", "nats tls://[::1]:4222, tls://h.test"),
        ("redis://:canary@h.test:6379/0?password=canary", "redis redis://h.test:6379"),
        ("otlp+https://u:canary@h.test/canary", "otlp https://h.test"),
        ("syslog+tls://h.test:6514", "syslog tls://h.test:6514"),
        ("desktop:", "desktop"),
        ("plugin:tsv", "plugin tsv"),
    ],
)
async def test_every_kind_of_url_is_known_and_shown_without_its_secret(url: str, shown: str) -> None:
    from vibedom.sink_settings import describe

    assert describe(sink_of_url(url)) == shown


@pytest.mark.parametrize(
    "url",
    [
        "canary://canary",
        "redis://u:canary/canary@h.test",  # a `/` in a password ends the host: `canary` is its port
        "nats://canary@h.test:99999",
        "https://u:canary/@h.test",
        "otlp+https://h.test:canary",
        "syslog+tls://u:canary@h.test",
        "redis://canary@[h.test",
        "redis://canary\u2100@h.test",  # urllib's complaint would show it
    ],
)
async def test_url_that_is_none_is_refused_without_being_shown(url: str) -> None:
    with pytest.raises(UsageError) as caught:
        sink_of_url(url)
    assert "canary" not in str(caught.value)


def test_socket_is_shown_without_its_password() -> None:
    from sinks.redis_stream import RedisSettings
    from vibedom.sink_settings import describe

    assert describe(RedisSettings(url="unix:///run/redis.sock?password=canary")) == "redis unix:///run/redis.sock"
    with pytest.raises(ValueError, match="url must be"):
        RedisSettings(url="unix://u:canary@/run/redis.sock")


async def test_fleet_without_a_stream_says_how_to_name_one(home: Home) -> None:
    with pytest.raises(UsageError, match="--from nats://"):
        await run(fleet.command, "sessions")
    with pytest.raises(UsageError, match="--from"):
        await run(fleet.command, "alerts", "--from", "https://h.test")
    with pytest.raises(UsageError, match="--since"):
        await run(fleet.command, "alerts", "--from", "redis://h.test", "--since", "soon")


async def test_query_asks_all_sessions_or_one(home: Home, capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("s1", "s2"):
        directory = ended_session(home, name)

        await anyio.to_thread.run_sync(write_session, directory, name)
    sql = "SELECT session, count(*) AS n FROM records GROUP BY session ORDER BY session"
    await run(audit.command, "query", sql, "--json")
    rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert rows == [{"session": "s1", "n": len(records())}, {"session": "s2", "n": len(records())}]
    await run(audit.command, "query", sql, "--session", "s2", "--csv")
    assert list(csv.reader(io.StringIO(capsys.readouterr().out))) == [["session", "n"], ["s2", str(len(records()))]]
    with pytest.raises(UsageError, match="SQL"):
        await run(audit.command, "query", "SELECT * FROM read_text('/etc/passwd')")


async def test_export_writes_new_files_only_and_none_for_a_damaged_log(home: Home, tmp_path: Path) -> None:

    log = await anyio.to_thread.run_sync(write_session, ended_session(home, "s1"))
    out = tmp_path / "out.ndjson"
    await run(audit.command, "export", "s1", "--format", "ocsf", "-o", str(out))
    assert len(out.read_bytes().splitlines()) == len(records()) + 2
    with pytest.raises(UsageError, match="is there already"):
        await run(audit.command, "export", "s1", "--format", "ecs", "-o", str(out))
    with pytest.raises(UsageError, match="--output"):
        await run(audit.command, "export", "s1", "--format", "parquet")
    await run(audit.command, "export", "--all", "--format", "parquet", "-o", str(tmp_path / "a.parquet"))
    assert (tmp_path / "a.parquet").read_bytes()[:4] == b"PAR1"
    log.write_bytes(log.read_bytes() + b"nonsense\n")
    with pytest.raises(VibedomError, match="not a line"):
        await run(audit.command, "export", "s1", "--format", "ecs", "-o", str(tmp_path / "none"))
    assert not (tmp_path / "none").exists()
