"""Other names of the files that an apply replaces: hard links of the host.

A file with several names is replaced under the one the agent changed. That takes a link from the others, which changes
their ctime: the sign of a host edit, but made by the apply itself. So it notes what the others were, and afterwards,
where they still have that content, tells the base that nothing happened to them.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from pathlib import Path

import msgspec

from vibedom.workspace.base import Base
from vibedom.workspace.entry import Entry
from vibedom.workspace.step import Step
from vibedom.workspace.tree import Tree


def find_twins(steps: Sequence[Step], workspace: Path, base_file: Path) -> list[tuple[str, Entry]]:
    """Paths without a step of their own that are the same file as one that a step replaces or removes, and were not
    edited since the base was recorded: as they are now, with the digest that the step's backup has. Costs a look
    through the base, but only where a file has several names. Raises `OSError`, `WorkspaceError`."""
    with Tree(workspace, lingers=True) as host:
        replaced = {each.before.inode: each.before for each in steps if _has_other_names(each, host) and each.before}
        return _twins(replaced, {step.path for step in steps}, host, base_file) if replaced else []


def _twins(replaced: Mapping[int, Entry], own: Collection[str], host: Tree, base_file: Path) -> list[tuple[str, Entry]]:
    with Base(base_file) as base:
        names = [path for path, entry in base.linked(replaced.keys()) if path not in own]
        return [
            (path, msgspec.structs.replace(now, digest=replaced[now.inode].digest))
            for path in names
            if (now := host.lstat(path)) is not None
            and now.inode in replaced
            and now.is_untouched(replaced[now.inode])
            and (old := base.get(path)) is not None
            and old.is_untouched(now)
        ]


def _has_other_names(step: Step, host: Tree) -> bool:
    before = step.before
    if before is None or before.type != "file" or step.is_mode_only:
        return False
    return host.has_other_names(step.path)


def unharmed(twins: Iterable[tuple[str, Entry]], host: Tree) -> Iterator[tuple[str, Entry]]:
    """Those of the twins that are the same file with the same content, as they are now."""
    for path, then in twins:
        now = host.lstat(path)
        if now is None or now.type != "file" or _lasting(now) != _lasting(then):
            continue
        try:
            is_same = host.digest(path) == then.digest
        except OSError:  # not readable any more: an edit
            continue
        if is_same and host.lstat(path) == now:
            yield path, now


def _lasting(entry: Entry) -> tuple[int, ...]:
    """What a link that goes does not change."""
    return (entry.inode, entry.size, entry.mtime_ns, entry.mode)
