"""The protocols of the pipeline: stages and sinks."""

from collections.abc import Sequence
from typing import Protocol, runtime_checkable

from pipeline.events import Direction, Finding, Reason, Record, Scan, Signal, Target


class Stage[In, Out](Protocol):
    """A pure callable: one event in, one event out, same flow id. No I/O, clock, log or channel. Never raises for any
    bytes; where it does all the same, the topology denies the flow and names the stage."""

    name: str

    def __call__(self, event: In, /) -> Out: ...


@runtime_checkable
class Sink(Protocol):
    """Where records go. `write` raises for any failure and is called again with the same records."""

    name: str

    async def write(self, records: Sequence[Record], /) -> None: ...

    async def aclose(self) -> None: ...


@runtime_checkable
class Beside(Protocol):
    """A sink that also works between writes. `run_beside` ends soon after `aclose` was called, or is cancelled."""

    async def run_beside(self) -> None: ...


@runtime_checkable
class Immediate(Protocol):
    """A sink that can write a little without waiting for anything. `write_now` is called between writes, never during
    one; it writes all records or none, and answers whether it has: False asks for `write`. Raises only `OSError`."""

    def write_now(self, records: Sequence[Record], /) -> bool: ...


@runtime_checkable
class Counting(Protocol):
    """A sink that wants to know of records it never got: there was no room, or writing them failed."""

    def lost(self, count: int, /) -> None: ...


class BodyStream(Protocol):
    """A body that is scrubbed as it passes."""

    @property
    def byte_count(self) -> int:
        """Bytes that came in."""
        ...

    def __call__(self, chunk: bytes, /) -> bytes:
        """What may go on after `chunk`; b"" means the end and returns the rest. Raises `StreamBrokenError` where the
        body cannot be read any further: the exchange is then cut, never forwarded unread."""
        ...

    def findings(self) -> Sequence[Finding]: ...


@runtime_checkable
class Signalling(Protocol):
    """A stream that also tells what is worth a look in what has passed so far."""

    def signals(self) -> Sequence[Signal]: ...


class StreamBrokenError(Exception):
    """A streamed body cannot go on; `reason` is what its record gives."""

    def __init__(self, message: str, *, reason: Reason = "undecodable-body") -> None:
        super().__init__(message)
        self.reason: Reason = reason


class OpenStream(Protocol):
    """Makes the stream for one body of a flow."""

    def __call__(self, scan: Scan, target: Target, direction: Direction, /) -> BodyStream: ...
