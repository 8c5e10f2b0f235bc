"""A view in which whole stretches are decoded, and encoded again where something in them changes."""

from bisect import bisect_right
from collections.abc import Iterable, Iterator
from typing import Protocol

from pipeline.scrubber.edit import Edit, splice
from pipeline.scrubber.view import View


class Run(Protocol):
    """One stretch: how long it is in the raw bytes, its text, and how to encode other text in the same manner."""

    length: int
    text: bytes

    def encode(self, text: bytes, /) -> bytes: ...


class RunView(View):
    """`raw` with `runs` (start, run) decoded; they are disjoint, in order."""

    def __init__(self, raw: bytes, runs: Iterable[tuple[int, Run]]) -> None:
        self._runs: list[Run] = []
        super().__init__(raw, self._stretches(runs))

    def _stretches(self, runs: Iterable[tuple[int, Run]]) -> Iterator[tuple[int, int, bytes]]:
        for start, run in runs:
            self._runs.append(run)
            yield start, start + run.length, run.text

    def to_raw(self, edits: Iterable[Edit]) -> list[Edit]:
        """Edits of the view as edits of the raw bytes; all that lie in one run become one."""
        raw_edits: list[Edit] = []
        inside: dict[int, list[Edit]] = {}
        for edit in edits:
            i = bisect_right(self.view_starts, edit.start) - 1
            if i >= 0 and edit.end <= self.view_ends[i]:
                inside.setdefault(i, []).append(edit)
            else:
                raw_edits.append(self._outside(edit))
        raw_edits += (self._run_edit(i, run_edits) for i, run_edits in inside.items())
        return raw_edits

    def _outside(self, edit: Edit) -> Edit:
        start, end = self.raw_span(edit.start, edit.end)
        is_plain = end - start == edit.end - edit.start
        return Edit(start, end, edit.new if is_plain else edit.placeholder, edit.found)

    def _run_edit(self, i: int, edits: list[Edit]) -> Edit:
        run, offset = self._runs[i], self.view_starts[i]
        text = splice(run.text, [e._replace(start=e.start - offset, end=e.end - offset) for e in edits])
        new = None if text is run.text else run.encode(text)
        found = tuple(found for edit in edits for found in edit.found)
        return Edit(self.raw_starts[i], self.raw_ends[i], new, found)
