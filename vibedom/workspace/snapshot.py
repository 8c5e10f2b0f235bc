"""A commit without a past and without masked files, and the way back from it onto the real history.

Where a file is masked, the sandbox's repository starts at such a commit. It is made from the project's head and the
masked paths alone, so that it can be made again when the agent's commits come home; their trees then get the real
entries of the masked paths back, and their parents the real head.
"""

import os
import re
import tempfile
from collections.abc import Collection, Iterator
from pathlib import Path

from vibedom.errors import WorkspaceError
from vibedom.workspace.host_git import OBJECT_ID, must_git

_AUTHOR = {
    f"GIT_{who}_{what}": value
    for who in ("AUTHOR", "COMMITTER")
    for what, value in (("NAME", "vibedom"), ("EMAIL", "vibedom@localhost"), ("DATE", "2000-01-01T00:00:00Z"))
}
_SIGNATURE = re.compile(rb"^(?:gpgsig|gpgsig-sha256) .*\n(?: .*\n)*", re.MULTILINE)


def make_snapshot(repository: Path, head: str, masked: Collection[str]) -> str:
    """Write the commit into the bare `repository`, which can see `head`, and return its id: always the same one."""
    hidden = masked_entries(repository, head, masked)
    empty = must_git(repository, "hash-object", "-w", "--stdin").decode().strip()
    lines = [entry.replace(_id_of(entry), empty.encode()) for entry in hidden]
    tree = _tree_with(repository, f"{head}^{{tree}}", lines)
    message = f"The project at {head}, without its masked files and its past\n"
    made = must_git(repository, "commit-tree", tree, data=message.encode(), environment=_AUTHOR)
    return made.decode().strip()


def masked_entries(repository: Path, head: str, masked: Collection[str]) -> list[bytes]:
    """What `head` has at the masked paths, as lines for `git update-index --index-info -z`."""
    wanted = {os.fsencode(path) for path in masked}
    entries = must_git(repository, "ls-tree", "-rz", "--full-tree", head).split(b"\0")
    return [entry for entry in entries if entry.partition(b"\t")[2] in wanted and entry.partition(b" ")[1]]


def _id_of(entry: bytes) -> bytes:
    return entry.partition(b"\t")[0].rpartition(b" ")[2]


def _tree_with(repository: Path, tree: str, entries: list[bytes]) -> str:
    """The id of `tree` with these entries in it."""
    if not entries:
        return must_git(repository, "rev-parse", "--verify", tree).decode().strip()
    with tempfile.TemporaryDirectory(dir=repository) as directory:
        owner = repository.stat()
        if os.geteuid() == 0:
            os.chown(directory, owner.st_uid, owner.st_gid)
        index = {"GIT_INDEX_FILE": f"{directory}/index"}
        must_git(repository, "read-tree", tree, environment=index)
        lines = b"".join(entry + b"\0" for entry in entries)
        must_git(repository, "update-index", "-z", "--index-info", data=lines, environment=index)
        return must_git(repository, "write-tree", environment=index).decode().strip()


def transplanted(repository: Path, commit: str, snapshot: str, head: str, masked: Collection[str]) -> str:
    """`commit`, a descendant of `snapshot` in the bare `repository`, written again as one of `head`. Returns its id.

    Every commit on the way keeps its author, dates and message; signatures, which could not be right any more, go.
    """
    entries = masked_entries(repository, head, masked)
    written = {snapshot: head}
    for old in _between(repository, snapshot, commit):
        raw = must_git(repository, "cat-file", "commit", old)
        tree = _tree_with(repository, f"{old}^{{tree}}", entries)
        data = _rewritten(raw, tree, written)
        made = must_git(repository, "hash-object", "-t", "commit", "-w", "--stdin", data=data)
        written[old] = made.decode().strip()
    if commit not in written:
        raise WorkspaceError("the agent's commits are not based on the project; no branch is made")
    return written[commit]


def _between(repository: Path, snapshot: str, commit: str) -> Iterator[str]:
    listed = must_git(repository, "rev-list", "--reverse", "--topo-order", commit, f"^{snapshot}")
    for line in listed.decode().split():
        if OBJECT_ID.fullmatch(line):
            yield line


def _rewritten(raw: bytes, tree: str, written: dict[str, str]) -> bytes:
    header, gap, message = raw.partition(b"\n\n")
    lines = []
    for line in _SIGNATURE.sub(b"", header + b"\n").splitlines(keepends=True):
        name, _, value = line.partition(b" ")
        if name == b"tree":
            line = b"tree " + tree.encode() + b"\n"
        elif name == b"parent":
            old = value.decode().strip()
            line = b"parent " + written.get(old, old).encode() + b"\n"
        lines.append(line)
    return b"".join(lines) + gap[1:] + message
