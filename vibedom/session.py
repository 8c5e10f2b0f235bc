"""The supervisor of one session: proxy, pipeline, sinks and sandbox in task groups, and an end that loses nothing."""

import time
from collections.abc import Callable, Coroutine, Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import anyio
import msgspec

from pipeline.events import Record
from vibedom import reload, sessions
from vibedom.announcement import announce, notice_of_words
from vibedom.beginning import STOP_SECONDS, Preparation, begin
from vibedom.console import Console
from vibedom.control.server import ControlServer
from vibedom.disk_watch import DiskWatch
from vibedom.errors import DiskFullError, SandboxError, SettingsError, own_error
from vibedom.paths import Home, SessionDir
from vibedom.sandbox.runtime import Command, Runtime, Sandbox, SandboxSpec
from vibedom.session_commits import bring_commits_home
from vibedom.session_control import SessionControl
from vibedom.session_log import SessionLog
from vibedom.sessions import SessionRecord
from vibedom.settings import Policy
from vibedom.ssh import sandbox_files as ssh_files
from vibedom.ssh.agent import SigningAgent

if TYPE_CHECKING:
    from pipeline.topology import Topology
    from vibedom.groundwork import Groundwork
    from vibedom.wiring import Border, Detection

COMMITS_SECONDS = 60.0
"""What bundling and fetching the agent's commits may take."""
AUDIT_POLL_SECONDS = 0.5

Progress = Callable[[str], None]
Converse = Callable[[Console], Coroutine[Any, Any, None]]
"""Shows the agent to its user, from its first output on; returns where its user is gone."""


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """Everything one session is started with."""

    home: Home
    record: SessionRecord
    policy: Policy
    load_detection: Callable[[], "Detection"]
    """Blocking; called once, in a thread, while the sandbox is made."""
    spec: SandboxSpec
    command: Command
    load_policy: Callable[[], Policy]
    """Reads the policy again after its files changed."""
    environment: Mapping[str, str]
    """The user's own, where the proxy that this machine needs may be named."""


