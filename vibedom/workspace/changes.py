"""What the agent did to one path: the model that diff, review and apply share."""

from collections.abc import Callable, Iterator
from typing import Literal

import msgspec

from vibedom.workspace.entry import Entry

Kind = Literal["added", "modified", "deleted", "mode", "type"]
"""`mode`: nothing but permission bits; `type`: a file became a directory, a link a file, and so on."""

Notify = Callable[[str], None]
"""Hears, in words for people, how far something long is. What it raises ends that."""
NOTIFY_EVERY = 500
"""Changes; some fiftieth of a second."""


class Change(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One changed path. A directory has a change of its own only where it was added, deleted or given another mode."""

    path: str
    """Relative to the workspace, `/`-separated, surrogate escapes for bytes that are no UTF-8 (`spelling.spell`)."""
    kind: Kind
    old: Entry | None
    """Recorded when the session started (or by the last apply), None where there was nothing."""
    new: Entry | None
    """In the overlay, None where the path is deleted. Files carry their digest: what was read is what is applied."""
    is_binary: bool = False
    """The old or the new content is no text (git's rule: a NUL byte near the start)."""

    @property
    def is_appliable(self) -> bool:
        """FIFOs, sockets and devices never come to the host."""
        return self.new is None or self.new.type in ("file", "directory", "symlink")

    @property
    def is_new_mode(self) -> bool:
        """The permission bits change as well, in what is a file or a directory before and after."""
        old, new = self.old, self.new
        if old is None or new is None or old.type != new.type or old.type == "symlink":
            return False
        return old.bits != new.bits


def ancestors(path: str) -> Iterator[str]:
    """The directories above `path`, outermost first, without the root."""
    at = path.find("/")
    while at != -1:
        yield path[:at]
        at = path.find("/", at + 1)
