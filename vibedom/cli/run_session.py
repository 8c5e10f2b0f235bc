"""What `vibedom run` does, step by step, and what its user sees of it."""

import os
import signal
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import anyio
import anyio.to_thread
import msgspec

from vibedom import sessions, terminal
from vibedom.beforehand import check_name, checked_workspace
from vibedom.cli import foreground, render
from vibedom.cli.detached import let_go_of_streams, tell_ready
from vibedom.cli.outfit_prompt import choose_outfit
from vibedom.cli.review_prompt import OnFindings
from vibedom.cli.screening import Screening, screen
from vibedom.console import Console
from vibedom.launch import Prepared, Wishes, prepare, reopen
from vibedom.outfit import Outfit
from vibedom.paths import Home
from vibedom.runtimes import Choice, choose
from vibedom.sandbox.docker_foundation import Foundation
from vibedom.sandbox.runtime import Mount, Runtime
from vibedom.session import Plan, Session
from vibedom.sessions import SessionRecord
from vibedom.settings import Policy, load_policy
from vibedom.visible import visible_mounts
from vibedom.workspace.base import record_base

if TYPE_CHECKING:
    from vibedom.wiring import Detection

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Options(msgspec.Struct, frozen=True, kw_only=True):
    """The command line of `vibedom run`."""

    home: Home
    project: Path
    argv: tuple[str, ...]
    runtime: Choice
    image: str | None
    root: Path | None
    name: str | None
    environment: Mapping[str, str]
    on_findings: OnFindings | None
    cpus: float | None
    memory_bytes: int | None
    apply_changes: bool | None
    sinks: tuple[str, ...]
    as_json: bool
    agent: str | None = None
    has_canary: bool = False
    looks_at_history: bool = False
    is_read_only: bool = False
    is_kept: bool = False
    is_detached: bool = False
    detach_keys: bytes = b""
    """What the user of a terminal types to leave."""
    ready: int | None = None
    """Descriptor of whoever started this process as the supervisor of a detached session."""
    resumed: SessionRecord | None = None
    """The session that goes on; None: a new one."""
    begun: Foundation | None = None
    """What an engine has begun with already; its session's name is taken from it."""


async def run_session(options: Options) -> int:
    """The agent's exit code, or 128+N where signal N ended the session."""
    workspace = checked_workspace(options.project, options.home)
    check_name(options.name)
    outfit = await choose_outfit(options.home, workspace, agent=options.agent, environment=os.environ)
    begun = options.begun
    runtime = await choose(options.runtime, options.home, partial(render.err, how="dim"), begun)
    if begun is not None and runtime.name != "docker":
        await anyio.to_thread.run_sync(begun.discard)
    try:
        async with anyio.create_task_group() as group:
            # Meanwhile the package managers are asked for their registries, and the project is looked through.
            group.start_soon(clean_up, options.home, runtime)
            policy = await _policy(options, workspace, outfit)
            screening = await screen(
                workspace,
                options.home,
                policy,
                on_findings=options.on_findings,
                history=options.looks_at_history,
                canary=options.has_canary,
            )
        return await _run(options, workspace, policy, screening, runtime, outfit)
    finally:
        render.end_progress()
        with anyio.CancelScope(shield=True), anyio.move_on_after(5):
            await runtime.aclose()


async def clean_up(home: Home, runtime: Runtime) -> None:
    """Remove what dead supervisors left in the runtime, and say so. Their work stays."""
    for leftover in await runtime.reap():
        render.err(f"removed {leftover.kind} {render.printable(leftover.name)} of a session that crashed", "dim")
    for record in sessions.all_sessions(home):
        if record.is_crashed:
            sessions.save(home, msgspec.structs.replace(record, status="ended"))
            render.err(f"{record.id} ended without its supervisor; its work is kept: vibedom diff {record.id}", "warn")


async def _policy(options: Options, workspace: Path, outfit: Outfit) -> Policy:
    render.progress("reading the policy")
    policy = await anyio.to_thread.run_sync(partial(_load, options.home, workspace, outfit))
    if not options.sinks:
        return policy
    from vibedom.alert_sinks import sink_of_url

    more = tuple(sink_of_url(url) for url in options.sinks)
    return msgspec.structs.replace(policy, sinks=(*policy.sinks, *more))


async def _run(
    options: Options, workspace: Path, policy: Policy, screening: Screening, runtime: Runtime, outfit: Outfit
) -> int:
    mounts = visible_mounts(policy.local.visible, options.home) if runtime.name == "local" else []
    wishes = _wishes(options, workspace, policy, tuple(mounts), outfit)
    masked, resumed = screening.masked, options.resumed
    if resumed is None:
        work = partial(prepare, wishes, options.home, runtime=runtime.name, masked=masked)
    else:
        work = partial(reopen, wishes, options.home, resumed, masked=masked)
    prepared = await anyio.to_thread.run_sync(work)
    try:
        code = await _supervised(options, policy, screening, prepared, runtime, outfit)
    except BaseException:
        _forget_if_empty(options.home, prepared)
        raise
    if _forget_if_empty(options.home, prepared):
        return code
    from vibedom.cli.end_of_session import report  # not before: the agent does not wait for it

    await report(options.home, prepared.record.id, code, apply_changes=options.apply_changes, as_json=options.as_json)
    return code


