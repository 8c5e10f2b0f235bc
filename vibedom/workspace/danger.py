"""What deserves a look before it comes to the host, and why. Judged on the final changes, not by a list made before."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path

import msgspec

from pipeline.events import Severity
from vibedom.workspace.auto_run import (
    Names,
    auto_run_reason,
    folded,
    instructs_agents,
    is_at_auto_run,
    is_in_git_directory,
)
from vibedom.workspace.base import Base
from vibedom.workspace.changes import NOTIFY_EVERY, Change, Notify
from vibedom.workspace.content import HEAD_BYTES, SHOWN_BYTES, is_disguised
from vibedom.workspace.git_config import config_files, named_paths, with_included
from vibedom.workspace.git_directory import GitDirectories
from vibedom.workspace.hidden_files import hidden_reason, is_generated
from vibedom.workspace.links import Links
from vibedom.workspace.manifest import is_manifest, manifest_reason
from vibedom.workspace.spelling import unspell, visible
from vibedom.workspace.tree import Tree

SecretScan = Callable[[bytes], Iterable[tuple[str, str]]]
"""Finds secrets in a file's content: (rule id, fingerprint) of each."""

SCAN_LIMIT_BYTES = 8 << 20
_PROGRAMS = (b"\x7fELF", b"MZ", b"\xcf\xfa\xed\xfe", b"\xce\xfa\xed\xfe", b"\xca\xfe\xba\xbe", b"\0asm")
_ORDER: dict[Severity, int] = {"critical": 0, "high": 1, "medium": 2, "low": 3}


class Danger(msgspec.Struct, frozen=True, kw_only=True):
    """Why a change deserves a look before it comes to the host."""

    reason: str
    severity: Severity
    is_auto_run: bool = False
    """Something on the host runs it without being asked, or as soon as a usual command is typed."""
    needs_yes: bool = False
    """Held back for another reason."""

    @property
    def is_held_back(self) -> bool:
        """Never applied by a blanket yes."""
        return self.is_auto_run or self.needs_yes


def find_dangers(
    changes: Sequence[Change],
    *,
    workspace: Path,
    upper: Path,
    base: Base | None = None,
    home: Path | None = None,
    scan: SecretScan | None = None,
    notify: Notify = lambda text: None,
) -> dict[str, list[Danger]]:
    """Path -> its dangers, worst first, for every change that has any.

    `base` knows the links of the workspace; `home` is the user's home, whose git configuration counts; `scan` finds
    secrets in new content; `notify` hears how far it is.
    """
    files = with_included(config_files(workspace, upper, home), workspace, upper, home)
    named = named_paths(files, workspace, home, upper=upper)
    links = [(path, entry.target) for path, entry in (base.links() if base is not None else ())]
    links += [(each.path, each.new.target) for each in changes if each.new is not None and each.new.type == "symlink"]
    with Tree(workspace, lingers=True) as host, Tree(upper, lingers=True) as layer:
        judge = Judge(host, layer, named, Links(links, workspace), scan)
        found: dict[str, list[Danger]] = {}
        for number, change in enumerate(changes, 1):
            if number % NOTIFY_EVERY == 0:
                notify(f"looking for what is dangerous: {number:,} of {len(changes):,} changes")
            if dangers := judge.dangers(change):
                found[change.path] = dangers
    return found


