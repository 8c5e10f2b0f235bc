"""`vibedom resume`: a paused session goes on, and one whose machine or engine went away starts again with its work."""

import os
from pathlib import Path

import anyio.to_thread
import asyncclick as click

from vibedom import detach_keys, sessions
from vibedom.cli import render
from vibedom.cli.run import detach as start_in_background
from vibedom.cli.run import parse_environment
from vibedom.control.client import Client
from vibedom.control.messages import Resume
from vibedom.errors import UsageError
from vibedom.paths import Home
from vibedom.paths import home as find_home
from vibedom.sessions import SessionRecord


@click.command(short_help="Let a paused session go on; start one that ended again, with its work.")
@click.argument("session", required=False)
@click.option("--detach", "-d", is_flag=True, help="Leave it in the background; `vibedom attach` shows it.")
@click.option("--env", "environment", multiple=True, metavar="NAME[=VALUE]", help="A variable for the agent.")
@click.option(
    "--on-findings",
    type=click.Choice(["ask", "fail", "continue", "mask"]),
    default=None,
    help="What to do when the project holds secrets. Default: ask on a terminal, else fail.",
)
@click.option(
    "--detach-keys",
    "keys",
    default=detach_keys.DEFAULT,
    show_default=True,
    metavar="KEYS",
    help='Typed one after the other they leave the session in the background; "" for none.',
)
@click.option("--ready-fd", type=int, hidden=True)
async def command(
    session: str | None,
    detach: bool,
    environment: tuple[str, ...],
    on_findings: str | None,
    keys: str,
    ready_fd: int | None,
) -> int:
    """Let SESSION (default: the newest one of this directory) go on.

    One that is paused goes on where it was. One that has ended, because its machine or its engine was restarted or
    because its agent was done, starts again: with the files as the agent left them, the hosts that were allowed while
    it ran, and the command it had. Variables that were given with --env are not kept: give them again.
    """
    home, parsed = find_home(), detach_keys.parse_keys(keys)
    record = await anyio.to_thread.run_sync(lambda: sessions.find(home, session, workspace=Path.cwd()))
    if record.is_alive:
        render.err(f"{record.id}: {await Client(home, record.id).do(Resume())}")
        return 0
    variables = _variables(record, environment)
    if record.status == "applied":
        raise UsageError(f"{record.id} was applied: its work is in the project; start a new session")
    if detach and ready_fd is None:
        return await start_in_background()
    return await _start_again(
        home, record, variables, on_findings=on_findings, is_detached=detach, keys=parsed, ready=ready_fd
    )


def _variables(record: SessionRecord, given: tuple[str, ...]) -> dict[str, str]:
    """Those given now, and those of the first start that are set here."""
    variables = parse_environment(given, os.environ)
    for name in record.launch.variables:
        if name not in variables and name in os.environ:
            variables[name] = os.environ[name]
        elif name not in variables:
            render.err(f"{name} was set with --env and is not kept; give it again if the agent needs it", "warn")
    return variables


async def _start_again(
    home: Home,
    record: SessionRecord,
    variables: dict[str, str],
    *,
    on_findings: str | None,
    is_detached: bool,
    keys: bytes,
    ready: int | None,
) -> int:
    from vibedom.cli.run_session import Options, run_session

    launch = record.launch
    options = Options(
        home=home,
        project=record.workspace,
        argv=record.command,
        runtime=record.runtime,  # type: ignore[arg-type]  # was a choice when it was written
        agent=launch.agent,
        image=launch.image,
        root=launch.root,
        name=None,
        environment=variables,
        on_findings=on_findings,  # type: ignore[arg-type]  # one of the option's choices
        cpus=launch.limits.cpus,
        memory_bytes=launch.limits.memory_bytes,
        apply_changes=None,
        sinks=launch.sinks,
        as_json=False,
        is_read_only=launch.is_read_only,
        is_detached=is_detached,
        detach_keys=keys,
        ready=ready,
        resumed=record,
    )
    return await run_session(options)
