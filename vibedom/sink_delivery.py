"""Delivering outside of a session: a test alert, and what ended sessions left in their spools."""

import time
from pathlib import Path
from tempfile import TemporaryDirectory

import anyio
import msgspec

from pipeline.events import Record
from pipeline.ports import Sink
from sinks.alert import Alert, make_alert
from sinks.alerts import AlertSink, Delivery
from sinks.courier import Carrier
from sinks.delivery_error import DeliveryError
from sinks.nats_stream import NatsSettings
from sinks.outbox import Outbox
from sinks.redis_stream import RedisSettings
from sinks.spool import waiting
from sinks.stream import Message, StreamSink
from vibedom.alert_sinks import open_carrier, open_delivery, open_sink, spool_path
from vibedom.errors import SettingsError
from vibedom.sink_settings import SinkSettings

TEST_SECONDS = 20.0


class Flushed(msgspec.Struct, frozen=True):
    """What became of a spool."""

    delivered: int
    left: int


async def send_test(setting: SinkSettings) -> str:
    """Deliver one alert of severity high, made up for this. Why it was not taken, or "" where it was."""
    with TemporaryDirectory() as directory:
        dead = Path(directory) / "dead.jsonl"
        try:
            with anyio.fail_after(TEST_SECONDS):
                await _deliver_test(setting, dead)
        except (DeliveryError, SettingsError) as error:
            return str(error)
        except TimeoutError:
            return f"no answer within {TEST_SECONDS:.0f} seconds"
        except OSError as error:
            return f"cannot be reached ({error.strerror or type(error).__name__})"
        return "refused by the receiver" if await anyio.Path(dead).exists() else ""


async def _deliver_test(setting: SinkSettings, dead_letters: Path) -> None:
    record = _record()
    opened: Carrier | Delivery | Sink
    if isinstance(setting, NatsSettings | RedisSettings):
        opened = carrier = open_carrier(setting, session="test")
        data = msgspec.Raw(msgspec.json.encode(_alert(record)))
        message = Message(id=_alert(record).id, kind="alert", session="test", number=1, data=data)
        deliver = carrier.carry([msgspec.json.encode(message)])
    else:
        opened = open_delivery(setting, session="test", dead_letters=dead_letters)
        deliver = opened.write([record]) if isinstance(opened, Sink) else opened.deliver([_alert(record)])
    try:
        await deliver
    finally:
        await opened.aclose()


async def flush_spool(setting: SinkSettings, *, session: str, directory: Path) -> Flushed:
    """Deliver what waits for one sink in the directory of a session that has ended. Raises `SettingsError`."""
    before, _ = await anyio.to_thread.run_sync(waiting, spool_path(setting, directory))
    if not before:
        return Flushed(0, 0)
    sink = open_sink(setting, (), name="flush", session=session, directory=directory)
    courier = None
    if isinstance(sink, StreamSink):
        courier = sink.courier
    elif isinstance(sink, AlertSink) and isinstance(sink.delivery, Outbox):
        courier = sink.delivery.courier
    if courier is not None:
        await courier.drain()
    await sink.aclose()
    left, _ = await anyio.to_thread.run_sync(waiting, spool_path(setting, directory))
    return Flushed(before - left, left)


def _record() -> Record:
    now = time.time()
    return Record(
        kind="session", flow="test", at=now, verdict="allow", reason="listed", host="vibedom.invalid", note="test"
    )


def _alert(record: Record) -> Alert:
    return msgspec.structs.replace(
        make_alert(record, None, id_=f"test-{record.at:.6f}", session="test", name="test", severity="high"),
        message="test: this is how an alert of vibedom looks; nothing has happened",
    )
