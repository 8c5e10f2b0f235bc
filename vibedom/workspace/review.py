"""Everything a review of one session needs: its changes, what is dangerous in them, and what folds into one line."""

import os
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import msgspec

from vibedom.paths import SessionDir
from vibedom.workspace.base import Base
from vibedom.workspace.changes import Change, Notify, ancestors
from vibedom.workspace.danger import Danger, SecretScan, find_dangers, is_git_data
from vibedom.workspace.file_diff import Conceal
from vibedom.workspace.hidden_files import GENERATED
from vibedom.workspace.overlay import read_changes
from vibedom.workspace.settled import unsettled

FOLD_ABOVE = 20
"""Fewer changes are shown one by one, except git's own data, which nobody reads."""

UNSEEN = Danger(reason="it is one of many in a directory of tools, shown as one line", severity="low", needs_yes=True)


class Review(msgspec.Struct, frozen=True, kw_only=True):
    """The changes of one session, as they are now."""

    workspace: Path
    upper: Path
    base: Base
    changes: Sequence[Change]
    dangers: dict[str, list[Danger]]
    conceal: Conceal | None = None
    """Takes secrets out of what is shown."""

    def select(self, paths: Collection[str]) -> list[Change]:
        """The changes at or below `paths`; all where there is none."""
        return [change for change in self.changes if not paths or is_selected(change.path, paths)]


class Fold(msgspec.Struct, frozen=True):
    """A generated directory with all that was changed in it."""

    directory: str
    changes: tuple[Change, ...]


@contextmanager
def reviewing(
    directory: SessionDir,
    workspace: Path,
    *,
    masked: Collection[str] = (),
    hidden: Collection[str] = (),
    has_branch: bool = False,
    branched: Collection[str] = (),
    home: Path | None = None,
    scan: SecretScan | None = None,
    conceal: Conceal | None = None,
    with_settled: bool = False,
    notify: Notify = lambda text: None,
) -> Iterator[Review]:
    """Read a session's changes and judge them. `home` is the user's, for git's configuration.

    What is at or below `hidden` is the sandbox's own, and with `has_branch` the data of the project's git came home as
    commits, as did that of the git directories `branched`: neither is a change. Changes that the user has decided on
    (`settled.py`) are left out unless `with_settled` asks for them. `notify` hears how far it is.

    Raises `WorkspaceError`.
    """
    with Base(directory.base) as base:
        changes = read_changes(directory.upper, workspace, base, masked=masked, notify=notify)
        changes = [each for each in changes if not is_selected(each.path, hidden)]
        for git in (*((".git",) if has_branch else ()), *branched):
            changes = [each for each in changes if not is_git_data(each, git)]
        if not with_settled:
            changes = unsettled(changes, directory.base)
        dangers = find_dangers(
            changes, workspace=workspace, upper=directory.upper, base=base, home=home, scan=scan, notify=notify
        )
        for fold in folded_view(changes, dangers):
            for change in fold.changes if isinstance(fold, Fold) else ():
                dangers.setdefault(change.path, [UNSEEN])
        yield Review(
            workspace=workspace, upper=directory.upper, base=base, changes=changes, dangers=dangers, conceal=conceal
        )


def is_selected(path: str, wanted: Collection[str]) -> bool:
    """Whether `path` is one of `wanted` or below one."""
    return path in wanted or any(above in wanted for above in ancestors(path))


def relative_path(text: str, *, workspace: Path, current: Path) -> str:
    """The workspace-relative path that a user means by `text`: from where they are when that is in the workspace, else
    from its root. "" is the whole workspace, and so is what is outside: nothing is at or below it."""
    start = current if current == workspace or workspace in current.parents else workspace
    path = os.path.relpath(os.path.normpath(os.path.join(start, text)), workspace)
    return "" if path == "." else path


def folded_view(changes: Iterable[Change], dangers: Mapping[str, Sequence[Danger]]) -> list[Change | Fold]:
    """`changes` with those in a generated directory folded where they are many. What is dangerous never folds."""
    groups: dict[str, list[Change]] = {}
    order: list[Change | str] = []
    for change in changes:
        is_dangerous = any(danger.severity != "low" for danger in dangers.get(change.path, ()))
        directory = "" if is_dangerous else _generated_above(change.path)
        if not directory:
            order.append(change)
            continue
        if directory not in groups:
            order.append(directory)
        groups.setdefault(directory, []).append(change)
    return [each for item in order for each in _unfolded(item, groups)]


def _unfolded(item: Change | str, groups: Mapping[str, list[Change]]) -> Sequence[Change | Fold]:
    if isinstance(item, Change):
        return (item,)
    most = 0 if item.rpartition("/")[2] == ".git" else FOLD_ABOVE
    return (Fold(item, tuple(groups[item])),) if len(groups[item]) > most else groups[item]


def _generated_above(path: str) -> str:
    for above in (*ancestors(path), path):
        if above.rpartition("/")[2] in GENERATED:
            return above
    return ""
