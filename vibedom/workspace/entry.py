"""One file, directory or symbolic link as `lstat` sees it."""

import os
import stat
from typing import Literal

import msgspec

from vibedom.workspace.spelling import spell

FileType = Literal["file", "directory", "symlink", "fifo", "socket", "device", "too deep directory"]
"""The last one is a directory of the agent's that is read no further (`layer.MAX_LEVELS`)."""

_TYPES: dict[int, FileType] = {
    stat.S_IFREG: "file",
    stat.S_IFDIR: "directory",
    stat.S_IFLNK: "symlink",
    stat.S_IFIFO: "fifo",
    stat.S_IFSOCK: "socket",
}


class Entry(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """What is known of a path. Written to disk as a JSON array, so fields are only ever added at the end."""

    type: FileType
    mode: int
    """Permission bits, `0o7777`."""
    size: int
    """Bytes; 0 for what is no file."""
    mtime_ns: int
    ctime_ns: int
    inode: int
    uid: int
    gid: int
    target: str = ""
    """Of a symbolic link, spelled."""
    digest: str = ""
    """SHA-256 of a file's content, hexadecimal, or "" where nobody has read it."""

    @property
    def bits(self) -> int:
        """The permission bits that an apply carries over: without setuid and setgid."""
        return self.mode & 0o1777

    def is_untouched(self, now: "Entry") -> bool:
        """Whether `now` is the very same file. For files everything `lstat` tells must agree, ctime included: it is
        what an edit that puts the mtime back cannot hide. Directories change with their children: type and mode."""
        if self.type != now.type:
            return False
        if self.type == "file":
            return self._stamp() == now._stamp()
        return self.target == now.target if self.type == "symlink" else self.mode == now.mode

    def _stamp(self) -> tuple[int, ...]:
        return (self.mode, self.size, self.mtime_ns, self.ctime_ns, self.inode)


def entry_of(status: os.stat_result, target: str = "", digest: str = "") -> Entry:
    """The entry of an `lstat` result; `target` is a link's target as `os.readlink` gives it."""
    kind = _TYPES.get(stat.S_IFMT(status.st_mode), "device")
    return Entry(
        type=kind,
        mode=stat.S_IMODE(status.st_mode),
        size=status.st_size if kind == "file" else 0,
        mtime_ns=status.st_mtime_ns,
        ctime_ns=status.st_ctime_ns,
        inode=status.st_ino,
        uid=status.st_uid,
        gid=status.st_gid,
        target=spell(target),
        digest=digest,
    )
