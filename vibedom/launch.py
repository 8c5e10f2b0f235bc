"""From the user's wishes to a session that can start: workspace checked, directories made, state written."""

import os
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec

from vibedom import names, sessions
from vibedom.beforehand import check_home, check_name
from vibedom.errors import UsageError
from vibedom.outfit import Equipment, Outfit, equip
from vibedom.paths import Home, SessionDir, ensure_private
from vibedom.process_identity import start_ticks
from vibedom.sandbox.runtime import WORK_MOUNT, WORKSPACE_MOUNT, Command, Limits, Mount, RuntimeName, SandboxSpec
from vibedom.sessions import Launch, SessionRecord
from vibedom.settings import Policy
from vibedom.tree_removal import remove_tree
from vibedom.workspace.later_masks import lay_again
from vibedom.workspace.own_repository import Laid, lay_repositories

PASSED_VARIABLES = ("TERM", "COLORTERM", "LANG", "LC_ALL", "LC_CTYPE", "TZ")
"""What the sandbox takes over of the user's environment. Nothing else: it may hold anything."""


class Wishes(msgspec.Struct, frozen=True, kw_only=True):
    """What the command line asked for."""

    workspace: Path
    argv: tuple[str, ...] = ()
    """Empty: a shell."""
    name: str | None = None
    image: str | None = None
    root: Path | None = None
    environment: Mapping[str, str] = {}
    is_tty: bool = False
    limits: Limits = Limits()
    mounts: tuple[Mount, ...] = ()
    outfit: Outfit = Outfit()
    policy: Policy | None = None
    """What the agent's brief tells of hosts."""
    is_read_only: bool = False
    is_kept: bool = False
    is_detached: bool = False
    sinks: tuple[str, ...] = ()

    @property
    def launch(self) -> Launch:
        """What is kept of it for a resume."""
        return Launch(
            agent=self.outfit.agent_name or None,
            image=self.image,
            root=self.root,
            variables=tuple(self.environment),
            has_tty=self.is_tty,
            is_read_only=self.is_read_only,
            limits=self.limits,
            sinks=self.sinks,
        )


class Prepared(msgspec.Struct, frozen=True, kw_only=True):
    """A session on disk that has not started."""

    record: SessionRecord
    directory: SessionDir
    spec: SandboxSpec
    command: Command


def prepare(wishes: Wishes, home: Home, *, runtime: RuntimeName, masked: Sequence[str] = ()) -> Prepared:
    """Make the session's directory and state. `wishes.workspace` is checked; `masked` are paths inside it."""
    check_home(home)
    ensure_private(home.root)
    ensure_private(home.sessions)
    taken = {path.name for path in home.sessions.iterdir()}
    session_id = _session_id(wishes, taken)
    directory = home.session(session_id)
    owner = wishes.workspace.stat()
    uid, gid = (owner.st_uid, owner.st_gid) if os.geteuid() == 0 else (os.getuid(), os.getgid())
    _make_directories(directory, wishes.workspace, uid, gid)
    laid = lay_repositories(wishes.workspace, directory.upper, masked)
    now = time.time()
    record = SessionRecord(
        id=session_id,
        workspace=wishes.workspace,
        uid=uid,
        gid=gid,
        runtime=runtime,
        command=wishes.argv,
        created_at=now,
        owner_pid=os.getpid(),
        owner_ticks=start_ticks(os.getpid()),
        status="starting",
        masked=tuple(masked),
        hidden=laid.hidden,
        head=laid.head,
        start=laid.start,
        inner=laid.inner,
        notes=laid.notes,
        is_kept=wishes.is_kept,
        is_detached=wishes.is_detached,
        launch=wishes.launch,
    )
    sessions.save(home, record)
    return _prepared(wishes, home, record, is_new=True)