async def _supervised(
    options: Options, policy: Policy, screening: Screening, prepared: Prepared, runtime: Runtime, outfit: Outfit
) -> int:
    screening.keep_report(prepared.directory.gitleaks_report)
    screening.plant(prepared.directory.agent_home, uid=prepared.record.uid, gid=prepared.record.gid)
    plan = Plan(
        home=options.home,
        record=prepared.record,
        policy=policy,
        load_detection=partial(_load_detection, options, policy, screening, prepared),
        spec=prepared.spec,
        command=prepared.command,
        load_policy=partial(_load, options.home, prepared.record.workspace, outfit),
        environment=os.environ,
    )
    warn = partial(render.err, how="warn")
    session = Session(plan, runtime, render.progress, partial(_started, options, prepared), warn)
    received: list[int] = []
    code = 0
    async with anyio.create_task_group() as listening:
        # The signal cancels the work alone: who cleans up must still hear the next one.
        with anyio.CancelScope() as work:
            listening.start_soon(_end_on_signal, work, received, session)
            if (parent := foreground.starter()) is not None:
                listening.start_soon(parent.follow)
            code = await session.run(None if options.is_detached else partial(_converse, options, session, prepared))
        listening.cancel_scope.cancel()
    return 128 + received[0] if received else code


def _load_detection(options: Options, policy: Policy, screening: Screening, prepared: Prepared) -> "Detection":
    """With the rest that takes its time and has to be done before the agent may change a file."""
    from vibedom.detection import load_detection

    if options.resumed is None:
        render.progress("noting the state of the project")
        record_base(prepared.record.workspace, prepared.directory.base)
    render.progress("reading the rules")
    return load_detection(options.home, policy, screening.values, progress=render.progress)


def _started(options: Options, prepared: Prepared) -> None:
    """The agent runs: whoever waits for a detached session may go, and its terminal with them."""
    if options.ready is not None:
        tell_ready(options.ready, prepared.record.id)


async def _converse(options: Options, session: Session, prepared: Prepared, console: Console) -> None:
    """Show the agent, until its user leaves: the session goes on, and the shell has its terminal back."""
    parent = foreground.starter()
    is_leaving = await terminal.converse(console, b"" if parent is None else options.detach_keys)
    if is_leaving and parent is not None and session.let_go():
        name = prepared.record.id
        render.err("")
        render.err(f"detached; the agent goes on: vibedom attach {name}", "dim")
        parent.give_back()


async def _end_on_signal(scope: anyio.CancelScope, received: list[int], session: Session) -> None:
    """The first signal ends the session in order, the second is heard, the third ends vibedom on the spot. A terminal
    that is closed ends nothing: the agent goes on, and `vibedom attach` shows it again."""
    with anyio.open_signal_receiver(*SIGNALS) as signals:
        async for number in signals:
            if number == signal.SIGHUP and not received and session.let_go():
                let_go_of_streams()
                continue
            received.append(number)
            if len(received) == 1:
                scope.cancel()
            elif len(received) == 2:
                render.err("vibedom: still cleaning up; once more ends it now", "warn")
            else:
                render.err("vibedom: ended in the middle of cleaning up; the next `vibedom run` does the rest", "bad")
                os._exit(128 + number)


def _load(home: Home, workspace: Path, outfit: Outfit) -> Policy:
    """The policy as its files are now, with what the session's outfit adds."""
    return outfit.widened(load_policy(home, project=workspace))


def _wishes(options: Options, workspace: Path, policy: Policy, mounts: tuple[Mount, ...], outfit: Outfit) -> Wishes:
    limits = msgspec.structs.replace(
        policy.limits,
        memory_bytes=options.memory_bytes or policy.limits.memory_bytes,
        cpus=options.cpus or policy.limits.cpus,
    )
    return Wishes(
        workspace=workspace,
        argv=options.resumed.command if options.resumed else outfit.argv(options.argv),
        name=options.begun.session if options.begun else options.name,
        image=options.image or outfit.image,
        root=options.root,
        environment=options.environment,
        is_tty=options.is_detached or terminal.is_interactive(),
        limits=limits,
        mounts=mounts,
        is_read_only=options.is_read_only,
        is_kept=options.is_kept,
        is_detached=options.is_detached,
        sinks=options.sinks,
        outfit=outfit,
        policy=policy,
    )


def _forget_if_empty(home: Home, prepared: Prepared) -> bool:
    """A session that never started leaves nothing behind; one with work in it stays."""
    record = sessions.load(home, prepared.record.id)
    is_empty = record.status == "failed" and not record.is_kept and not any(prepared.directory.upper.iterdir())
    if is_empty:
        sessions.remove(home, record)
    return is_empty
