"""`vibedom top`: all sessions that run, as they go."""

import sys
import time
from collections.abc import Sequence

import anyio
import anyio.to_thread
import asyncclick as click

from vibedom import sessions
from vibedom.cli import render
from vibedom.cli.amounts import size
from vibedom.cli.list import age, state
from vibedom.control.client import Client
from vibedom.control.messages import Question, Report
from vibedom.errors import VibedomError
from vibedom.network_log import Totals
from vibedom.paths import Home
from vibedom.paths import home as find_home
from vibedom.sessions import SessionRecord
from vibedom.web.log_tail import LogTail

HEADINGS = ("SESSION", "STATE", "TERMINAL", "REQUESTS", "BLOCKED", "SCRUBBED", "SENT", "RECEIVED", "MEMORY", "STARTED")


@click.command(short_help="Watch all sessions.")
@click.option("--interval", type=click.FloatRange(0.2, 60), default=1.0, show_default=True, help="Seconds.")
@click.option("--once", is_flag=True, help="Show it once and end; so it is where the output is no terminal.")
async def command(interval: float, once: bool) -> None:
    """Show the sessions that run, with their traffic, the hosts that wait for an answer, and what was refused last."""
    home = find_home()
    counters: dict[str, Counter] = {}
    while True:
        lines = await _lines(home, counters)
        if once or not sys.stdout.isatty():
            render.out("\n".join(lines))
            return
        render.out_bytes(b"\x1b[H\x1b[2J")
        render.out("\n".join(lines))
        await anyio.sleep(interval)


class Counter:
    """Adds up the log of one session as it grows."""

    def __init__(self, home: Home, session: str) -> None:
        self.totals = Totals()
        self._tail = LogTail(home.session(session).network_log, last_bytes=1 << 40)

    def read(self) -> Totals:
        while lines := self._tail.read():
            for line in lines:
                self.totals.add(line)
        return self.totals


async def _lines(home: Home, counters: dict[str, Counter]) -> list[str]:
    records = [record for record in sessions.all_sessions(home) if record.is_alive]
    rows, asked, refused = [], [], []
    for record in records:
        counter = counters.setdefault(record.id, Counter(home, record.id))
        totals = await anyio.to_thread.run_sync(counter.read)
        report, questions = await _ask(Client(home, record.id))
        rows.append(_row(record, totals, report))
        asked += [_asked(record.id, question) for question in questions]
        refused += [f"{record.id}  {text}" for text in totals.last_refused]
    head = f"vibedom: {len(records)} sessions run  {time.strftime('%H:%M:%S')}"
    return [
        head,
        "",
        render.table(rows, HEADINGS),
        *_part("waits for an answer (vibedom approve)", asked),
        *_part("refused last", refused[-10:]),
    ]


def _part(title: str, lines: Sequence[str]) -> list[str]:
    return ["", title, *(f"  {render.printable(line)}" for line in lines)] if lines else []


async def _ask(client: Client) -> tuple[Report | None, tuple[Question, ...]]:
    """Nothing from a supervisor that is only starting, or ending."""
    try:
        report = await client.status()
        return report, await client.pending() if report.questions else ()
    except VibedomError:
        return None, ()


def _row(record: SessionRecord, totals: Totals, report: Report | None) -> tuple[str, ...]:
    return (
        record.id,
        state(record) if report is None or report.is_recording else "NO AUDIT LOG",
        "attached" if report is not None and report.is_attached else "-",
        str(totals.requests),
        str(totals.blocked),
        str(totals.scrubbed),
        size(totals.sent_bytes),
        size(totals.received_bytes),
        size(report.memory_bytes) if report is not None else "-",
        age(record.created_at),
    )


def _asked(session: str, question: Question) -> str:
    left = max(0.0, question.waits_until - time.time())
    waits = f"{left:.0f} s left" if question.waiting else "for the next try"
    return f"{question.id}  {session}  {question.host}:{question.port}  {waits}"
