"""One review as the page works on it: read, ticked, applied, and read again. Everything here is blocking."""

from collections.abc import Callable, Collection, Sequence
from contextlib import AbstractContextManager
from pathlib import Path

import msgspec

from vibedom.workspace.apply import apply
from vibedom.workspace.changes import Change
from vibedom.workspace.danger import Danger
from vibedom.workspace.plan import Plan, Refusal, plan_apply
from vibedom.workspace.review import Review, is_selected
from vibedom.workspace.rows import RowKind, hunk_rows, hunk_title
from vibedom.workspace.selection import Resolution, Selection, State
from vibedom.workspace.settled import settle
from vibedom.workspace.spelling import spell, visible

MOST_ROWS = 4000
"""Lines of one file that are sent; `vibedom diff` has all."""
MOST_CHARACTERS = 2000
"""Of one line."""
PAGE_ROWS = 5000

OpenReview = Callable[[], AbstractContextManager[Review]]


class ChangeRow(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One change in the list. `path` is spelled, and names the change in requests; `shown` is what may be drawn."""

    path: str
    shown: str
    kind: str
    type: str
    note: str = ""
    dangers: Sequence[Danger] = ()
    conflict: str = ""
    state: State = "none"


class HunkRows(msgspec.Struct, frozen=True, kw_only=True):
    """One hunk. A row is (kind, old number, old text, new number, new text)."""

    title: str
    rows: list[tuple[RowKind, int | None, str, int | None, str]]
    is_wanted: bool


class DiffView(msgspec.Struct, frozen=True, kw_only=True):
    """One change, side by side."""

    path: str
    obstacle: str
    is_splittable: bool
    hunks: list[HunkRows]
    left_out: int
    """Lines that are not sent."""
    state: State
    resolution: Resolution | None


class PlanView(msgspec.Struct, frozen=True, kw_only=True):
    """What an apply would do, or did."""

    count: int
    conflicts: list[tuple[str, str, str]]
    """(path, path to draw, reason), here and below."""
    held_back: list[tuple[str, str, str]]
    skipped: list[tuple[str, str, str]]
    required: list[str]
    notes: list[tuple[str, str, str]]


class ReviewDesk:
    """Holds the selection between requests; one request at a time."""

    def __init__(self, open_review: OpenReview, journal: Path, applied: Callable[[], None]) -> None:
        self._open_review, self._journal, self._applied = open_review, journal, applied
        self._selection: Selection
        self._changes: dict[str, Change]
        self._conflicts: dict[str, str]
        self.reading = 0
        """Grows with every reading: pages of two readings do not belong together."""
        self.read()

    def read(self) -> None:
        """Read the changes as they are now; nothing is ticked. Raises `WorkspaceError`."""
        with self._open_review() as review:
            self._selection = Selection(review)
            everything = plan_apply(
                review.changes,
                workspace=review.workspace,
                upper=review.upper,
                base=review.base,
                include_dangerous=True,
            )
        self.reading += 1
        self._conflicts = {refusal.path: refusal.reason for refusal in everything.conflicts}
        urgent = self._conflicts.keys() | {
            path for path, found in review.dangers.items() if any(each.severity != "low" for each in found)
        }
        self._changes = {spell(change.path): change for change in review.changes}
        self._order = sorted(self._changes, key=lambda spelled: self._changes[spelled].path not in urgent)

    @property
    def workspace(self) -> str:
        return visible(str(self._selection.review.workspace))

    def page(self, start: int = 0) -> tuple[int, int, list[ChangeRow]]:
        """The reading, how many changes it has, and up to 5000 of them from the place `start`: what is dangerous or in
        conflict first, each part in the order of its paths."""
        paths = self._order[start : start + PAGE_ROWS]
        return self.reading, len(self._order), [self._row(each, self._changes[each]) for each in paths]

    def diff(self, spelled: str) -> DiffView:
        """Raises `KeyError`, `OSError`."""
        change = self._changes[spelled]
        diff = self._selection.diff(change.path)
        room, hunks = MOST_ROWS, []
        total = 0
        for number, hunk in enumerate(diff.hunks):
            rows = [(r.kind, r.old_number, _cut(r.old), r.new_number, _cut(r.new)) for r in hunk_rows(diff, hunk)]
            total += len(rows)
            is_wanted = self._selection.has_hunk(change.path, number)
            hunks.append(HunkRows(title=hunk_title(hunk), rows=rows[: max(0, room)], is_wanted=is_wanted))
            room -= len(rows)
        return DiffView(
            path=spelled,
            obstacle=diff.obstacle,
            is_splittable=diff.is_splittable,
            hunks=hunks,
            left_out=max(0, total - MOST_ROWS),
            state=self._selection.state(change.path),
            resolution=self._selection.resolutions.get(change.path),
        )

    def choose(self, spelled: Collection[str], *, is_wanted: bool) -> None:
        """Tick changes as a whole, or untick them. Raises `KeyError`."""
        self._selection.choose([self._changes[each].path for each in spelled], is_wanted=is_wanted)

    def choose_hunk(self, spelled: str, number: int, *, is_wanted: bool) -> State:
        """Tick one hunk, or untick it. Raises `KeyError`, `OSError`."""
        diff = self._selection.diff(self._changes[spelled].path)
        if not 0 <= number < max(1, len(diff.hunks)):
            raise KeyError(number)
        self._selection.choose_hunk(diff, number, is_wanted=is_wanted)
        return self._selection.state(diff.path)

    def resolve(self, spelled: str, how: Resolution) -> State:
        """Say what happens where both sides changed a file. Raises `KeyError`."""
        path = self._changes[spelled].path
        self._selection.resolve(path, how)
        return self._selection.state(path)

    def plan(self) -> PlanView:
        """What applying the ticked changes would do; dangerous ones are held back. Raises `WorkspaceError`."""
        return _view(self._selection.plan())

    def apply(self, dangerous: Collection[str]) -> PlanView:
        """Apply what is ticked; of what is dangerous only `dangerous`. Then read again.

        Raises `ConflictError`, `WorkspaceError`, `KeyError`; nothing is applied then.
        """
        agreed = [self._changes[each].path for each in dangerous]
        plan = self._selection.plan(include_dangerous=agreed)
        if plan.steps or plan.conflicts:
            apply(plan, self._journal)
        mine = self._selection.settled_by_mine
        settle(plan.base_file, [(path, self._changes[spell(path)].new) for path in mine])
        self._applied()
        self.read()
        return _view(plan)

    def below(self, spelled: str) -> list[str]:
        """The changes at or below a directory."""
        return [each for each in self._changes if not spelled or is_selected(each, (spelled,))]

    def _row(self, spelled: str, change: Change) -> ChangeRow:
        entry = change.new or change.old
        return ChangeRow(
            path=spelled,
            shown=visible(change.path),
            kind=change.kind,
            type=entry.type if entry is not None else "",
            note=_note(change),
            dangers=self._selection.review.dangers.get(change.path, ()),
            conflict=self._conflicts.get(change.path, ""),
            state=self._selection.state(change.path),
        )


def _note(change: Change) -> str:
    if change.new is not None and change.new.type == "symlink":
        return f"→ {visible(change.new.target)}"
    if change.kind == "mode" and change.old is not None and change.new is not None:
        return f"{change.old.mode:04o} → {change.new.mode:04o}"
    return "binary" if change.is_binary else ""


def _cut(text: str) -> str:
    left_out = len(text) - MOST_CHARACTERS
    return f"{text[:MOST_CHARACTERS]} [{left_out} more characters]" if left_out > 0 else text


def _view(plan: Plan) -> PlanView:
    def of(refusals: Sequence[Refusal]) -> list[tuple[str, str, str]]:
        return [(spell(each.path), visible(each.path), visible(each.reason)) for each in refusals]

    return PlanView(
        count=len(plan.steps),
        conflicts=of(plan.conflicts),
        held_back=of(plan.held_back),
        skipped=of(plan.skipped),
        required=[visible(path) for path in plan.required],
        notes=of(plan.notes),
    )
