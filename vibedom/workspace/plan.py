"""Decides what an apply will do: which changes go, which conflict with host edits, which are held back."""

import bisect
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Literal

import msgspec

from vibedom.workspace.base import Base, sort_key
from vibedom.workspace.changes import Change, ancestors
from vibedom.workspace.composed import Composed
from vibedom.workspace.danger import Danger
from vibedom.workspace.entry import Entry
from vibedom.workspace.spelling import visible
from vibedom.workspace.step import Step
from vibedom.workspace.tree import Tree

OnConflict = Literal["fail", "skip", "overwrite"]
"""`fail`: nothing is applied; `skip`: the rest is; `overwrite`: the agent's version wins, and undo can take it back."""


class Refusal(msgspec.Struct, frozen=True):
    """A change that is not applied, and why."""

    path: str
    reason: str


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """What `apply` will do. Nothing has been touched yet."""

    workspace: Path
    upper: Path
    base_file: Path
    steps: tuple[Step, ...]
    conflicts: tuple[Refusal, ...] = ()
    """`apply` refuses a plan that has any."""
    held_back: tuple[Refusal, ...] = ()
    """Dangerous, and not explicitly included."""
    skipped: tuple[Refusal, ...] = ()
    required: tuple[str, ...] = ()
    """Not selected, but what is selected cannot be without them: new parent directories, content of deleted ones."""
    contents: Mapping[int, bytes] = {}
    """Number of a step -> what it writes instead of the agent's content."""
    notes: tuple[Refusal, ...] = ()
    """Applied, but not entirely as the agent had it: a setuid bit that is dropped, for example."""


def plan_apply(
    changes: Sequence[Change],
    *,
    workspace: Path,
    upper: Path,
    base: Base,
    select: Callable[[Change], bool] | None = None,
    dangers: Mapping[str, Sequence[Danger]] | None = None,
    include_dangerous: bool | Collection[str] = False,
    on_conflict: OnConflict = "fail",
    resolutions: Mapping[str, OnConflict] | None = None,
    composed: Mapping[str, Composed] | None = None,
) -> Plan:
    """Plan to apply those of `changes` (as `read_changes` gave them) that `select` picks; None picks all.

    `resolutions` says for single paths what `on_conflict` says for all; `composed` are files that get another content
    than the agent's.

    A path that the host has changed since the base was recorded is a conflict. A path with a danger that is held back
    (`danger.py`) is left out unless `include_dangerous` is true or holds it. Raises `WorkspaceError`.
    """
    with Tree(workspace, lingers=True) as host:  # an apply looks again, at the moment it writes
        ways = (on_conflict, resolutions or {})
        planner = _Planner(changes, host, dangers or {}, include_dangerous, ways, composed or {})
        chosen = planner.closed([change for change in changes if select is None or select(change)])
        owner = host.lstat("")
        steps = [planner.step(number, change, owner) for number, change in enumerate(chosen)]
    return Plan(
        workspace=workspace,
        upper=upper,
        base_file=base.file,
        steps=tuple(steps),
        conflicts=_refusals(planner.conflicts),
        held_back=_refusals(planner.held_back),
        skipped=_refusals(planner.skipped),
        required=tuple(planner.required),
        contents={step.number: planner.composed[step.path].content for step in steps if step.is_composed},
        notes=tuple(note for change in chosen for note in _notes(change)),
    )


def _refusals(reasons: Mapping[str, str]) -> tuple[Refusal, ...]:
    return tuple(Refusal(path, reasons[path]) for path in sorted(reasons, key=sort_key))


def _notes(change: Change) -> Iterator[Refusal]:
    if change.new is not None and change.new.type == "file" and change.new.mode & 0o6000:
        yield Refusal(change.path, "the setuid and setgid bits are dropped")