class Judge:
    """Judges one change at a time. `named` are paths that git's configuration names (`git_config.named_paths`)."""

    def __init__(
        self, host: Tree, layer: Tree, named: Mapping[str, str], links: Links, scan: SecretScan | None = None
    ) -> None:
        self._host, self._layer, self._links, self._scan = host, layer, links, scan
        self._git_directories = GitDirectories(host, layer)
        self._named = {folded(path): setting for path, setting in named.items()}

    def dangers(self, change: Change) -> list[Danger]:
        """Of one change, worst first."""
        found = [*self._by_name(change), *self._by_mode(change), *self._by_content(change)]
        return sorted(found, key=lambda danger: (not danger.is_held_back, _ORDER[danger.severity]))

    def _by_name(self, change: Change) -> Iterator[Danger]:
        names = folded(change.path)
        found = self._run_by(change, names)
        for other in self._links.names_of(names) if found is None or not found.is_auto_run else ():
            also = self._run_by(change, other)
            if also is not None and also.is_auto_run:
                found = msgspec.structs.replace(
                    also, reason=f"a link shows it as {visible('/'.join(other))}: {also.reason}"
                )
        if found is not None:
            yield found
        setting = self._setting(names)
        if setting:
            yield Danger(reason=f"git's configuration names it ({setting})", severity="high", is_auto_run=True)
        if instructs_agents(names):
            yield Danger(reason="the next agent that runs here obeys it", severity="medium")

    def _run_by(self, change: Change, names: Names) -> Danger | None:
        """What runs or obeys the change where it is found under these folded names."""
        is_directory = _type(change) == "directory"
        inside = self._git_directories.inside(change.path, is_directory=is_directory)
        if is_in_git_directory(names):
            return _git_danger(_inside_git(names), is_directory=is_directory)
        if inside is not None:
            return _git_danger(inside, is_directory=is_directory)
        if is_directory:
            return None
        reason = auto_run_reason(names)
        if not reason and is_manifest(names[-1]):
            reason = self._in_manifest(change, names[-1])
        if not reason and _type(change) == "symlink" and is_at_auto_run(names):
            reason = "what it leads to is run or obeyed without being asked"
        if reason:
            return Danger(reason=reason, severity="high", is_auto_run=True)
        unseen = hidden_reason(names)
        if not unseen:
            return None
        return Danger(reason=unseen, severity="low" if is_generated(names) else "medium", is_auto_run=True)

    def _setting(self, names: tuple[str, ...]) -> str:
        for end in range(1, len(names) + 1):
            if names[:end] in self._named:
                return self._named[names[:end]]
        return ""

    def _by_mode(self, change: Change) -> Iterator[Danger]:
        new, old = change.new, change.old
        if new is None:
            return
        if new.type == "symlink" and points_outside(change.path, unspell(new.target)):
            yield Danger(reason=f"it points outside, to {visible(new.target)}", severity="high", needs_yes=True)
        if new.type == "file" and new.mode & 0o111 and not (old is not None and old.mode & 0o111):
            yield Danger(reason="it is a new executable", severity="medium")
        if new.type == "file" and new.mode & 0o6000:
            yield Danger(reason="it is setuid or setgid (the bit is dropped)", severity="medium")
        if new.type != "symlink" and new.mode & 0o002 and not (old is not None and old.mode & 0o002):
            yield Danger(reason="everybody on this machine may write it", severity="medium")

    def _by_content(self, change: Change) -> Iterator[Danger]:
        if change.new is None or change.new.type != "file" or change.kind == "mode":
            return
        is_searched = self._scan is not None and not change.is_binary and change.new.size <= SCAN_LIMIT_BYTES
        content = self._layer.read(change.path, SCAN_LIMIT_BYTES if is_searched else HEAD_BYTES)
        if content.startswith(_PROGRAMS):
            yield Danger(reason="it is a compiled program", severity="medium")
        if change.is_binary and (is_disguised(content) or content.startswith(b"#!")):
            yield Danger(reason="it reads like text, and no diff shows it (a NUL)", severity="high", needs_yes=True)
        if not change.is_binary and change.new.size > SHOWN_BYTES:
            yield Danger(reason="it is text, and too large for a diff to show it", severity="medium", needs_yes=True)
        for rule in self._new_secrets(change, content) if is_searched else ():
            yield Danger(reason=f"it has a new secret in it ({rule})", severity="high")

    def _new_secrets(self, change: Change, content: bytes) -> list[str]:
        """The rules that find something in `content` that is not in the host's file."""
        found = set(self._scan(content)) if self._scan is not None else set()
        if found and self._scan is not None:
            found -= set(self._scan(self._old_content(change)))
        return sorted({rule for rule, mark in found})

    def _old_content(self, change: Change) -> bytes:
        now = self._host.lstat(change.path)
        return self._host.read(change.path, SCAN_LIMIT_BYTES) if now is not None and now.type == "file" else b""

    def _in_manifest(self, change: Change, name: str) -> str:
        """Why what changed in a manifest is dangerous, or ""."""
        if change.new is None:
            return ""
        if change.new.type != "file" or change.new.size > SCAN_LIMIT_BYTES:
            return manifest_reason(name, b"", b"?")
        return manifest_reason(name, self._old_content(change), self._layer.read(change.path))


def _type(change: Change) -> str:
    entry = change.new or change.old
    return entry.type if entry is not None else ""


def _inside_git(names: Names) -> Names:
    """Of folded names that lead into a `.git`, those behind it."""
    return names[next(at for at, name in enumerate(names) if is_in_git_directory((name,))) + 1 :]


def _git_danger(inside: Names, *, is_directory: bool) -> Danger:
    """Of a path with these folded names in a repository."""
    data = {"objects", "refs", "logs", "index", "head", "orig_head", "packed-refs", "commit_editmsg", "fetch_head"}
    if is_directory or (inside and inside[0] in data):
        return Danger(reason="it is git's own data", severity="low", needs_yes=True)
    return Danger(reason="git runs or obeys it at the next command", severity="critical", is_auto_run=True)


def is_git_data(change: Change, directory: str = ".git") -> bool:
    """Whether the change is in the objects, references, index and logs of the repository at `directory`, which nothing
    runs."""
    names, git = folded(change.path), folded(directory)
    if names[: len(git)] != git and not (directory == ".git" and is_in_git_directory(names[:1])):
        return False
    return not _git_danger(names[len(git) :], is_directory=_type(change) == "directory").is_auto_run


def points_outside(path: str, target: str) -> bool:
    """Whether a symbolic link at `path` leads (or could lead, by way of another link) out of the workspace."""
    depth = path.count("/")
    has_gone_down = False
    for name in target.split("/"):
        if name == "..":
            if has_gone_down:  # what is above a link's target is not what is above the link
                return True
            depth -= 1
        elif name not in ("", "."):
            has_gone_down = True
    return target.startswith("/") or depth < 0
