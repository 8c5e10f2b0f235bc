"""One review as the page works on it: read, ticked, applied, and read again. Everything here is blocking."""

from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from pathlib import Path

import msgspec

from vibedom.errors import WorkspaceError
from vibedom.workspace.apply import apply
from vibedom.workspace.apply_progress import ApplyProgress
from vibedom.workspace.changes import Change, Notify
from vibedom.workspace.danger import Danger
from vibedom.workspace.plan import Plan, Refusal, plan_apply
from vibedom.workspace.review import Review
from vibedom.workspace.rows import RowKind, hunk_rows, hunk_title
from vibedom.workspace.selection import Resolution, Selection, State
from vibedom.workspace.settled import settle
from vibedom.workspace.spelling import spell, visible

MOST_ROWS = 4000
"""Lines of one file that are sent; `vibedom diff` has all."""
MOST_CHARACTERS = 2000
"""Of one line."""
PAGE_ROWS = 5000

OpenReview = Callable[[Notify], AbstractContextManager[Review]]


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


class ReviewRows(msgspec.Struct, frozen=True, kw_only=True):
    """A part of the list."""

    workspace: str
    reading: int
    total: int
    """Changes in all parts."""
    changes: list[ChangeRow]


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


class Reading(msgspec.Struct, frozen=True, kw_only=True):
    """The changes as they were at one time, and what of them is ticked."""

    selection: Selection
    changes: dict[str, Change]
    """By their spelled paths."""
    conflicts: dict[str, str]
    order: list[str]


class ReviewDesk:
    """Holds the selection between requests; one request at a time. Before `read`, and after an `apply`, it has none."""

    def __init__(self, open_review: OpenReview, journal: Path, applied: Callable[[bool], None]) -> None:
        """`applied` is told after an apply, when all was read again, whether nothing is left."""
        self._open_review, self._journal, self._applied = open_review, journal, applied
        self._now: Reading | None = None
        self.reading = 0
        """Grows with every reading: pages of two readings do not belong together."""
        self.progress = ""
        """How far it is with what takes long, for people. May be asked for at any time."""

    def read(self, check: Callable[[], None] = lambda: None) -> None:
        """Read the changes as they are now; nothing is ticked. `check` may end it, by raising. Raises
        `WorkspaceError`."""

        def notify(text: str) -> None:
            check()
            self.progress = text

        with self._saying("reading the changes"), self._open_review(notify) as review:
            self.progress = "comparing with the project"
            reading = _read(review)
            if self.reading:
                self._applied(not reading.changes)
        self.reading += 1
        self._now = reading

    @contextmanager
    def _saying(self, text: str) -> Iterator[None]:
        self.progress = text
        try:
            yield
        finally:
            self.progress = ""

    @property
    def is_read(self) -> bool:
        return self._now is not None

    @property
    def is_done(self) -> bool:
        """Nothing is left."""
        return self._now is not None and not self._now.changes

    def _need(self) -> Reading:
        if self._now is None:
            raise WorkspaceError("the changes are still being read; wait for them")
        return self._now

    def page(self, start: int = 0) -> ReviewRows:
        """Up to 5000 changes from the place `start`: what is dangerous or in conflict first, each part in the order of
        its paths. Raises `WorkspaceError`."""
        now = self._need()
        return ReviewRows(
            workspace=visible(str(now.selection.review.workspace)),
            reading=self.reading,
            total=len(now.order),
            changes=[_row(now, each) for each in now.order[start : start + PAGE_ROWS]],
        )

    def diff(self, spelled: str) -> DiffView:
        """Raises `KeyError`, `OSError`, `WorkspaceError`."""
        now = self._need()
        change = now.changes[spelled]
        diff = now.selection.diff(change.path)
        room, hunks = MOST_ROWS, []
        total = 0
        for number, hunk in enumerate(diff.hunks):
            rows = [(r.kind, r.old_number, _cut(r.old), r.new_number, _cut(r.new)) for r in hunk_rows(diff, hunk)]
            total += len(rows)
            is_wanted = now.selection.has_hunk(change.path, number)
            hunks.append(HunkRows(title=hunk_title(hunk), rows=rows[: max(0, room)], is_wanted=is_wanted))
            room -= len(rows)
        return DiffView(
            path=spelled,
            obstacle=diff.obstacle,
            is_splittable=diff.is_splittable,
            hunks=hunks,
            left_out=max(0, total - MOST_ROWS),
            state=now.selection.state(change.path),
            resolution=now.selection.resolutions.get(change.path),
        )

    def choose(self, spelled: Collection[str], *, is_wanted: bool) -> None:
        """Tick changes as a whole, or untick them. Raises `KeyError`, `WorkspaceError`."""
        now = self._need()
        now.selection.choose([now.changes[each].path for each in spelled], is_wanted=is_wanted)

    def choose_hunk(self, spelled: str, number: int, *, is_wanted: bool) -> State:
        """Tick one hunk, or untick it. Raises `KeyError`, `OSError`, `WorkspaceError`."""
        now = self._need()
        diff = now.selection.diff(now.changes[spelled].path)
        if not 0 <= number < max(1, len(diff.hunks)):
            raise KeyError(number)
        now.selection.choose_hunk(diff, number, is_wanted=is_wanted)
        return now.selection.state(diff.path)

    def resolve(self, spelled: str, how: Resolution) -> State:
        """Say what happens where both sides changed a file. Raises `KeyError`, `WorkspaceError`."""
        now = self._need()
        path = now.changes[spelled].path
        now.selection.resolve(path, how)
        return now.selection.state(path)

    def plan(self) -> PlanView:
        """What applying the ticked changes would do; dangerous ones are held back. Raises `WorkspaceError`."""
        with self._saying("planning"):
            return _view(self._need().selection.plan())

    def apply(self, dangerous: Collection[str]) -> PlanView:
        """Apply what is ticked; of what is dangerous only `dangerous`. All has to be read again then.

        Raises `ConflictError`, `WorkspaceError`, `KeyError`; nothing is applied then.
        """
        now = self._need()
        agreed = [now.changes[each].path for each in dangerous]
        with self._saying("planning"):
            plan = now.selection.plan(include_dangerous=agreed)
            if plan.steps or plan.conflicts:
                apply(plan, self._journal, notify=ApplyProgress(partial(setattr, self, "progress"), len(plan.steps)))
        self._now = None
        settle(plan.base_file, [(path, now.changes[spell(path)].new) for path in now.selection.settled_by_mine])
        return _view(plan)


