"""The supervisor of one session: proxy, pipeline, sinks and sandbox in task groups, and an end that loses nothing."""

import time
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path

import anyio
import msgspec

from pipeline.events import Record
from pipeline.topology import Topology
from vibedom import reload, sessions
from vibedom.errors import SettingsError, own_error
from vibedom.paths import Home, SessionDir
from vibedom.proxy.authority import Authority
from vibedom.sandbox import trust
from vibedom.sandbox.runtime import Command, Process, Runtime, Sandbox, SandboxSpec
from vibedom.session_commits import bring_commits_home
from vibedom.session_log import SessionLog
from vibedom.sessions import SessionRecord
from vibedom.settings import Policy
from vibedom.wiring import Border, Detection, make_border, make_feeds

STOP_SECONDS = 30.0
"""What ending a session may take before it is left to the next start's clean-up."""
COMMITS_SECONDS = 60.0
"""What bundling and fetching the agent's commits may take."""
AUDIT_POLL_SECONDS = 0.5

Progress = Callable[[str], None]
Converse = Callable[[Process], Awaitable[int]]
"""Connects the agent with its user until it ends, and returns its exit code."""


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """Everything one session is started with."""

    home: Home
    record: SessionRecord
    policy: Policy
    detection: Detection
    spec: SandboxSpec
    command: Command
    load_policy: Callable[[], Policy]
    """Reads the policy again after its files changed."""
    environment: Mapping[str, str]
    """The user's own, where the proxy that this machine needs may be named."""


class Session:
    """Runs one session from the sandbox's creation to its removal."""

    def __init__(self, plan: Plan, runtime: Runtime, progress: Progress) -> None:
        self._plan = plan
        self._runtime = runtime
        self._progress = progress
        self._directory: SessionDir = plan.home.session(plan.record.id)
        self._log = SessionLog(self._directory.session_log)
        self._record = plan.record

    async def run(self, converse: Converse) -> int:
        """The agent's exit code. Whatever happens, nothing of the sandbox is left and the work in `upper` is."""
        try:
            code = await self._run_border(converse)
        except BaseException as exc:
            # The agent may have run although its start was cut off before that was noted: its work tells.
            has_run = self._record.status == "running" or any(self._directory.upper.iterdir())
            self._save(status="ended" if has_run else "failed")
            raise own_error(exc) from None
        self._save(status="ended", exit_code=code)
        return code

    async def _run_border(self, converse: Converse) -> int:
        authority = Authority(self._record.id)
        roots = trust.public_roots()
        trust.write_trust(self._directory.trust, authority.pem, roots)
        border = make_border(
            self._plan.policy,
            self._plan.detection,
            make_feeds(self._plan.policy, self._directory, session=self._record.id),
            session=self._record.id,
            authority=authority,
            roots=self._upstream_roots(roots),
            environment=self._plan.environment,
        )
        async with anyio.create_task_group() as recording:
            try:
                recording.start_soon(_to_the_end, border.topology)
                code = await self._run_sandbox(border, converse)
            finally:
                with anyio.CancelScope(shield=True), anyio.move_on_after(STOP_SECONDS):
                    await border.topology.note(self._note("stopped"))
                border.topology.close()
        return code

    async def _run_sandbox(self, border: Border, converse: Converse) -> int:
        self._progress("making the sandbox")
        sandbox = await self._runtime.create(self._plan.spec)
        try:
            async with anyio.create_task_group() as services:
                await services.start(border.proxy.serve, sandbox.listeners)
                await services.start(border.resolver.serve, sandbox.listeners)
                self._progress("locking it down")
                await sandbox.lock()
                await border.topology.note(self._note("started"))
                services.start_soon(self._follow_policy, border)
                services.start_soon(self._watch_audit, border)
                try:
                    code = await self._run_agent(sandbox, converse)
                finally:
                    await self._bring_commits_home(sandbox)
                await self._end(sandbox, border)
                services.cancel_scope.cancel()
            return code
        finally:
            # Cancelled or failed: the sandbox goes all the same, and a second Ctrl-C must not cut this short.
            with anyio.CancelScope(shield=True), anyio.move_on_after(STOP_SECONDS):
                await sandbox.aclose()

    async def _run_agent(self, sandbox: Sandbox, converse: Converse) -> int:
        process = await sandbox.start(self._plan.command)
        self._save(status="running")
        self._progress("")
        return await converse(process)

    async def _bring_commits_home(self, sandbox: Sandbox) -> None:
        """While the sandbox is there, whatever ended the agent: nobody but it may read the agent's repository."""
        if self._record.status != "running":
            return
        with anyio.CancelScope(shield=True), anyio.move_on_after(COMMITS_SECONDS) as scope:
            self._record = await bring_commits_home(sandbox, self._record, self._directory)
        if scope.cancelled_caught:
            note = f"bundling the agent's commits took over {COMMITS_SECONDS:.0f} s; no branch is made"
            self._record = msgspec.structs.replace(self._record, notes=(*self._record.notes, note))
        for note in self._record.notes:
            await self._log.write(note)

    async def _end(self, sandbox: Sandbox, border: Border) -> None:
        """The agent first, then what it had under way."""
        with anyio.CancelScope(shield=True), anyio.move_on_after(STOP_SECONDS):
            await sandbox.stop()
            await border.proxy.drain()

    async def _follow_policy(self, border: Border) -> None:
        async for _ in reload.watch(self._plan.policy.sources):
            try:
                border.reload(await anyio.to_thread.run_sync(self._plan.load_policy))
            except SettingsError as exc:
                await self._log.write(f"policy not reloaded, the old one holds: {exc}")
            else:
                await self._log.write("policy reloaded")
                await border.topology.note(self._note("policy-reloaded"))

    async def _watch_audit(self, border: Border) -> None:
        """A log that cannot be written has stopped the traffic by itself; its user is told why."""
        while border.topology.is_recording:  # noqa: ASYNC110  # a sink has no event for it
            await anyio.sleep(AUDIT_POLL_SECONDS)
        await self._log.write("the audit log cannot be written (disk full?): all traffic is refused from now on")

    def _upstream_roots(self, roots: bytes) -> Path:
        """A file with this machine's roots and the user's extra one: what upstream hosts are verified against."""
        extra = self._plan.policy.upstream.ca
        path = self._directory.root / "upstream-roots.pem"
        path.touch(mode=0o600)
        path.write_bytes(roots + (b"\n" + Path(extra).read_bytes() if extra else b""))
        return path

    def _note(self, what: str) -> Record:
        return Record(kind="session", flow=self._record.id, at=time.time(), verdict="allow", reason="listed", note=what)

    def _save(self, *, status: sessions.Status, exit_code: int | None = None) -> None:
        self._record = msgspec.structs.replace(self._record, status=status, exit_code=exit_code)
        sessions.save(self._plan.home, self._record)


async def _to_the_end(topology: Topology) -> None:
    """A session that is cancelled still records its end: the topology ends when it is closed, not before."""
    with anyio.CancelScope(shield=True):
        await topology.run()
