"""NATS JetStream and Redis streams with real servers: nothing is lost when one dies, and doubles are recognised."""

import json
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import aclosing
from pathlib import Path
from typing import Any

import anyio
import anyio.to_thread
import msgspec
import pytest

from pipeline.events import Record
from pipeline.feed import Feed
from sinks import courier as courier_module
from sinks.alert_engine import AlertEngine
from sinks.courier import Carrier
from sinks.nats_stream import NatsCarrier, NatsSettings
from sinks.redis_stream import RedisCarrier, RedisSettings
from sinks.spool import Spool
from sinks.stream import Message, StreamSink
from tests.integration.sinks.fleet_command import fleet
from tests.integration.sinks.servers import Server, nats_cluster, redis_server
from vibedom.fleet.source import SourceSettings, open_source
from vibedom.fleet.view import Fleet, alert_of, once

pytestmark = [pytest.mark.anyio, pytest.mark.timeout(180)]
FIRST, SECOND, THIRD = range(200), range(200, 400), range(400, 500)


@pytest.fixture(scope="module")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(autouse=True)
def _hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(courier_module, "BACKOFF_SECONDS", (0.1, 0.3))


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[Server]]:
    servers = nats_cluster(tmp_path_factory.mktemp("nats"))
    try:
        for server in servers:
            server.start()
        yield servers
    finally:
        for server in servers:
            server.kill()


@pytest.fixture(scope="module")
def redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    server = redis_server(tmp_path_factory.mktemp("redis"))
    try:
        server.start()
        yield server
    finally:
        server.kill()


def nats_settings(cluster: list[Server], name: str) -> NatsSettings:
    servers = tuple(f"nats://127.0.0.1:{server.port}" for server in cluster)
    return NatsSettings(servers=servers, stream=name, subject=name.lower(), replicas=len(cluster))


def record(number: int) -> Record:
    return Record(
        kind="request",
        flow=f"f{number}",
        at=1.7e9 + number,
        verdict="deny",
        reason="not-listed",
        host=f"h{number}.test",
    )


class Sending:
    """A stream sink in its feed, as a session runs it."""

    def __init__(self, carrier: Carrier, directory: Path, session: str, limit_bytes: int = 1 << 24) -> None:
        self.spool = Spool(directory / "spool", limit_bytes=limit_bytes)
        engine = AlertEngine(session=session)
        self.sink = StreamSink("stream", carrier, self.spool, session=session, engine=engine)
        self.feed = Feed(self.sink, is_required=False)

    async def put(self, numbers: range) -> None:
        """Returns once the last of them is in the spool."""
        written = anyio.Event()
        for number in numbers[:-1]:
            await self.feed.put(record(number))
        await self.feed.put(record(numbers[-1]), lambda ok: written.set())
        await written.wait()

    async def delivered(self) -> None:
        with anyio.fail_after(90):
            while self.spool.pending or self.spool.lost:  # noqa: ASYNC110  # a spool has no event for it
                await anyio.sleep(0.02)


async def read(setting: SourceSettings) -> list[Message]:
    source = open_source(setting)
    try:
        return [message async for message in source.messages(since=0, follow=False)]
    finally:
        await source.aclose()


async def numbers_of(setting: SourceSettings) -> tuple[list[int], list[int]]:
    """Of the records in the stream: all of them, and each message once."""

    def number(message: Message) -> int:
        return int(json.loads(bytes(message.data))["flow"][1:])

    messages = await read(setting)

    async def again() -> AsyncIterator[Message]:
        for message in messages:
            yield message

    different = [message async for message in once(again())]
    return tuple([number(m) for m in found if m.kind == "record"] for found in (messages, different))  # type: ignore[return-value]


def connected_server(carrier: NatsCarrier, cluster: list[Server]) -> Server:
    """The one whose loss the sink notices most."""
    client = carrier._client
    assert client is not None
    assert client.connected_url is not None
    return next(server for server in cluster if server.port == client.connected_url.port)


async def test_nats_cluster_that_loses_a_server_loses_no_message_and_keeps_no_double(
    cluster: list[Server], tmp_path: Path
) -> None:
    setting = nats_settings(cluster, "KILLED")
    carrier = NatsCarrier(setting, session="s1")
    sending = Sending(carrier, tmp_path, "s1")
    async with anyio.create_task_group() as tasks:
        await tasks.start(sending.feed.run)
        await sending.put(FIRST)
        await sending.delivered()
        await sending.put(SECOND)
        victim = connected_server(carrier, cluster)
        victim.kill()
        await sending.put(THIRD)
        await sending.delivered()
        sending.feed.close()
    try:
        every, different = await numbers_of(setting)
        shown = await anyio.to_thread.run_sync(fleet_of_policy, tmp_path / "home", setting)
    finally:
        victim.start()
    assert sorted(different) == list(range(500))
    assert sorted(every) == sorted(different)  # the server dropped what was sent again
    assert sending.feed.dropped == 0
    assert [(session["session"], session["requests"], session["lost"]) for session in shown] == [("s1", 500, 0)]