def reopen(wishes: Wishes, home: Home, record: SessionRecord, *, masked: Sequence[str]) -> Prepared:
    """Prepare a session that ended or crashed to go on with its work, its base and its grants. The caller has removed
    what a crash left of it in the runtime. Raises `WorkspaceError` where it is too late to mask a file."""
    directory = home.session(record.id)
    everything = tuple(dict.fromkeys((*record.masked, *masked)))
    laid = Laid(hidden=record.hidden, head=record.head, start=record.start, inner=record.inner, notes=record.notes)
    new = [path for path in everything if path not in record.masked]
    laid = lay_again(record.workspace, directory.upper, laid, masked=everything, new=new)
    _clear_work(directory.work)
    record = msgspec.structs.replace(
        record,
        status="starting",
        exit_code=None,
        owner_pid=os.getpid(),
        owner_ticks=start_ticks(os.getpid()),
        masked=everything,
        hidden=laid.hidden,
        head=laid.head,
        start=laid.start,
        inner=laid.inner,
        notes=laid.notes,
        is_paused=False,
        is_detached=wishes.is_detached,
        launch=wishes.launch,
    )
    sessions.save(home, record)
    return _prepared(wishes, home, record, is_new=False)


def _prepared(wishes: Wishes, home: Home, record: SessionRecord, *, is_new: bool) -> Prepared:
    directory = home.session(record.id)
    passed = {name: os.environ[name] for name in PASSED_VARIABLES if name in os.environ}
    # A session without a terminal yet may get any.
    passed |= {"TERM": "xterm-256color"} if wishes.is_tty and "TERM" not in passed else {}
    outfit = equip(wishes.outfit, home, record, wishes.policy, is_new=is_new)
    spec = _spec(wishes, directory, record, outfit)
    command = Command(argv=outfit.argv, tty=wishes.is_tty, environment={**passed, **wishes.environment})
    return Prepared(record=record, directory=directory, spec=spec, command=command)


def _clear_work(work: Path) -> None:
    """The kernel leaves directories of mode 0 in an overlay's work directory, which a new mount makes again."""
    for left in (work / "work", work / "index"):
        if left.is_dir() and not left.is_symlink():
            remove_tree(left)


def _spec(wishes: Wishes, directory: SessionDir, record: SessionRecord, outfit: Equipment) -> SandboxSpec:
    empty = directory.trust / "empty"
    masks = [
        Mount(source=empty, target=f"{mount}/{path}")
        for path in record.masked
        for mount in (WORK_MOUNT, WORKSPACE_MOUNT)
    ]
    masks += _hidden_repositories(directory, record)
    return SandboxSpec(
        session=record.id,
        owner_pid=record.owner_pid,
        started_at=record.created_at,
        workspace=wishes.workspace,
        upper=directory.upper,
        work=directory.work,
        lower=directory.lower,
        agent_home=directory.agent_home,
        trust=directory.trust,
        uid=record.uid,
        gid=record.gid,
        image=wishes.image,
        root=wishes.root,
        environment={**outfit.environment, **wishes.environment},
        mounts=(*wishes.mounts, *outfit.mounts, *masks),
        limits=wishes.limits,
        is_read_only=wishes.is_read_only,
    )


def _hidden_repositories(directory: SessionDir, record: SessionRecord) -> list[Mount]:
    """The read-only side shows nothing of a repository that holds a masked file. A `.git` that is a file only points
    somewhere that the sandbox cannot see."""
    nothing = directory.trust / "nothing"
    nothing.mkdir(mode=0o755, exist_ok=True)
    paths = [path for path in record.hidden if (record.workspace / path).is_dir()]
    return [Mount(source=nothing, target=f"{WORKSPACE_MOUNT}/{path}") for path in paths]


def _session_id(wishes: Wishes, taken: set[str]) -> str:
    if wishes.name is None:
        return names.new_name(wishes.workspace.name, taken)
    check_name(wishes.name)
    if wishes.name in taken:
        raise UsageError(
            f"--name {wishes.name}: there is such a session; take another name or `vibedom rm {wishes.name}`"
        )
    return wishes.name


def _make_directories(directory: SessionDir, workspace: Path, uid: int, gid: int) -> None:
    directory.root.mkdir(mode=0o700)
    mode = workspace.stat().st_mode & 0o777
    for path, bits in ((directory.upper, mode), (directory.agent_home, 0o700)):
        path.mkdir(mode=bits)
        path.chmod(bits)
        os.chown(path, uid, gid)
    directory.work.mkdir(mode=0o700)
    os.chown(directory.work, uid, gid)
    directory.trust.mkdir(mode=0o755)
    directory.trust.chmod(0o755)
    (directory.trust / "empty").touch(mode=0o444)
    directory.lower.symlink_to(workspace, target_is_directory=True)