class _Planner:
    def __init__(
        self,
        changes: Sequence[Change],
        host: Tree,
        dangers: Mapping[str, Sequence[Danger]],
        include_dangerous: bool | Collection[str],
        ways: tuple[OnConflict, Mapping[str, OnConflict]],
        composed: Mapping[str, Composed],
    ) -> None:
        self._changes = sorted(changes, key=lambda change: sort_key(change.path))
        self._keys = [sort_key(change.path) for change in self._changes]
        self._by_path = {change.path: change for change in self._changes}
        self._host, self._dangers = host, dangers
        self._include, self.composed = include_dangerous, composed
        self._on_conflict, self._resolutions = ways
        self.conflicts: dict[str, str] = {}
        self.held_back: dict[str, str] = {}
        self.skipped: dict[str, str] = {}
        self.required: list[str] = []
        self._now: dict[str, Entry | None] = {}
        self._overwrites: set[str] = set()
        self._directories: dict[str, bool] = {}

    def closed(self, selected: Sequence[Change]) -> list[Change]:
        """`selected` with all it needs, without what is refused or needs something that is."""
        wanted = {change.path for change in selected}
        pending, considered, needs = list(selected), set(wanted), dict[str, list[str]]()
        while pending:
            change = pending.pop()
            needs[change.path] = [other.path for other in self._needs(change)]
            for path in needs[change.path]:
                if path not in considered:
                    considered.add(path)
                    pending.append(self._by_path[path])
        refused = {each.path for each in self._changes if each.path in considered and self._refuses(each)}
        self._spread(refused, needs)
        taken = considered - refused
        kept = [change for change in self._changes if change.path in taken]
        self.required = [change.path for change in kept if change.path not in wanted]
        return kept

    def _spread(self, refused: set[str], needs: Mapping[str, Sequence[str]]) -> None:
        """Refuse whatever needs a refused path, until nothing more does."""
        needed_by: dict[str, list[str]] = {}
        for path, others in needs.items():
            for other in others:
                needed_by.setdefault(other, []).append(path)
        pending = list(refused)
        while pending:
            cause = pending.pop()
            for path in needed_by.get(cause, ()):
                if path not in refused:
                    refused.add(path)
                    pending.append(path)
                    reasons = self.held_back if cause in self.held_back else self.skipped
                    reasons[path] = f"needs {visible(cause)}, which is not applied"

    def _needs(self, change: Change) -> Iterator[Change]:
        if change.new is not None:
            for above in ancestors(change.path):
                other = self._by_path.get(above)
                if other is not None and other.kind in ("added", "type"):
                    yield other
        stays = change.new is not None and change.new.type == "directory"
        if change.old is not None and change.old.type == "directory" and not stays:
            yield from self._below(change.path)

    def _below(self, directory: str) -> Iterator[Change]:
        key = sort_key(directory)
        for at in range(bisect.bisect_right(self._keys, key), len(self._keys)):
            if self._keys[at][: len(key)] != key:
                break
            yield self._changes[at]

    def _refuses(self, change: Change) -> bool:
        if not change.is_appliable and change.new is not None:
            self.skipped[change.path] = f"a {change.new.type} is never brought to the host"
            return True
        reasons = [danger.reason for danger in self._dangers.get(change.path, ()) if danger.is_held_back]
        included = self._include if isinstance(self._include, bool) else change.path in self._include
        if reasons and not included:
            self.held_back[change.path] = "; ".join(reasons)
            return True
        reason, can_overwrite = self._conflict(change)
        if not reason:
            return False
        how = self._resolutions.get(change.path, self._on_conflict)
        if can_overwrite and (how == "overwrite" or self._is_merged(change.path)):
            self._overwrites.add(change.path)
            return False
        (self.skipped if how == "skip" else self.conflicts)[change.path] = reason
        return True

    def _conflict(self, change: Change) -> tuple[str, bool]:
        """What the host did to the path meanwhile, or "", and whether the agent's version could win."""
        now = self._now[change.path] = self._host.lstat(change.path)
        if change.new is not None and not self._has_parent(change.path):
            return "its directory is gone on the host", False
        if change.path in self.composed and not _is_still(self.composed[change.path].host, now):
            return "was changed on the host just now", False
        if now is not None and now.type == "directory" and (change.new is None or change.new.type != "directory"):
            foreign = self._foreign(change.path)
            if foreign:
                return f"the host has {visible(foreign)} in it, which the agent has not seen", False
        if change.old is None:
            is_new_on_both = now is not None and not _are_directories(now, change.new)
            return ("is new on the host too", True) if is_new_on_both else ("", True)
        if now is None:
            return "was deleted on the host", True
        return ("", True) if change.old.is_untouched(now) else ("was changed on the host", True)

    def _is_merged(self, path: str) -> bool:
        """Whether the user has made one file of both sides."""
        return path in self.composed and self.composed[path].settles

    def _has_parent(self, path: str) -> bool:
        above = path.rpartition("/")[0]
        planned = self._by_path.get(above)
        if not above or (planned is not None and planned.new is not None and planned.new.type == "directory"):
            return True
        if above not in self._directories:
            now = self._host.lstat(above)
            self._directories[above] = now is not None and now.type == "directory"
        return self._directories[above]

    def _foreign(self, directory: str) -> str:
        for name in self._host.names(directory):
            change = self._by_path.get(f"{directory}/{name}")
            if change is None or change.new is not None:
                return name
        return ""

    def step(self, number: int, change: Change, owner: Entry | None) -> Step:
        # What the conflict check saw, not what is there by now: an edit in between must be noticed by the apply.
        now, after = self._now[change.path], change.new
        if after is not None:
            kept = now.mode & 0o6000 if now is not None and now.type == after.type == "directory" else 0
            after = msgspec.structs.replace(after, mode=after.bits | kept)
            if owner is not None:
                after = msgspec.structs.replace(after, uid=owner.uid, gid=owner.gid)
        is_mode_only = change.kind == "mode" and now is not None and now.type == "file"
        # The agent changed the mode of one path: the host's other names of the file keep theirs, so it is replaced.
        is_mode_only = is_mode_only and not self._host.has_other_names(change.path)
        composed = self.composed.get(change.path)
        if composed is not None and after is not None:
            after, is_mode_only = composed.entry(after), False
        return Step(
            number=number,
            path=change.path,
            before=now,
            after=after,
            is_mode_only=is_mode_only,
            old=change.old,
            overwrites=change.path in self._overwrites,
            is_composed=composed is not None and after is not None,
            settles=composed is not None and composed.settles,
            agents=change.new,
        )


def _is_still(then: Entry | None, now: Entry | None) -> bool:
    return then is now if then is None or now is None else then.is_untouched(now)


def _are_directories(now: Entry, new: Entry | None) -> bool:
    return new is not None and now.type == new.type == "directory"
