"""Alerts on their way out: a delivery with a spool in front of it, so that alerts wait on disk, in no one's way."""

import time
from collections.abc import Sequence

import msgspec

from sinks.alert import Alert, held_back_alert
from sinks.alerts import Delivery
from sinks.courier import CARRY_SECONDS, Courier
from sinks.line import printable_json
from sinks.spool import Spool

_decoder = msgspec.json.Decoder(Alert)


class Outbox:
    """A delivery that keeps alerts on disk until `delivery` has taken them."""

    def __init__(self, delivery: Delivery, spool: Spool, *, session: str, carry_seconds: float = CARRY_SECONDS) -> None:
        self.courier = Courier(_AlertCarrier(delivery, session), spool, carry_seconds=carry_seconds)

    async def deliver(self, alerts: Sequence[Alert], /) -> None:
        """Raises `OSError` where there is no room on the disk; then none of them is kept."""
        await self.courier.post([printable_json(alert) for alert in alerts])

    async def run_beside(self) -> None:
        await self.courier.run_beside()

    async def aclose(self) -> None:
        await self.courier.aclose()


class _AlertCarrier:
    def __init__(self, delivery: Delivery, session: str) -> None:
        self._delivery = delivery
        self._session = session
        self._opened = time.time()
        self._reports = 0

    async def carry(self, entries: Sequence[bytes], /) -> None:
        alerts = [alert for entry in entries if (alert := _decoded(entry))]
        if alerts:
            await self._delivery.deliver(alerts)

    async def report_lost(self, count: int, /) -> None:
        """The same report has the same id until it was taken."""
        why = "had no room while they could not be delivered"
        serial = f"{self._opened!r} {self._reports}"
        await self._delivery.deliver([held_back_alert(self._session, count, why, at=time.time(), serial=serial)])
        self._reports += 1

    async def aclose(self) -> None:
        await self._delivery.aclose()


def _decoded(entry: bytes) -> Alert | None:
    """None for a line that is damaged: what it said is in alerts.jsonl, and it must not hold up what follows."""
    try:
        return _decoder.decode(entry)
    except msgspec.MsgspecError:
        return None
