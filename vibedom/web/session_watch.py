"""Follows the logs of a home's sessions and keeps what the dashboard shows, all of it in bounded memory."""

from collections import deque
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import anyio
import anyio.to_thread
import msgspec

from vibedom import sessions
from vibedom.control.client import Client
from vibedom.control.messages import Question
from vibedom.errors import VibedomError
from vibedom.network_log import Line, parse
from vibedom.paths import Home
from vibedom.sessions import SessionRecord
from vibedom.web.flow_table import FlowTable
from vibedom.web.log_tail import LogTail
from vibedom.web.overview import Overview

POLL_SECONDS = 0.3
"""Polled and not watched, as `reload.py` does: it works on every file system."""
ASK_SECONDS = 1.0
ANSWER_SECONDS = 2.0
MOST_SESSIONS = 50
"""The running ones and the newest that ended; `vibedom logs` has the others."""
LAST_BYTES = 8 << 20
"""How much of a log that is there already is read."""
MOST_ALERTS = 500


class SessionRow(msgspec.Struct, frozen=True, kw_only=True):
    """One session as the page shows it."""

    id: str
    workspace: str
    runtime: str
    command: str
    state: str
    """`starting`, `running`, `ended`, `failed`, `applied` or `crashed`."""
    is_alive: bool
    created_at: float
    exit_code: int | None
    is_paused: bool = False
    questions: tuple[Question, ...] = ()
    """What the agent waits for an answer to."""


class _Tails:
    """The open logs of one session."""

    def __init__(self, directory: Path) -> None:
        self.network = LogTail(directory / "network.jsonl", last_bytes=LAST_BYTES)
        self.alerts = LogTail(directory / "alerts.jsonl", last_bytes=LAST_BYTES // 8)

    def close(self) -> None:
        self.network.close()
        self.alerts.close()


class _Answers(msgspec.Struct, frozen=True):
    """What a supervisor says of its session."""

    is_paused: bool = False
    questions: tuple[Question, ...] = ()


class _News(msgspec.Struct, frozen=True):
    """What one session's logs say that is new."""

    session: str
    lines: list[Line]
    alerts: list[dict[str, Any]]


class SessionWatch:
    """`changed` is set, and replaced by a fresh event, whenever something is new."""

    def __init__(self, home: Home) -> None:
        self._home = home
        self._tails: dict[str, _Tails] = {}
        self.sessions: Sequence[SessionRow] = ()
        self.flows = FlowTable()
        self.overview = Overview()
        self.alerts: deque[tuple[int, dict[str, Any]]] = deque(maxlen=MOST_ALERTS)
        self.alert_count = 0
        self.changed = anyio.Event()
        self._answers: dict[str, _Answers] = {}

    async def run(self) -> None:
        """Follow until cancelled."""
        try:
            while True:
                if not await self.refresh():
                    await anyio.sleep(POLL_SECONDS)
        finally:
            for tails in self._tails.values():
                tails.close()

    async def ask(self) -> None:
        """Ask the sessions that run for what is in no file, until cancelled."""
        while True:
            await self.ask_states()
            await anyio.sleep(ASK_SECONDS)

    async def ask_states(self) -> None:
        """Ask all of them once, at the same time. One that does not answer in time has nothing to say."""
        answers: dict[str, _Answers] = {}

        async def ask(session: str) -> None:
            client = Client(self._home, session)
            with anyio.move_on_after(ANSWER_SECONDS), suppress(VibedomError, OSError):
                report = await client.status()
                questions = await client.pending() if report.questions else ()
                answers[session] = _Answers(report.is_paused, questions)

        async with anyio.create_task_group() as asking:
            for row in self.sessions:
                if row.is_alive:
                    asking.start_soon(ask, row.id)
        self._answers = answers

    async def refresh(self) -> bool:
        """Take in what is new, a bounded piece of each log; whether there may be more of them.

        Files are read and parsed beside the event loop; the tables change in it, where the pages read them.
        """
        rows = await anyio.to_thread.run_sync(self._list)
        is_changed, self.sessions = rows != self.sessions, rows
        for gone in self._tails.keys() - {row.id for row in rows}:
            self._tails.pop(gone).close()
        has_more = False
        for row in reversed(rows):
            news = await anyio.to_thread.run_sync(self._read, row.id)
            if news.lines or news.alerts:
                self._take(news)
                has_more = is_changed = True
        if is_changed:
            self.wake()
        return has_more

    def wake(self) -> None:
        """Tell everybody who waits that there is something new."""
        self.changed.set()
        self.changed = anyio.Event()

    def alerts_since(self, number: int) -> list[tuple[int, dict[str, Any]]]:
        """(number, alert) of those after `number`."""
        return [each for each in self.alerts if each[0] > number]

    def _list(self) -> list[SessionRow]:
        found = sessions.all_sessions(self._home)
        alive = [record for record in found if record.is_alive]
        rest = [record for record in found if not record.is_alive][: max(0, MOST_SESSIONS - len(alive))]
        answers = self._answers
        return [_row(record, answers.get(record.id, _Answers())) for record in (*alive, *rest)]

    def _read(self, session: str) -> _News:
        tails = self._tails.get(session)
        if tails is None:
            tails = self._tails[session] = _Tails(self._home.session(session).root)
        lines = [line for raw in tails.network.read() if (line := parse(raw)) is not None]
        alerts = [alert for raw in tails.alerts.read() if (alert := _parse_alert(raw)) is not None]
        return _News(session, lines, alerts)

    def _take(self, news: _News) -> None:
        for line in news.lines:
            self.flows.add(news.session, line)
            self.overview.add(news.session, line)
        for alert in news.alerts:
            self.alert_count += 1
            self.alerts.append((self.alert_count, alert))


_ALERT_FIELDS = ("id", "session", "time", "name", "severity", "message", "host", "rule", "count", "is_summary", "flow")


def _parse_alert(raw: bytes) -> dict[str, Any] | None:
    try:
        alert = msgspec.json.decode(raw, type=dict[str, Any])
    except msgspec.MsgspecError:
        return None
    return {name: alert[name] for name in _ALERT_FIELDS if name in alert}


def _row(record: SessionRecord, answers: _Answers) -> SessionRow:
    return SessionRow(
        id=record.id,
        workspace=str(record.workspace),
        runtime=record.runtime,
        command=" ".join(record.command)[:200],
        state="crashed" if record.is_crashed else record.status,
        is_alive=record.is_alive,
        created_at=record.created_at,
        exit_code=record.exit_code,
        is_paused=answers.is_paused,
        questions=answers.questions,
    )
