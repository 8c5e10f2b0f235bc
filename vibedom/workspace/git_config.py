"""Reads git configuration files without running git: which paths of the workspace git would execute or include."""

import os
import re
import shlex
import stat
from collections.abc import Iterable, Iterator
from pathlib import Path

_SECTION = re.compile(r'\[\s*([-.\w]+)(?:\s+"((?:[^"\\]|\\.)*)")?\s*\]')
_VALUE = re.compile(r"\s*([-\w]+)\s*(?:=\s*(.*))?")
_LIMIT_BYTES = 1 << 20
_MAX_FILES = 100
_INCLUDE = re.compile(r"include(if)?\.path")
_NEVER_RUN = re.compile(r"(user|branch|color|init)\..*|remote\.(url|fetch|push|pushurl)|core\.(bare|worktree)")


def settings_of(file: Path, *, follows: bool = False) -> Iterator[tuple[str, str]]:
    """(`section.key` in lower case, value) of one configuration file; nothing where there is none.

    Continued lines are joined, comments dropped. Includes are reported as the settings they are. `follows`: the file
    may be a link, as the user's own often is.
    """
    try:
        fd = os.open(file, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | (0 if follows else os.O_NOFOLLOW))
    except OSError:
        return
    with os.fdopen(fd, "rb") as opened:
        if not stat.S_ISREG(os.fstat(fd).st_mode):
            return
        text = opened.read(_LIMIT_BYTES).decode(errors="surrogateescape")
    section = ""
    for line in text.replace("\\\r\n", "").replace("\\\n", "").splitlines():
        rest = line.strip()
        while match := _SECTION.match(rest):
            section, rest = match.group(1).lower(), rest[match.end() :].strip()
        setting = _VALUE.fullmatch(rest)
        if section and setting:
            yield f"{section}.{setting.group(1).lower()}", _unquoted(setting.group(2) or "true")


def _unquoted(value: str) -> str:
    value = re.sub(r"""("(?:[^"\\]|\\.)*")|\s*[#;].*$""", lambda match: match.group(1) or "", value)
    return re.sub(r"\\(.)", r"\1", value.replace('\\"', "\0").replace('"', "").replace("\0", '"')).strip()


def config_files(workspace: Path, upper: Path, home: Path | None) -> list[Path]:
    """Where git on the host takes its configuration from in `workspace`, and where the agent may have left some."""
    roots = [directory for directory in (workspace, upper) if not (directory / ".git").is_symlink()]
    found = [directory / ".git" / name for directory in roots for name in ("config", "config.worktree")]
    found += [directory / "config" for directory in _linked_directories(workspace)]
    if home is not None:
        found += [home / ".gitconfig", home / ".config/git/config", Path("/etc/gitconfig")]
    return found


def with_included(files: Iterable[Path], workspace: Path, upper: Path, home: Path | None) -> list[Path]:
    """`files` and all that they include, whatever the condition. What is included out of the workspace counts as it is
    there and as the agent left it."""
    found = list(dict.fromkeys(files))
    for file in found:
        for setting, value in settings_of(file, follows=not _is_agents(file, workspace, upper)):
            if not _INCLUDE.fullmatch(setting) or "\0" in value or len(found) > _MAX_FILES:
                continue
            included = os.path.normpath(os.path.join(file.parent, _expanded(value, home)))
            below = _below(workspace, included) or _below(upper, included)
            named = [Path(included), *([workspace / below, upper / below] if below else [])]
            found += [each for each in named if each not in found]
    return found


def _is_agents(file: Path, workspace: Path, upper: Path) -> bool:
    """Whether it may be the agent who has put a link there."""
    return workspace in file.parents or upper in file.parents


def _linked_directories(workspace: Path) -> Iterator[Path]:
    """Of a worktree or a submodule, whose `.git` is a file: its own git directory and the common one."""
    pointer = workspace / ".git"
    if pointer.is_symlink() or not pointer.is_file():
        return
    text = pointer.read_bytes()[:4096].decode(errors="surrogateescape").strip()
    own = workspace / text.removeprefix("gitdir:").strip()
    yield own
    common = own / "commondir"
    if common.is_file():
        yield own / common.read_bytes()[:4096].decode(errors="surrogateescape").strip()


def named_paths(
    files: Iterable[Path], workspace: Path, home: Path | None = None, *, upper: Path | None = None
) -> dict[str, str]:
    """Paths of the workspace that the configuration names -> the setting that does.

    `core.hooksPath` names a directory; included files, filters, drivers, `fsmonitor` and so on name files. Every word
    of every value counts: a path that is only named is shown for nothing, one that is run and not shown is a hole.
    """
    found: dict[str, str] = {}
    for file in files:
        for setting, value in settings_of(file, follows=not _is_agents(file, workspace, upper or workspace)):
            if _NEVER_RUN.fullmatch(setting):
                continue
            for word in _words(value):
                for start in (workspace, workspace / ".git"):
                    path = _below(workspace, os.path.join(start, _expanded(word, home)))
                    if path and not path.startswith(".git/"):
                        found.setdefault(path, setting)
    return found


def _words(value: str) -> list[str]:
    try:
        words = shlex.split(value)
    except ValueError:  # unbalanced quotes
        words = value.split()
    return [value, *(word.lstrip("!").rstrip(";") for word in words)]


def _expanded(word: str, home: Path | None) -> str:
    return os.fspath(home / word[2:]) if home is not None and word.startswith("~/") else word


def _below(workspace: Path, path: str) -> str:
    if "\0" in path:
        return ""
    relative = os.path.relpath(os.path.normpath(path), workspace)
    return "" if relative == "." or relative.startswith("..") else relative
