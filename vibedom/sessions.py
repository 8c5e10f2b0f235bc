"""The sessions on this machine: what is known of each, and how one is found by its name."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import msgspec

from vibedom.control.messages import Grant
from vibedom.errors import NoSuchSessionError, VibedomError
from vibedom.paths import Home
from vibedom.process_identity import is_running
from vibedom.sandbox.limits import Limits
from vibedom.tree_removal import remove_tree
from vibedom.workspace.inner import InnerBranch, OwnInner

Status = Literal["starting", "running", "ended", "failed", "applied"]
"""`ended`: the agent is gone and its work is there. `applied`: all of it was taken home. `failed`: it never started."""


class Launch(msgspec.Struct, frozen=True, kw_only=True):
    """What a session was started with, for `vibedom resume`. No value of a variable is kept: it may be a secret."""

    agent: str | None = None
    image: str | None = None
    root: Path | None = None
    variables: tuple[str, ...] = ()
    """Names given with `--env`."""
    has_tty: bool = False
    is_read_only: bool = False
    limits: Limits = Limits()
    sinks: tuple[str, ...] = ()


class SessionRecord(msgspec.Struct, frozen=True, kw_only=True):
    """`state.json` of a session."""

    schema_version: int = 1
    id: str
    workspace: Path
    uid: int
    gid: int
    runtime: str
    command: tuple[str, ...]
    created_at: float
    """Unix seconds."""
    owner_pid: int
    owner_ticks: int | None
    """Start time of the owner, so that a pid used again is not taken for it."""
    status: Status
    exit_code: int | None = None
    masked: tuple[str, ...] = ()
    """Workspace-relative paths that the sandbox saw empty."""
    is_paused: bool = False
    is_detached: bool = False
    """No terminal ends it: it was started so, or its terminal is gone."""
    is_kept: bool = False
    """`vibedom prune` leaves it."""
    grants: tuple[Grant, ...] = ()
    """Hosts that were allowed or denied while it ran."""
    launch: Launch = Launch()
    hidden: tuple[str, ...] = ()
    """Workspace-relative `.git` paths over which the sandbox had a repository of its own: never part of the diff."""
    head: str | None = None
    """The commit that the project was at when the session started."""
    start: str | None = None
    """The commit that the sandbox's repository was at in the beginning."""
    commits: int | None = None
    """How many commits of the agent came home as the branch `vibedom/ID`; None where they could not be looked for."""
    notes: tuple[str, ...] = ()
    """What its user should know about its repository, one line each."""
    inner: tuple[OwnInner, ...] = ()
    """Below the root, repositories of the sandbox's own."""
    inner_branches: tuple[InnerBranch, ...] = ()
    """Repositories below the root whose commits came home, as branches of the same name."""

    @property
    def branch(self) -> str:
        """Where the agent's commits come home to."""
        return f"vibedom/{self.id}"

    @property
    def is_alive(self) -> bool:
        """Whether its supervisor runs."""
        return self.status in ("starting", "running") and is_running(self.owner_pid, self.owner_ticks)

    @property
    def is_crashed(self) -> bool:
        """Its supervisor went away without ending it."""
        return self.status in ("starting", "running") and not self.is_alive


def save(home: Home, record: SessionRecord) -> None:
    """Write the state so that a reader, or a crash, sees the old one or the new one."""
    path = home.session(record.id).state
    temporary = path.with_suffix(".tmp")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(msgspec.json.format(msgspec.json.encode(record, enc_hook=str)))
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)


def load(home: Home, session_id: str) -> SessionRecord:
    """Raises `NoSuchSessionError` where there is none, `VibedomError` where its state cannot be read."""
    path = home.session(session_id).state
    try:
        return msgspec.json.decode(path.read_bytes(), type=SessionRecord, dec_hook=lambda _, value: Path(value))
    except FileNotFoundError:
        raise NoSuchSessionError(f"no session {session_id}; `vibedom list` shows them") from None
    except (OSError, msgspec.MsgspecError) as exc:
        raise VibedomError(f"{path}: cannot be read ({type(exc).__name__}); its work is in {path.parent}") from None


def all_sessions(home: Home) -> Sequence[SessionRecord]:
    """Every session with a readable state, the newest first."""
    found = []
    for path in home.sessions.glob("*/state.json"):
        try:
            found.append(load(home, path.parent.name))
        except VibedomError:
            continue
    return sorted(found, key=lambda record: record.created_at, reverse=True)


def find(home: Home, name: str | None, *, workspace: Path | None = None) -> SessionRecord:
    """The session that `name` or a unique prefix of it means; without a name, the newest one of `workspace`, else the
    newest of all. Raises `NoSuchSessionError`."""
    records = all_sessions(home)
    if not records:
        raise NoSuchSessionError("there is no session yet; start one with `vibedom run PROJECT`")
    if name is None:
        here = [record for record in records if workspace is not None and _is_within(workspace, record.workspace)]
        return (here or list(records))[0]
    matching = [r for r in records if r.id == name] or [r for r in records if r.id.startswith(name)]
    if len(matching) == 1:
        return matching[0]
    if matching:
        names = ", ".join(record.id for record in matching[:5])
        raise NoSuchSessionError(f"{name} could be {names}; give more of the name")
    raise NoSuchSessionError(f"no session {name}; `vibedom list` shows them")


def find_running(home: Home, name: str | None, *, workspace: Path | None = None) -> SessionRecord:
    """The running session that `name` or a unique prefix means; without a name the only one, of `workspace` first.

    Raises `NoSuchSessionError`.
    """
    if name is not None:
        record = find(home, name)
        if not record.is_alive:
            raise NoSuchSessionError(f"{record.id} is not running (it {record.status}); `vibedom list` shows what is")
        return record
    running = [record for record in all_sessions(home) if record.is_alive]
    here = [record for record in running if workspace is not None and _is_within(workspace, record.workspace)]
    for found in (here, running):
        if len(found) == 1:
            return found[0]
    if not running:
        raise NoSuchSessionError("no session is running; start one with `vibedom run PROJECT`")
    names = ", ".join(record.id for record in (here or running)[:5])
    raise NoSuchSessionError(f"more than one session is running ({names}); name the one you mean")


def remove(home: Home, record: SessionRecord) -> None:
    """Delete the session's directory with the work it holds. Raises `OSError`."""
    remove_tree(home.session(record.id).root)


def _is_within(path: Path, root: Path) -> bool:
    return path == root or root in path.parents
