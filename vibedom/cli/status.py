"""`vibedom status`: what one session is doing."""

import time
from pathlib import Path
from typing import Any

import anyio.to_thread
import asyncclick as click
import msgspec

from vibedom import sessions
from vibedom.cli import render
from vibedom.cli.amounts import size
from vibedom.cli.list import age, state, without_passwords
from vibedom.control.client import Client
from vibedom.control.messages import Grant, Report
from vibedom.errors import VibedomError
from vibedom.network_log import Traffic, read_traffic
from vibedom.paths import home as find_home
from vibedom.sessions import SessionRecord


@click.command(short_help="Say what a session is doing.")
@click.argument("session", required=False)
@click.option("--json", "as_json", is_flag=True, help="Everything that is known, as JSON.")
async def command(session: str | None, as_json: bool) -> None:
    """Say what SESSION (default: the newest one of this directory) is doing: its state, its traffic, what was allowed
    while it ran, and what waits for an answer.
    """
    home = find_home()
    record = await anyio.to_thread.run_sync(lambda: sessions.find(home, session, workspace=Path.cwd()))
    traffic = await anyio.to_thread.run_sync(read_traffic, home.session(record.id).network_log)
    report = await _report(Client(home, record.id)) if record.is_alive else None
    if as_json:
        render.out_json(_as_data(record, traffic, report))
        return
    for name, text in _lines(record, traffic, report):
        render.out(f"{name:10} {render.printable(text)}")


async def _report(client: Client) -> Report | None:
    """None where the supervisor is only starting, or ending."""
    try:
        return await client.status()
    except VibedomError:
        return None


def _lines(record: SessionRecord, traffic: Traffic, report: Report | None) -> list[tuple[str, str]]:
    lines = [
        ("session", record.id),
        ("state", state(record)),
        ("started", age(record.created_at)),
        ("project", str(record.workspace)),
        ("runtime", record.runtime),
        ("command", " ".join(record.command) or "(a shell)"),
        (
            "traffic",
            f"{traffic.requests} requests, {size(traffic.sent_bytes)} sent, {size(traffic.received_bytes)}"
            f" received, {_total(traffic.blocked)} blocked, {_total(traffic.scrubbed)} scrubbed",
        ),
    ]
    if report is not None:
        lines += [
            ("supervisor", f"pid {report.pid}, {size(report.memory_bytes)}"),
            ("terminal", "attached" if report.is_attached else "nobody is attached"),
        ]
        if not report.is_recording:
            lines.append(("audit log", "cannot be written (disk full?): all traffic is refused"))
        if report.held:
            lines.append(("frozen", report.held))
        if report.questions:
            lines.append(("asked", f"{report.questions} hosts; `vibedom approve {record.id}`"))
    grants = report.grants if report else record.grants
    return lines + [(f"{'allowed' if g.verdict == 'allow' else 'denied'}", _grant(g)) for g in grants]


def _grant(grant: Grant) -> str:
    until = "" if grant.until is None else f" for {max(0, grant.until - time.time()):.0f} s more"
    return grant.pattern + (" once," if grant.is_once else "") + until


def _total(counts: tuple[tuple[str, int], ...]) -> int:
    return sum(count for _, count in counts)


def _as_data(record: SessionRecord, traffic: Traffic, report: Report | None) -> dict[str, Any]:
    return {
        "session": msgspec.to_builtins(without_passwords(record), enc_hook=str),
        "is_alive": record.is_alive,
        "traffic": msgspec.to_builtins(traffic),
        "supervisor": None if report is None else msgspec.to_builtins(report),
    }