def fleet_of_policy(home: Path, setting: NatsSettings) -> list[dict[str, Any]]:
    """What `vibedom fleet sessions` shows where the policy names the stream."""
    (home / "config").mkdir(parents=True)
    names = f'servers = {json.dumps(setting.servers)}\nstream = "{setting.stream}"\nsubject = "{setting.subject}"\n'
    (home / "config" / "policy.toml").write_text(f'[[sinks]]\ntype = "nats"\n{names}')
    done = fleet(home, "sessions", "--since", "36500d", "--json")
    assert done.returncode == 0, done.stderr
    return list(json.loads(done.stdout))


async def test_redis_that_is_killed_and_restarted_loses_no_message_and_readers_know_the_doubles(
    redis: Server, tmp_path: Path
) -> None:
    setting = RedisSettings(url=f"redis://127.0.0.1:{redis.port}/0", stream="killed")
    sending = Sending(RedisCarrier(setting, session="s1"), tmp_path, "s1")
    async with anyio.create_task_group() as tasks:
        await tasks.start(sending.feed.run)
        await sending.put(FIRST)
        await sending.put(SECOND)
        redis.kill()
        await sending.put(THIRD)
        assert sending.spool.pending
        redis.start()
        await sending.delivered()
        sending.feed.close()
    _, different = await numbers_of(setting)
    assert sorted(different) == list(range(500))


Opening = Callable[[], tuple[SourceSettings, Carrier]]


@pytest.fixture(params=["nats", "redis"])
def opening(request: pytest.FixtureRequest) -> Opening:
    """Settings of a stream of the test's own, and a carrier to it."""
    name = f"t{abs(hash(request.node.name)) % 10**9}"
    if request.param == "nats":
        nats = nats_settings(request.getfixturevalue("cluster"), name.upper())
        return lambda: (nats, NatsCarrier(nats, session="s1"))
    server: Server = request.getfixturevalue("redis")
    setting = RedisSettings(url=f"redis://127.0.0.1:{server.port}/0", stream=name)
    return lambda: (setting, RedisCarrier(setting, session="s1"))


async def send(carrier: Carrier, directory: Path, numbers: range, session: str = "s1", limit: int = 1 << 24) -> None:
    sending = Sending(carrier, directory, session, limit)
    async with anyio.create_task_group() as tasks:
        await tasks.start(sending.feed.run)
        await sending.put(numbers)
        await sending.delivered()
        sending.feed.close()


async def test_batch_that_is_sent_twice_is_read_once(opening: Opening) -> None:
    setting, carrier = opening()
    data = msgspec.Raw(b'{"flow":"f7"}')
    entry = msgspec.json.encode(Message(id="m1", kind="record", session="s1", number=1, data=data))
    await carrier.carry([entry])
    await carrier.carry([entry, b"{damaged"])
    await carrier.aclose()
    _, different = await numbers_of(setting)
    assert different == [7]


async def test_fleet_adds_up_the_sessions_of_all_machines(opening: Opening, tmp_path: Path) -> None:
    setting, carrier = opening()
    for session in ("a1", "b2"):
        (tmp_path / session).mkdir()
        await send(opening()[1], tmp_path / session, range(3), session)
    await carrier.report_lost(5)
    await carrier.aclose()
    fleet = Fleet()
    for message in await read(setting):
        fleet.add(message)
    assert sorted(fleet.sessions) == ["a1", "b2", "s1"]
    first = fleet.sessions["a1"]
    assert (first.requests, first.blocked, first.alerts, first.worst) == (3, 3, 3, "low")
    assert fleet.sessions["s1"].lost == 5


async def test_reader_that_follows_gets_alerts_as_they_come(opening: Opening, tmp_path: Path) -> None:
    setting, carrier = opening()
    await send(carrier, tmp_path, range(1))
    source = open_source(setting)
    seen: list[str] = []
    with anyio.fail_after(60):
        async with aclosing(once(source.messages(since=0, follow=True))) as messages:  # type: ignore[type-var]
            async for message in messages:
                if alert := alert_of(message):
                    seen.append(alert.host)
                    if len(seen) == 1:
                        await send(opening()[1], tmp_path, range(1, 2))
                    else:
                        break
    await source.aclose()
    assert seen == ["h0.test", "h1.test"]