class Session:
    """Runs one session from the sandbox's creation to its removal."""

    def __init__(
        self,
        plan: Plan,
        runtime: Runtime,
        progress: Progress,
        running: Callable[[], None] = lambda: None,
        warn: Progress = lambda text: None,
    ) -> None:
        """`running` is called when the agent has been started, `warn` with what the user of no terminal has to know."""
        self._warn = warn
        self._running = running
        self._control: SessionControl | None = None
        self._disk: DiskWatch | None = None
        self._limits = plan.spec.limits
        self._plan = plan
        self._runtime = runtime
        self._progress = progress
        self._directory: SessionDir = plan.home.session(plan.record.id)
        self._log = SessionLog(self._directory.session_log)
        self._record = plan.record

    async def run(self, converse: Converse | None) -> int:
        """The agent's exit code. Whatever happens, nothing of the sandbox is left and the work in `upper` is. Without
        `converse` nobody sees the agent until somebody attaches."""
        try:
            code = await self._run_border(converse)
        except BaseException as exc:
            # The agent may have run although its start was cut off before that was noted: its work tells.
            has_run = self._record.status == "running" or any(self._directory.upper.iterdir())
            self._save(status="ended" if has_run else "failed", is_paused=False)
            raise own_error(exc) from None
        self._save(status="ended", exit_code=code, is_paused=False)
        return code

    def let_go(self) -> bool:
        """The terminal is gone: go on without it. False where the agent has no terminal of its own to live on."""
        console = self._control.console if self._control else None
        if console is None or not console.has_tty:
            return False
        console.leave()
        self._save(status=self._record.status, is_detached=True)
        return True

    async def _run_border(self, converse: Converse | None) -> int:
        self._progress("making the sandbox")
        plan = self._plan
        preparation = Preparation(
            session=self._record.id, directory=self._directory, policy=plan.policy, load_detection=plan.load_detection
        )
        async with anyio.create_task_group() as staging:
            ground, sandbox = await begin(self._runtime, plan.spec, plan.command, preparation, staging)
            try:
                code = await self._run_border_of(ground, sandbox, converse)
            finally:
                # Cancelled or failed: the sandbox goes all the same, and a second Ctrl-C must not cut this short.
                with anyio.CancelScope(shield=True), anyio.move_on_after(STOP_SECONDS):
                    await sandbox.aclose()
        return code

    async def _run_border_of(self, ground: "Groundwork", sandbox: Sandbox, converse: Converse | None) -> int:
        from vibedom.wiring import make_border, make_feeds  # imported by the groundwork, in its thread

        border = make_border(
            self._plan.policy,
            ground.detection,
            make_feeds(self._plan.policy, self._directory, session=self._record.id),
            session=self._record.id,
            authority=ground.authority,
            roots=ground.roots,
            environment=self._plan.environment,
            is_watched=lambda: self._control is not None and self._control.is_watched,
        )
        border.grants.restore(self._record.grants)
        async with anyio.create_task_group() as recording:
            try:
                recording.start_soon(_to_the_end, border.topology)
                code = await self._run_sandbox(border, sandbox, converse)
            finally:
                with anyio.CancelScope(shield=True), anyio.move_on_after(STOP_SECONDS):
                    await border.topology.note(self._note("stopped"))
                border.topology.close()
        return code

    async def _run_sandbox(self, border: "Border", sandbox: Sandbox, converse: Converse | None) -> int:
        try:
            async with anyio.create_task_group() as services:
                await services.start(border.proxy.serve, sandbox.listeners)
                await services.start(border.resolver.serve, sandbox.listeners)
                await services.start(self._signing_agent(border).serve)
                self._progress("locking it down")
                await sandbox.lock()
                await border.topology.note(self._note("started"))
                control = self._control = self._make_control(sandbox, border)
                await services.start(ControlServer(self._directory.control_socket, control, self._log.write).serve)
                self._disk = DiskWatch(self._plan.spec, control, lambda: self._limits, self._tell)
                services.start_soon(self._disk.run)
                services.start_soon(self._follow_policy, border, control)
                services.start_soon(self._watch_audit, border)
                services.start_soon(_expire, border)
                services.start_soon(sandbox.lost)
                services.start_soon(announce, border.approvals, control, self._plan.policy.approval)
                try:
                    code = await self._run_agent(sandbox, control, converse)
                finally:
                    await self._bring_commits_home(sandbox)
                await self._end(sandbox, border)
                services.cancel_scope.cancel()
            return code
        finally:
            # Before the log is closed: what ends with the sandbox is still recorded.
            with anyio.CancelScope(shield=True), anyio.move_on_after(STOP_SECONDS):
                await sandbox.aclose()

    def _make_control(self, sandbox: Sandbox, border: "Border") -> SessionControl:
        def saved() -> None:
            self._save(status=self._record.status, is_paused=control.is_paused, grants=border.grants.grants)

        control = SessionControl(
            self._plan.home, self._record.id, sandbox, border, load_policy=self._load_policy, saved=saved
        )
        return control

    def _load_policy(self) -> Policy:
        """New limits of the disk count at once; the others are the kernel's since the start."""
        policy = self._plan.load_policy()
        self._limits = policy.limits
        return policy

    async def _tell(self, line: str, is_held: bool) -> None:
        """Where the agent draws on the terminal, its bell rings and its title says it: as for a question."""
        await self._log.write(line)
        console = self._control.console if self._control else None
        if console is not None and console.has_tty:
            await console.notify(notice_of_words("disk: the agent is frozen - vibedom status" if is_held else ""))
        else:
            self._warn(f"vibedom: {line}")

    def _signing_agent(self, border: "Border") -> SigningAgent:
        directory = self._directory.trust / ssh_files.DIRECTORY
        return SigningAgent(self._plan.home, directory, self._record.uid, lambda: border.hosts, self._log.write)

    async def _run_agent(self, sandbox: Sandbox, control: SessionControl, converse: Converse | None) -> int:
        process = await sandbox.start(self._plan.command)
        console = control.console = Console(process, has_tty=self._plan.command.tty)
        self._save(status="running")
        self._progress("")
        async with anyio.create_task_group() as user:
            if self._disk is not None:
                user.start_soon(_end_when_full, self._disk, sandbox)
            if converse is not None:
                user.start_soon(converse, console)
                await console.joined()
            self._running()
            code = await console.run()
            user.cancel_scope.cancel()
        if self._disk is not None and self._disk.ended is not None:
            self._record = msgspec.structs.replace(self._record, notes=(*self._record.notes, self._disk.ended))
            return DiskFullError.exit_code
        return code

    async def _bring_commits_home(self, sandbox: Sandbox) -> None:
        """While the sandbox is there, whatever ended the agent: nobody but it may read the agent's repository."""
        if self._record.status != "running":
            return
        with anyio.CancelScope(shield=True), anyio.move_on_after(COMMITS_SECONDS) as scope:
            await self._thaw(sandbox)
            self._record = await bring_commits_home(sandbox, self._record, self._directory)
        if scope.cancelled_caught:
            note = f"bundling the agent's commits took over {COMMITS_SECONDS:.0f} s; no branch is made"
            self._record = msgspec.structs.replace(self._record, notes=(*self._record.notes, note))
        for note in self._record.notes:
            await self._log.write(note)

    async def _end(self, sandbox: Sandbox, border: "Border") -> None:
        """The agent first, then what it had under way."""
        with anyio.CancelScope(shield=True), anyio.move_on_after(STOP_SECONDS):
            border.approvals.close()
            await sandbox.stop()
            if not border.topology.is_paused:
                await border.proxy.drain()

    async def _thaw(self, sandbox: Sandbox) -> None:
        """A frozen sandbox can neither bundle commits nor end in order. Its egress stays closed."""
        if self._control is not None and self._control.is_paused:
            with suppress(SandboxError):
                # Nobody watches the disk any more: an agent that was filling it is killed.
                await (sandbox.resume() if self._control.held is None else sandbox.stop(0.0))

    async def _follow_policy(self, border: "Border", control: SessionControl) -> None:
        async for _ in reload.watch(self._plan.policy.sources):
            try:
                await control.reload()
            except SettingsError as exc:
                await self._log.write(f"policy not reloaded, the old one holds: {exc}")
            else:
                await self._log.write("policy reloaded")

    async def _watch_audit(self, border: "Border") -> None:
        """A log that cannot be written has stopped the traffic by itself; its user is told why."""
        while border.topology.is_recording:  # noqa: ASYNC110  # a sink has no event for it
            await anyio.sleep(AUDIT_POLL_SECONDS)
        await self._log.write("the audit log cannot be written (disk full?): all traffic is refused from now on")

    def _note(self, what: str) -> Record:
        return Record(kind="session", flow=self._record.id, at=time.time(), verdict="allow", reason="listed", note=what)

    def _save(self, *, status: sessions.Status, **changes: object) -> None:
        self._record = msgspec.structs.replace(self._record, status=status, **changes)
        sessions.save(self._plan.home, self._record)


async def _to_the_end(topology: "Topology") -> None:
    """A session that is cancelled still records its end: the topology ends when it is closed, not before."""
    with anyio.CancelScope(shield=True):
        await topology.run()


async def _end_when_full(disk: DiskWatch, sandbox: Sandbox) -> None:
    """Nobody makes room: the agent ends without the time to clear up."""
    await disk.given_up.wait()
    with anyio.CancelScope(shield=True), anyio.move_on_after(STOP_SECONDS):
        await sandbox.stop(0.0)


async def _expire(border: "Border") -> None:
    """Looks every second: a machine that slept wakes up in another hour, and no timer has run meanwhile."""
    while True:
        await anyio.sleep(1.0)
        border.grants.expire()