def _read(review: Review) -> Reading:
    everything = plan_apply(
        review.changes,
        workspace=review.workspace,
        upper=review.upper,
        base=review.base,
        include_dangerous=True,
    )
    conflicts = {refusal.path: refusal.reason for refusal in everything.conflicts}
    urgent = conflicts.keys() | {
        path for path, found in review.dangers.items() if any(each.severity != "low" for each in found)
    }
    changes = {spell(change.path): change for change in review.changes}
    order = sorted(changes, key=lambda spelled: changes[spelled].path not in urgent)
    return Reading(selection=Selection(review), changes=changes, conflicts=conflicts, order=order)


def _row(now: Reading, spelled: str) -> ChangeRow:
    change = now.changes[spelled]
    entry = change.new or change.old
    return ChangeRow(
        path=spelled,
        shown=visible(change.path),
        kind=change.kind,
        type=entry.type if entry is not None else "",
        note=_note(change),
        dangers=now.selection.review.dangers.get(change.path, ()),
        conflict=now.conflicts.get(change.path, ""),
        state=now.selection.state(change.path),
    )


def _note(change: Change) -> str:
    notes = []
    if change.new is not None and change.new.type == "symlink":
        notes.append(f"→ {visible(change.new.target)}")
    if change.is_new_mode and change.old is not None and change.new is not None:
        notes.append(f"{change.old.mode:04o} → {change.new.mode:04o}")
    if not change.is_appliable:
        notes.append("never brought to the project")
    return ", ".join([*notes, "binary"] if change.is_binary else notes)


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
