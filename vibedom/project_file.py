"""vibedom.toml in the project. What narrows the policy counts at once, because an agent may have written it; what it
asks for beyond the policy counts after its user has agreed (project_trust.py)."""

import os
import stat
from pathlib import Path
from typing import Literal

import msgspec

from pipeline.context import DEFAULT_TABLE, Row, Table
from pipeline.events import Action, Context, Direction
from pipeline.patterns import Pattern
from vibedom.errors import SettingsError
from vibedom.home_path import check_home_paths
from vibedom.host_entries import read_pattern
from vibedom.policy_file import Cells, DlpSettings, parse_toml

NAME = "vibedom.toml"
MAX_BYTES = 256 * 1024
_STRICTNESS: tuple[Action, ...] = ("allow", "alert", "scrub", "block")


class ProjectDlp(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`[dlp]` of a project."""

    oversize: Literal["block"] | None = None
    undecodable: Literal["block"] | None = None


class ProjectMount(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`[[mounts]]`: a directory or file of this machine that the sandbox sees."""

    source: str
    """Absolute, or from `~`."""
    target: str
    """Absolute, in the sandbox."""
    writable: bool = False


class ProjectSetup(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`[setup]`: what is run in the sandbox, in /work, before the agent."""

    commands: tuple[str, ...] = ()


class ProjectFile(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The whole file: first what narrows, then what is asked for."""

    deny: tuple[str, ...] = ()
    """Patterns, as after `!` in trusted_domains.txt."""
    contexts: Cells = {}
    """As in policy.toml; a cell counts only where it is stricter than the user's: allow < alert < scrub < block."""
    dlp: ProjectDlp = ProjectDlp()
    caches: tuple[str, ...] = ()
    """Directories of the agent's home that are kept between sessions of this project."""
    hosts: tuple[str, ...] = ()
    """Lines as in trusted_domains.txt."""
    mounts: tuple[ProjectMount, ...] = ()
    env: dict[str, str] = {}
    pass_env: tuple[str, ...] = ()
    """Variables of the user's environment."""
    image: str | None = None
    setup: ProjectSetup = ProjectSetup()

    def __post_init__(self) -> None:
        check_home_paths(self.caches)
        if wrong := next((name for name in (*self.env, *self.pass_env) if not name.isidentifier()), None):
            raise ValueError(f"{wrong!r} is not a variable's name")


def read_project(directory: Path) -> ProjectFile:
    """The project's file, or an empty one where there is none. Raises `SettingsError` that names it."""
    path = directory / NAME
    text = _read(path)
    return ProjectFile() if text is None else parse_toml(text, ProjectFile, name=str(path))


def denied(project: ProjectFile) -> list[Pattern]:
    """The patterns that the project denies. Raises `SettingsError`."""
    return [read_pattern(text, source=f"{NAME} $.deny[{index}]") for index, text in enumerate(project.deny)]


def narrowed_table(project: ProjectFile, user: Table) -> Table:
    """The user's overrides with those of the project where they are stricter than what the user has."""
    table: dict[tuple[Context, Direction], Row] = {}
    for (context, direction), default in DEFAULT_TABLE.items():
        own = {**default, **user.get((context, direction), {})}
        wished = project.contexts.get(context, {}).get(direction, {})
        table[context, direction] = {kind: _stricter(own[kind], wished.get(kind, own[kind])) for kind in own}
    return table


def _stricter(one: Action, other: Action) -> Action:
    return max(one, other, key=_STRICTNESS.index)


def narrowed_dlp(project: ProjectFile, dlp: DlpSettings) -> DlpSettings:
    """The user's settings with `block` where the project asks for it."""
    return msgspec.structs.replace(
        dlp,
        oversize=project.dlp.oversize or dlp.oversize,
        undecodable=project.dlp.undecodable or dlp.undecodable,
    )


def _read(path: Path) -> str | None:
    """Never waits: a FIFO or device in the place of the file is refused, and so is one that is too long."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise SettingsError(f"{path}: cannot be read ({error.strerror}); it must be a file of the project") from None
    try:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode) or status.st_size > MAX_BYTES:
            raise SettingsError(f"{path}: not a file of at most {MAX_BYTES} bytes; remove it or make it one")
        data = os.read(descriptor, MAX_BYTES)
    finally:
        os.close(descriptor)
    try:
        return data.decode()
    except UnicodeDecodeError:
        raise SettingsError(f"{path}: not UTF-8; save the file as UTF-8") from None
