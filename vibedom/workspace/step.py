"""One step of an apply or an undo: a path, what must be there before it, and what is there after it."""

import msgspec

from vibedom.workspace.entry import Entry
from vibedom.workspace.tree import Tree


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """Takes `path` from `before` to `after`; None is absence. Turned round, it is its own undo."""

    number: int
    path: str
    before: Entry | None
    after: Entry | None
    is_mode_only: bool = False
    """The content stays: only permission bits change."""
    old: Entry | None = None
    """What the base says was there when the session started."""
    overwrites: bool = False
    """The host has changed the path since then, and the user wants the agent's version all the same."""

    is_composed: bool = False
    """What is written is not the agent's file but `content/NUMBER` of the journal."""
    settles: bool = False
    """The user has decided on the whole change by it: what is left of it is not offered again."""
    agents: Entry | None = None
    """What the agent left at the path."""

    def turned_round(self) -> "Step":
        return msgspec.structs.replace(self, before=self.after, after=self.before)

    @property
    def removes(self) -> bool:
        """Whether what is there has to go before (or without) anything new comes."""
        if self.before is None:
            return False
        return self.after is None or (self.before.type == "directory") != (self.after.type == "directory")

    @property
    def makes_directory(self) -> bool:
        return self.after is not None and self.after.type == "directory" and not self.keeps_directory

    @property
    def keeps_directory(self) -> bool:
        return self.before is not None and self.after is not None and self.before.type == self.after.type == "directory"

    @property
    def puts(self) -> bool:
        """Whether a file or a link is written."""
        return self.after is not None and self.after.type != "directory" and not self.is_mode_only


def is_at(tree: Tree, path: str, wanted: Entry | None) -> bool:
    """Whether `path` is in the state `wanted`. A file whose digest is known is compared by content and permission
    bits, any other by what `lstat` told; a directory by being one, its content has steps of its own."""
    now = tree.lstat(path)
    if now is None or wanted is None:
        return now is wanted
    if now.type != wanted.type:
        return False
    if now.type == "symlink":
        return now.target == wanted.target
    if now.type != "file" or wanted.is_untouched(now):
        return True
    return (
        wanted.digest != ""
        and (now.size, now.bits) == (wanted.size, wanted.bits)
        and tree.digest(path) == wanted.digest
    )
