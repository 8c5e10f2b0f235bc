"""Stands between capture and the pipeline: keeps upload budgets, and adds signals to what passes by.

Stages are pure, and these questions are about the whole session, so they are answered before the first stage: as
`signals`, which go into the record, or as `trouble`, which denies the flow.
"""

from collections.abc import Awaitable, Callable, Iterator, Sequence

import msgspec

from pipeline.budget import BudgetsOf, Ledger
from pipeline.content_filter import content_codings, content_length
from pipeline.events import Captured, Context, Direction, Finding, Judged, Scan, Signal, Step, Target
from pipeline.exfiltration import Thresholds, is_random_name, is_random_path
from pipeline.ports import BodyStream, OpenStream, StreamBrokenError
from pipeline.uploads import Sample

Judge = Callable[[Captured], Awaitable[Judged]]
_SENT_STEPS: tuple[Step, ...] = ("request_body", "message")
_NAMED_STEPS: tuple[Step, ...] = ("dns", "connect", "request", "request_body")
_LAST_STEPS: tuple[Step, ...] = ("end", "response_body")


class Observer:
    """What one session has sent. Everything it is given answers by the policy as it is at the time."""

    def __init__(
        self, thresholds: Callable[[], Thresholds], context_of: Callable[[str], Context], budgets_of: BudgetsOf
    ) -> None:
        self._thresholds = thresholds
        self._context_of = context_of
        self.ledger = Ledger(budgets_of)

    def judging(self, judge: Judge) -> Judge:
        """`judge`, with budgets kept and signals added."""

        async def observed(captured: Captured) -> Judged:
            return await self._observe(captured, judge)

        return observed

    def streams(self, open_stream: OpenStream) -> OpenStream:
        """`open_stream`, with requests counted and looked at as they pass."""

        def opened(scan: Scan, target: Target, direction: Direction, /) -> BodyStream:
            stream = open_stream(scan, target, direction)
            return ObservedStream(stream, self, target, scan.codings) if direction == "request" else stream

        return opened

    def spend(self, target: Target, count: int) -> bool:
        """Count bytes that are about to be sent; False where they may not go."""
        return self.ledger.spend(target.host, target.port, count)

    def is_suspicious(self, sample: Sample, target: Target) -> bool:
        return sample.is_suspicious(self._context_of(target.host), self._thresholds())

    async def _observe(self, captured: Captured, judge: Judge) -> Judged:
        target, size = captured.target, _size(captured)
        is_counted = bool(size) and self.spend(target, size)
        if captured.trouble is None and (is_counted != bool(size) or not self._has_room(captured)):
            captured = msgspec.structs.replace(captured, trouble="upload-budget")
        signals = (*captured.signals, *self._signals(captured))
        judged = await judge(msgspec.structs.replace(captured, signals=signals) if signals else captured)
        if is_counted and judged.decision.verdict == "deny":
            self.ledger.give_back(target.host, target.port, size)
        return judged

    def _has_room(self, captured: Captured) -> bool:
        """A request that says how long it is, is refused before a byte of its body is asked for."""
        if captured.step != "request" or captured.request is None:
            return True
        try:
            length = content_length(captured.request.headers) or 0
        except ValueError:  # thousands of digits: the stages deny that, and record it
            return True
        return self.ledger.fits(captured.target.host, captured.target.port, length)

    def _signals(self, captured: Captured) -> Iterator[Signal]:
        thresholds, step, target = self._thresholds(), captured.step, captured.target
        if captured.trouble == "upload-budget":
            yield "upload-budget"
        if step in _NAMED_STEPS and is_random_name(target.host, thresholds):
            yield "random-name"
        path = captured.request.path if captured.request is not None and step in ("request", "request_body") else b""
        if is_random_path(path, thresholds):
            yield "random-path"
        sample = _sample(captured)
        if sample is not None and self.is_suspicious(sample, target):
            yield "high-entropy-upload"
        if step in _SENT_STEPS + _LAST_STEPS and self._is_much(captured, thresholds):
            yield "unusual-volume"

    def _is_much(self, captured: Captured, thresholds: Thresholds) -> bool:
        limit = thresholds.exchange_bytes if captured.step in _LAST_STEPS else 0
        is_long = bool(limit) and captured.counts.request_bytes >= limit
        host = captured.target.host
        return self.ledger.has_crossed(host, thresholds.session_limit(self._context_of(host))) or is_long


class ObservedStream:
    """A request's body that streams: counted before it goes on, and cut where a budget is used up."""

    def __init__(self, stream: BodyStream, observer: Observer, target: Target, codings: tuple[str, ...]) -> None:
        self._stream = stream
        self._observer = observer
        self._target = target
        self._sample = Sample(codings)

    @property
    def byte_count(self) -> int:
        return self._stream.byte_count

    def __call__(self, chunk: bytes, /) -> bytes:
        if not self._observer.spend(self._target, len(chunk)):
            raise StreamBrokenError("an upload budget is used up", reason="upload-budget")
        self._sample.add(chunk)
        return self._stream(chunk)

    def findings(self) -> Sequence[Finding]:
        return self._stream.findings()

    def signals(self) -> Sequence[Signal]:
        return ("high-entropy-upload",) if self._observer.is_suspicious(self._sample, self._target) else ()


def _size(captured: Captured) -> int:
    """Bytes that leave with this step. Streams and relays are counted as they pass."""
    if captured.step not in _SENT_STEPS or captured.direction != "request":
        return 0
    body = len(captured.body.data) if captured.body is not None else 0
    return body + sum(len(name) + len(value) for name, value in captured.trailers)


def _sample(captured: Captured) -> Sample | None:
    """Of a body or message that is here in full, on its way out."""
    if captured.body is None or captured.step not in _SENT_STEPS or captured.direction != "request":
        return None
    is_coded = captured.step == "request_body" and captured.request is not None
    sample = Sample(content_codings(captured.request.headers) if is_coded and captured.request else ())
    sample.add(captured.body.data)
    return sample
