"""A decoded view of a buffer that knows where each of its bytes came from."""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable

from pipeline.scrubber.edit import Edit


class View:
    """`data` is `raw` with some stretches decoded. Positions map both ways; inside a stretch they map to its edges."""

    def __init__(self, raw: bytes, stretches: Iterable[tuple[int, int, bytes]]) -> None:
        """`stretches` are disjoint (start, end, decoded), in order."""
        self.raw_starts: list[int] = []
        self.raw_ends: list[int] = []
        self.view_starts: list[int] = []
        self.view_ends: list[int] = []
        pieces: list[bytes] = []
        position = length = 0
        for start, end, decoded in stretches:
            pieces += (raw[position:start], decoded)
            length += start - position
            self.raw_starts.append(start)
            self.raw_ends.append(end)
            self.view_starts.append(length)
            length += len(decoded)
            self.view_ends.append(length)
            position = end
        pieces.append(raw[position:])
        self.data = b"".join(pieces)

    @property
    def is_changed(self) -> bool:
        """Whether any stretch was decoded."""
        return bool(self.raw_starts)

    def raw_span(self, start: int, end: int) -> tuple[int, int]:
        """The raw bytes that `start:end` of the view was decoded from."""
        return (
            _left(start, self.view_starts, self.view_ends, self.raw_starts, self.raw_ends),
            _right(end, self.view_starts, self.view_ends, self.raw_starts, self.raw_ends),
        )

    def view_span(self, start: int, end: int) -> tuple[int, int]:
        """What `start:end` of the raw bytes became in the view."""
        return (
            _left(start, self.raw_starts, self.raw_ends, self.view_starts, self.view_ends),
            _right(end, self.raw_starts, self.raw_ends, self.view_starts, self.view_ends),
        )

    def to_raw(self, edits: Iterable[Edit]) -> list[Edit]:
        """Edits of the view as edits of the raw bytes."""
        return [Edit(*self.raw_span(edit.start, edit.end), edit.new, edit.found) for edit in edits]

    def from_raw(self, edits: Iterable[Edit]) -> list[Edit]:
        """Edits of the raw bytes as edits of the view."""
        return [Edit(*self.view_span(edit.start, edit.end), edit.new, edit.found) for edit in edits]


def _left(at: int, starts: list[int], ends: list[int], to_starts: list[int], to_ends: list[int]) -> int:
    """Where a left edge goes: to the front of the stretch it lies in, or as far behind one as it was."""
    i = bisect_right(starts, at) - 1
    if i < 0:
        return at
    return to_starts[i] if at < ends[i] else to_ends[i] + at - ends[i]


def _right(at: int, starts: list[int], ends: list[int], to_starts: list[int], to_ends: list[int]) -> int:
    """Where a right edge goes: to the end of the stretch it lies in, or as far behind one as it was."""
    i = bisect_left(starts, at) - 1
    if i < 0:
        return at
    return to_ends[i] if at <= ends[i] else to_ends[i] + at - ends[i]
