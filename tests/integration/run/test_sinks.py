"""A session with sinks of every way of naming one: what crosses the border is on the far side of each."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from sinks.nats_stream import NatsSettings
from sinks.redis_stream import RedisSettings
from tests.integration.run.conftest import Vibedom
from tests.integration.sinks.servers import Server, free_ports, program, redis_server
from tests.integration.sinks.test_streams import read
from tests.support.detection import GITHUB_TOKEN
from tests.support.origin import Origin, origin
from tests.unit.sinks.places import http_server
from vibedom.fleet.source import SourceSettings

pytestmark = [pytest.mark.anyio, pytest.mark.parametrize("runtime", ["local"], indirect=True)]
HOST = "api.good.test"
PASSWORD = "pa" + "ss-of-the-hook"


@pytest.fixture
def streams(tmp_path: Path) -> Iterator[tuple[SourceSettings, SourceSettings]]:
    (port,) = free_ports(1)
    config = tmp_path / "nats.conf"
    config.write_text(f"listen: 127.0.0.1:{port}\njetstream {{ store_dir: '{tmp_path}/js' }}\n")
    redis = redis_server(tmp_path)
    servers = [Server([program("nats-server"), "-c", str(config)], port), redis]
    try:
        for server in servers:
            server.start()
        yield NatsSettings(servers=(f"nats://127.0.0.1:{port}",)), RedisSettings(url=f"redis://127.0.0.1:{redis.port}")
    finally:
        for server in servers:
            server.kill()


def policy(secure: Origin, nats: NatsSettings) -> str:
    """One sink is in the policy, the others are named with `--sink`."""
    host = f'[[hosts]]\npattern = "{HOST}"\ndial = "127.0.0.1:{secure.port}"\nca = "{secure.ca_file}"\n'
    return f'{host}[[sinks]]\ntype = "nats"\nservers = {json.dumps(nats.servers)}\n'


async def test_alerts_and_records_of_a_session_reach_its_sinks_and_no_secret_does(
    vibedom: Vibedom, streams: tuple[NatsSettings, RedisSettings], tmp_path: Path
) -> None:
    nats, redis = streams
    halves = f"'{GITHUB_TOKEN[:9]}''{GITHUB_TOKEN[9:]}'"  # the session keeps the command line it was started with
    script = f"curl -s -o /dev/null -d key={halves} https://{HOST}/x; curl -s -o /dev/null https://evil.test/"
    async with origin(names=(HOST,)) as secure:
        vibedom.policy(policy=policy(secure, nats))
        with http_server(tmp_path / "failing") as (where, bodies):
            hook = f"http://kim:{PASSWORD}@{where}/hook"
            done = await vibedom.sh(script + "; true", options=("--sink", hook, "--sink", redis.url))
    assert done.code == 0, done
    assert [each.target for each in secure.arrived] == ["/x"]
    (posted,) = [alert for body in bodies for alert in json.loads(body)["alerts"] if alert["host"] == HOST]
    assert (posted["severity"], posted["rule"], posted["session"]) == ("critical", "github-pat", vibedom.session.name)
    logged = [(line["flow"], line["kind"]) for line in vibedom.records()]
    outputs = [*bodies, done.out.encode(), done.err.encode()]
    for setting in streams:
        messages = await read(setting)
        records = [json.loads(bytes(each.data)) for each in messages if each.kind == "record"]
        assert [(record["flow"], record["kind"]) for record in records] == logged
        hosts = {json.loads(bytes(each.data)).get("host") for each in messages if each.kind == "alert"}
        assert {HOST, "evil.test"} <= hosts
        outputs += [bytes(each.data) for each in messages]
    files = [file for file in vibedom.session.rglob("*") if file.is_file()]
    assert not any(GITHUB_TOKEN.encode() in output for output in [*outputs, *(file.read_bytes() for file in files)])
    told = [file for file in files if PASSWORD.encode() in file.read_bytes()]
    assert told == [vibedom.session / "state.json"]  # for `vibedom resume`
    assert not any(PASSWORD.encode() in output for output in outputs)
