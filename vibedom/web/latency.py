"""How long scrubbing takes in the sessions that run, out of their metrics."""

from collections.abc import Sequence

import anyio
import anyio.to_thread
import msgspec

from sinks.tally import SCRUB_BOUNDS, Histogram
from vibedom.metrics import snapshots
from vibedom.paths import Home

POLL_SECONDS = 1.0


class LatencyFigures(msgspec.Struct, frozen=True, kw_only=True):
    """Of all sessions together; `counts` belong to `bounds`, with one more for what took longer."""

    bounds: tuple[float, ...]
    counts: tuple[int, ...]
    median_seconds: float | None
    p99_seconds: float | None
    dropped: int
    """Records that sinks never got."""


class Latency:
    """`current` is at most `POLL_SECONDS` old while `run` runs."""

    def __init__(self, home: Home) -> None:
        self._home = home
        self.current = figures([], dropped=0)

    async def run(self) -> None:
        """Follow until cancelled."""
        while True:
            found = await anyio.to_thread.run_sync(snapshots, self._home)
            dropped = sum(lost for _, each in found for _, _, lost in each.gauges.sinks.values())
            self.current = figures([each.scrub_seconds for _, each in found], dropped=dropped)
            await anyio.sleep(POLL_SECONDS)


def figures(histograms: Sequence[Histogram], *, dropped: int) -> LatencyFigures:
    """Add histograms with the usual bounds up; others are left out."""
    usual = [each for each in histograms if each.bounds == SCRUB_BOUNDS]
    counts = [sum(column) for column in zip(*(each.counts for each in usual), strict=True)]
    counts = counts or [0] * (len(SCRUB_BOUNDS) + 1)
    return LatencyFigures(
        bounds=SCRUB_BOUNDS,
        counts=tuple(counts),
        median_seconds=quantile(counts, 0.5),
        p99_seconds=quantile(counts, 0.99),
        dropped=dropped,
    )


def quantile(counts: Sequence[int], share: float) -> float | None:
    """Upper bound of the bucket that the quantile lies in: never better than the truth. None without a value."""
    wanted = share * sum(counts)
    if not wanted:
        return None
    seen = 0
    for bound, count in zip(SCRUB_BOUNDS, counts, strict=False):
        seen += count
        if seen >= wanted:
            return bound
    return float("inf")
