"""`vibedom logs`: what crossed the border."""

from collections.abc import Callable
from functools import partial
from pathlib import Path

import anyio
import asyncclick as click

from vibedom import sessions
from vibedom.cli import render
from vibedom.network_log import Line, parse
from vibedom.paths import home as find_home

FOLLOW_SECONDS = 0.3
Show = Callable[[Line, str], None]


@click.command()
@click.argument("session", required=False)
@click.option("--follow", "-f", is_flag=True, help="Go on as more comes, until the session ends.")
@click.option("--blocked", is_flag=True, help="Only what was refused.")
@click.option("--scrubbed", is_flag=True, help="Only where something was taken out.")
@click.option("--host", metavar="HOST", help="Only this host.")
@click.option("--json", "as_json", is_flag=True, help="The records as they stand in the log, one a line.")
async def command(
    session: str | None, follow: bool, blocked: bool, scrubbed: bool, host: str | None, as_json: bool
) -> None:
    """Show what crossed the border in SESSION (default: the newest one of this directory).

    \b
    vibedom logs -f              as it happens
    vibedom logs --blocked       what was refused, and why
    vibedom logs --host X --json for scripts
    """
    state = find_home()
    record = await anyio.to_thread.run_sync(lambda: sessions.find(state, session, workspace=Path.cwd()))
    path = state.session(record.id).network_log

    def show(line: Line, raw: str) -> None:
        if (blocked and not line.is_blocked) or (scrubbed and not line.scrubbed) or (host and line.host != host):
            return
        if as_json:
            render.out(raw)
        else:
            render.out(render.style(describe(line), "bad" if line.is_blocked else "plain", "stdout"))

    position = 0
    while True:
        position = await anyio.to_thread.run_sync(partial(_show_from, path, position, show))
        if not follow or not sessions.load(state, record.id).is_alive:
            return
        await anyio.sleep(FOLLOW_SECONDS)


def describe(line: Line) -> str:
    """One line for people: time, verdict, what, why, and what was found in it."""
    where = f"{line.scheme}://{line.host}:{line.port}" if line.host else "(no host)"
    asked = f"CONNECT {line.host}:{line.port}" if line.method == "CONNECT" else f"{line.method} {where}{line.path}"
    what = {
        "request": asked,
        "response": f"{line.status} {asked} {line.response_bytes} B {line.duration_ms:.0f} ms",
        "dns": f"DNS {line.question} {line.host or '(not a name)'}",
        "session": f"session {line.note}",
    }.get(line.kind, f"{line.kind} {where}")
    mark = "DENY " if line.is_blocked else "allow"
    why = f" [{line.reason}{' ' + line.rule if line.rule else ''}]" if line.is_blocked else ""
    found = "".join(f" {f.action}:{f.rule}@{f.location}" for f in line.findings)
    unscanned = f" unscanned:{line.unscanned}" if line.unscanned else ""
    return render.printable(f"{line.time} {mark} {what}{why}{found}{unscanned}")


def _show_from(path: Path, position: int, show: Show) -> int:
    """Show the whole lines from a byte offset on; returns the offset behind the last one."""
    try:
        with path.open("rb") as file:
            file.seek(position)
            for raw in file:
                if not raw.endswith(b"\n"):
                    break
                position += len(raw)
                line = parse(raw)
                if line is not None:
                    show(line, raw.decode().rstrip("\n"))
    except FileNotFoundError:
        return position
    return position
