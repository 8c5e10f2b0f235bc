"""The protocols of the pipeline: stages and sinks."""

from collections.abc import Sequence
from typing import Protocol

from pipeline.events import Record


class Stage[In, Out](Protocol):
    """A pure callable: one event in, one event out, same flow id. No I/O, clock, log or channel. Never raises for any
    bytes; where it does all the same, the topology denies the flow and names the stage."""

    name: str

    def __call__(self, event: In, /) -> Out: ...


class Sink(Protocol):
    """Where records go. `write` raises for any failure and is called again with the same records."""

    name: str

    async def write(self, records: Sequence[Record], /) -> None: ...

    async def aclose(self) -> None: ...
