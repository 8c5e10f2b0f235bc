"""No planted secret is in what real NATS and Redis hold, what a fleet shows of it, or what is made of a log."""

from collections.abc import Iterator
from pathlib import Path

import anyio
import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from prometheus_client import generate_latest

from pipeline.events import Record
from sinks.alert_engine import AlertEngine
from sinks.alerts import AlertFile, AlertSink
from sinks.courier import Carrier
from sinks.jsonl import JsonlSink
from sinks.metrics import MetricsSink
from sinks.nats_stream import NatsCarrier, NatsSettings
from sinks.redis_stream import RedisCarrier, RedisSettings
from sinks.spool import Spool
from sinks.stream import StreamSink
from tests.integration.sinks.servers import Server, free_ports, program, redis_server
from tests.integration.sinks.test_streams import read
from tests.property.test_no_secret_in_any_sink import PLANTED, SECRETS, STAGES, encodings, event
from tests.support.events import run
from tests.unit.cli.test_sinks import ended_session
from vibedom.audit.database import Database
from vibedom.audit.entries import entries
from vibedom.audit.export import TextFormat, export
from vibedom.fleet.source import SourceSettings
from vibedom.fleet.view import Fleet, alert_of
from vibedom.paths import Home
from vibedom.testing import record as harmless_record
from vibedom.web.exposition import registry
from vibedom.web.latency import Latency
from vibedom.web.live import Cursor
from vibedom.web.session_watch import SessionWatch

FORMATS: tuple[TextFormat, ...] = ("ocsf", "ecs", "har", "csv")
Planted = list[tuple[str, str, "type[str]"]]


@pytest.fixture(scope="module")
def streams(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[SourceSettings, SourceSettings]]:
    directory = tmp_path_factory.mktemp("servers")
    (port,) = free_ports(1)
    config = directory / "nats.conf"
    config.write_text(f"listen: 127.0.0.1:{port}\njetstream {{ store_dir: '{directory}/js' }}\n")
    servers = [Server([program("nats-server"), "-c", str(config)], port), redis_server(directory)]
    try:
        for server in servers:
            server.start()
        yield (
            NatsSettings(servers=(f"nats://127.0.0.1:{port}",)),
            RedisSettings(url=f"redis://127.0.0.1:{servers[1].port}"),
        )
    finally:
        for server in servers:
            server.kill()


def carrier_to(setting: SourceSettings) -> Carrier:
    if isinstance(setting, NatsSettings):
        return NatsCarrier(setting, session="s1")
    return RedisCarrier(setting, session="s1")


async def sent(setting: SourceSettings, records: list[Record], directory: Path) -> bytes:
    """All that the server holds after the records went there, and what `vibedom fleet` makes of it."""
    spool = Spool(directory / f"{type(setting).__name__}.spool")
    engine = AlertEngine(session="s1", max_per_minute=10**6)
    sink = StreamSink("stream", carrier_to(setting), spool, session="s1", engine=engine)
    await sink.write(records)
    await sink.aclose()
    messages, fleet = await read(setting), Fleet()
    for message in messages:
        fleet.add(message)
    alerts = [alert.message for message in messages if (alert := alert_of(message))]
    return msgspec.json.encode([messages, alerts, fleet.sessions])


async def logged(records: list[Record], home: Home) -> list[bytes]:
    """What is made of the log of a session: exports, tables, what a dashboard is told, metrics."""
    directory = ended_session(home, "s1")
    log, metrics = directory / "network.jsonl", MetricsSink(directory / "metrics.json", session="s1")
    alerts = AlertSink("alerts", AlertEngine(session="s1"), AlertFile(directory / "alerts.jsonl"))
    for sink in (JsonlSink(log, session="s1"), metrics, alerts):
        await sink.write(records)
        await sink.aclose()
    made = [b"".join(export(entries([log]), form)) for form in FORMATS]
    rows = Database([log]).ask("SELECT * FROM records").rows
    watch, latency = SessionWatch(home), Latency(home)
    while await watch.refresh():
        pass
    cursor = Cursor(watch, latency)
    return [*made, repr(list(rows)).encode(), b"".join(iter(cursor.next, b"")), generate_latest(registry(home))]


@settings(max_examples=5, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(planted=PLANTED)
def test_no_planted_secret_reaches_a_stream_a_fleet_an_export_a_table_a_dashboard_or_a_scrape(
    streams: tuple[SourceSettings, SourceSettings], tmp_path_factory: pytest.TempPathFactory, planted: Planted
) -> None:
    records = [
        STAGES.record(run(STAGES, event(where, spell(secret), number)))
        for number, (where, secret, spell) in enumerate(planted)
    ] + [msgspec.structs.replace(harmless_record(7), scheme="https")]
    directory = tmp_path_factory.mktemp("run")

    async def everything() -> list[bytes]:
        held = [await sent(setting, records, directory) for setting in streams]
        assert all(b"h007.test" in output for output in held)
        made = await logged(records, Home(root=directory / "home"))
        assert all(b"h007.test" in output for output in made[:-1])
        assert b"vibedom_requests" in made[-1]
        return held + made

    outputs = anyio.run(everything)
    for secret in SECRETS:
        for spelled in encodings(secret):
            assert not any(spelled in output for output in outputs)
