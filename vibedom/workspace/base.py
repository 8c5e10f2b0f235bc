"""The state of the workspace's files when the session started: what an apply is three-way against.

The overlay's lower layer *is* the workspace, so a host edit made during the session changes what the agent's work is
compared with. What `lstat` tells is recorded once, at the start, and any difference later is such an edit.

The file holds one JSON line per path, in the order of `sort_key`, so that one path is found by bisection and a
directory's whole content is one run of lines: reading costs what the changes cost, whatever the project's size. What an
apply or an undo has changed is appended to a second file beside it and wins.
"""

import bisect
import mmap
import os
import stat
from collections.abc import Collection, Iterable, Iterator, Mapping
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Self

import msgspec

from vibedom.errors import WorkspaceError
from vibedom.workspace.durable import append_lines
from vibedom.workspace.entry import Entry, entry_of
from vibedom.workspace.spelling import spell, unspell, visible
from vibedom.workspace.tree import Tree

SortKey = tuple[bytes, ...]

_LINE = msgspec.json.Decoder(tuple[str, Entry])
_AMENDMENT = msgspec.json.Decoder(tuple[str, Entry | None])
_ENCODER = msgspec.json.Encoder()
_LINK = b'"symlink"'
NEAR_BYTES = 1 << 9
"""Some four lines."""


def sort_key(path: str) -> SortKey:
    """Order of paths in which every directory is followed at once by all that is below it."""
    return _spelled_key(spell(path))


def _spelled_key(spelled: str) -> SortKey:
    return tuple(spelled.encode().split(b"/"))


def record_base(workspace: Path, into: Path) -> None:
    """Write the state of every path below `workspace` to the file `into` (0600), replacing it and its amendments, and
    that of the symbolic links once more to a file of their own: a diff needs all of them, and nothing else of so many.

    Symbolic links are recorded, never followed; no content is read. Directories that cannot be read are recorded
    without what is in them. Raises `WorkspaceError`.
    """
    temporary = into.with_name(into.name + ".tmp")
    try:
        links: list[bytes] = []
        with Tree(workspace) as tree, _created(temporary) as file:
            for path, entry in _walk(tree):
                line = _ENCODER.encode((spell(path), entry)) + b"\n"
                file.write(line)
                if entry.type == "symlink":
                    links.append(line)
        amendments_of(into).unlink(missing_ok=True)
        with _created(links_of(into)) as file:
            file.writelines(links)
        temporary.replace(into)
    except OSError as error:
        raise WorkspaceError(f"{visible(str(workspace))} cannot be recorded: {error.strerror}") from error


def _created(file: Path) -> BinaryIO:
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o600)
    return os.fdopen(descriptor, "wb", buffering=1 << 20)


def _walk(tree: Tree) -> Iterator[tuple[str, Entry]]:
    pending = _children(tree, "")
    while pending:
        path, entry = pending.pop()
        yield path, entry
        if entry.type == "directory":
            pending.extend(_children(tree, path))


def _children(tree: Tree, directory: str) -> list[tuple[str, Entry]]:
    """Entries of a directory, the first one last."""
    try:
        fd = tree.open_directory(directory)
    except OSError:  # gone or unreadable: the agent, who has the same rights, sees nothing in it either
        return []
    try:
        with os.scandir(fd) as entries:
            found = [child for each in entries if (child := _child(fd, directory, each)) is not None]
    finally:
        os.close(fd)
    return sorted(found, key=lambda child: spell(child[0]).encode(), reverse=True)


def _child(fd: int, directory: str, each: os.DirEntry[str]) -> tuple[str, Entry] | None:
    try:
        status = each.stat(follow_symlinks=False)
        target = os.readlink(each.name, dir_fd=fd) if stat.S_ISLNK(status.st_mode) else ""
    except FileNotFoundError:
        return None
    return f"{directory}/{each.name}" if directory else each.name, entry_of(status, target)


def amendments_of(base: Path) -> Path:
    """The file beside `base` that holds what applies and undos have changed since."""
    return base.with_name(base.stem + ".amended.jsonl")


def links_of(base: Path) -> Path:
    """The file beside `base` that holds the lines of its symbolic links alone."""
    return base.with_name(base.stem + ".links.jsonl")


def amend_base(base: Path, states: Iterable[tuple[str, Entry | None]]) -> None:
    """From now on `states` (path, entry or None for absent) is what the agent's work is compared with."""
    append_lines(amendments_of(base), (_ENCODER.encode((spell(path), entry)) for path, entry in states))


