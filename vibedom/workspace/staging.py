"""Writes files beside their target and renames them over it, so that nobody ever sees half a file."""

import errno
import hashlib
import os
import stat

from vibedom.workspace.content import read_fully
from vibedom.workspace.entry import Entry
from vibedom.workspace.spelling import unspell
from vibedom.workspace.tree import CHUNK_BYTES

_CREATE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_ZEROS = bytes(CHUNK_BYTES)


def stage_file(source: int, directory: int, name: str, entry: Entry) -> bool:
    """Copy the open file `source` to the new file `name`, with the mode and owner of `entry`. False where its content
    is not what `entry.digest` says: it has changed since it was reviewed."""
    fd = os.open(name, _CREATE, 0o600, dir_fd=directory)
    try:
        if copy(source, fd) != entry.digest:
            return False
        give(fd, entry)
        os.fchmod(fd, entry.mode)
        return True
    finally:
        os.close(fd)


def stage_link(directory: int, name: str, entry: Entry) -> None:
    """Make the symbolic link `name` with the target of `entry`."""
    os.symlink(unspell(entry.target), name, dir_fd=directory)
    give_at(directory, name, entry)


def copy(source: int, target: int) -> str:
    """Copy all of `source` to the empty file `target`, holes as holes, and return the digest of what was copied."""
    status = os.fstat(source)
    has_holes = status.st_blocks * 512 < status.st_size
    digest, size = hashlib.sha256(), 0
    while chunk := read_fully(source, CHUNK_BYTES):
        digest.update(chunk)
        size += len(chunk)
        if has_holes and chunk == _ZEROS:
            os.lseek(target, len(chunk), os.SEEK_CUR)
        else:
            _write(target, chunk)
    os.ftruncate(target, size)
    return digest.hexdigest()


def _write(fd: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(fd, view) :]


def give(fd: int, entry: Entry) -> None:
    """Make the open file belong to the entry's owner, as far as this user may give files away."""
    status = os.fstat(fd)
    if (status.st_uid, status.st_gid) != (entry.uid, entry.gid) and _may_give(entry):
        os.fchown(fd, entry.uid, entry.gid)


def give_at(directory: int, name: str, entry: Entry) -> None:
    """`give` for what cannot be opened."""
    if _may_give(entry):
        os.chown(name, entry.uid, entry.gid, dir_fd=directory, follow_symlinks=False)


def _may_give(entry: Entry) -> bool:
    if os.geteuid() == 0:
        return True
    return entry.uid == os.geteuid() and (entry.gid == os.getegid() or entry.gid in os.getgroups())


def chmod_at(directory: int, name: str, mode: int) -> None:
    """Set the mode of a file or directory, also of one that its owner may not read. Never follows a link."""
    if not hasattr(os, "O_PATH"):
        fd = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=directory)
        os.fchmod(fd, mode)
        os.close(fd)
        return
    fd = os.open(name, os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=directory)
    try:
        if stat.S_ISLNK(os.fstat(fd).st_mode):
            raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), name)
        os.chmod(f"/proc/self/fd/{fd}", mode)  # fchmod refuses an O_PATH descriptor
    finally:
        os.close(fd)