class Base:
    """A recorded base, read from its file as it is asked for."""

    def __init__(self, file: Path) -> None:
        self.file = file
        self._amended: Mapping[str, Entry | None] = _read_amendments(file)
        self._amended_keys = sorted((sort_key(path), path) for path in self._amended)
        self._near: tuple[SortKey, int] = ((), 0)
        """Where the last search ended: who asks for many paths asks for them in nearly their order."""
        try:
            with file.open("rb") as opened:
                size = os.fstat(opened.fileno()).st_size
                self._map = mmap.mmap(opened.fileno(), 0, access=mmap.ACCESS_READ) if size else None
        except OSError as error:
            raise WorkspaceError(f"no record of the session's start: {file}: {error.strerror}") from error

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if self._map is not None:
            self._map.close()

    def get(self, path: str) -> Entry | None:
        """The entry `path` had, or None where there was none."""
        if path in self._amended:
            return self._amended[path]
        for found, entry in self._from(sort_key(path)):
            return entry if found == path else None
        return None

    def below(self, directory: str) -> Iterator[tuple[str, Entry]]:
        """Every path that was below `directory`, at any depth, sorted."""
        yield from sorted(self._merged(directory), key=lambda item: sort_key(item[0]))

    def links(self) -> Iterator[tuple[str, Entry]]:
        """Every symbolic link there was, by the file of their own."""
        for line in self._link_lines():
            spelled, entry = self._decode(line)
            path = unspell(spelled)
            if path not in self._amended:
                yield path, entry
        for path, amended in self._amended.items():
            if amended is not None and amended.type == "symlink":
                yield path, amended

    def _link_lines(self) -> Iterator[bytes]:
        try:
            yield from links_of(self.file).read_bytes().splitlines()
        except FileNotFoundError:  # recorded by an older vibedom: they are found among the others
            at = self._map.find(_LINK) if self._map is not None else -1
            while self._map is not None and at >= 0:
                start, end = self._map.rfind(b"\n", 0, at) + 1, self._map.find(b"\n", at)
                if self._decode(self._map[start:end])[1].type == "symlink":
                    yield self._map[start:end]
                at = self._map.find(_LINK, end)

    def named(self, name: str) -> Iterator[str]:
        """Every path below a directory with this last component. As fast as the file can be searched, whatever else is
        in it; amendments do not count."""
        needle = f'/{spell(name)}",['.encode()
        at = self._map.find(needle) if self._map is not None else -1
        while self._map is not None and at >= 0:
            start, end = self._map.rfind(b"\n", 0, at) + 1, self._map.find(b"\n", at)
            yield unspell(self._decode(self._map[start:end])[0])
            at = self._map.find(needle, end)

    def linked(self, inodes: Collection[int]) -> Iterator[tuple[str, Entry]]:
        """Every path whose entry has one of these inode numbers. Reads all of the file."""
        for path, entry in self._from(()):
            if entry.inode in inodes and path not in self._amended:
                yield path, entry
        for path, amended in self._amended.items():
            if amended is not None and amended.inode in inodes:
                yield path, amended

    def _merged(self, directory: str) -> Iterator[tuple[str, Entry]]:
        key = sort_key(directory)
        for path, entry in self._from(key):
            found = sort_key(path)
            if found[: len(key)] != key:
                break
            if found != key and path not in self._amended:
                yield path, entry
        first = bisect.bisect_left(self._amended_keys, (key, ""))
        for found, path in self._amended_keys[first:]:
            amended = self._amended[path]
            if found[: len(key)] != key:
                break
            if found != key and amended is not None:
                yield path, amended

    def _from(self, key: SortKey) -> Iterator[tuple[str, Entry]]:
        """Recorded paths from the first that is not before `key`."""
        data = self._map
        if data is None:
            return
        at = self._find(data, key)
        self._near = (key, at)
        while at < len(data):
            end = data.find(b"\n", at)
            spelled, entry = self._decode(data[at:end])
            yield unspell(spelled), entry
            at = end + 1

    def _find(self, data: mmap.mmap, key: SortKey) -> int:
        """Offset of the first line whose path is not before `key`."""
        near, low = self._near
        low, stride = (0, len(data)) if key < near else (low, NEAR_BYTES)
        while low + stride < len(data):  # in growing steps, so that what is near is found without a look at the rest
            start, end = _line_at(data, low + stride, low)
            if not self._is_before(data[start:end], key):
                return self._bisect(data, key, low, start)
            low, stride = end + 1, stride * 4
        return self._bisect(data, key, low, len(data))

    def _bisect(self, data: mmap.mmap, key: SortKey, low: int, high: int) -> int:
        while low < high:
            start, end = _line_at(data, (low + high) // 2, low)
            if self._is_before(data[start:end], key):
                low = end + 1
            else:
                high = start
        return low

    def _is_before(self, line: bytes, key: SortKey) -> bool:
        return _spelled_key(self._decode(line)[0]) < key

    def _decode(self, line: bytes) -> tuple[str, Entry]:
        try:
            return _LINE.decode(line)
        except msgspec.MsgspecError as error:
            raise WorkspaceError(f"{self.file} is damaged; the session cannot be applied, only exported") from error


def _line_at(data: mmap.mmap, at: int, low: int) -> tuple[int, int]:
    """Start and end of the line that the byte before `at` is in; `low` is the start of a line before it."""
    start = data.rfind(b"\n", low, at) + 1 or low
    return start, data.find(b"\n", start)


def _read_amendments(base: Path) -> dict[str, Entry | None]:
    try:
        lines = amendments_of(base).read_bytes().split(b"\n")
    except FileNotFoundError:
        return {}
    # The last piece is empty, or a line whose writing was cut off by a crash before the journal called it done.
    try:
        return {unspell(spelled): entry for spelled, entry in map(_AMENDMENT.decode, lines[:-1])}
    except msgspec.MsgspecError as error:
        file = amendments_of(base)
        raise WorkspaceError(f"{file} is damaged; the session cannot be applied, only exported") from error
