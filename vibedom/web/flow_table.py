"""The newest flows of all sessions as rows, each with the number of its last change: what a page is behind by."""

from collections import OrderedDict
from collections.abc import Iterator

import msgspec

from pipeline.events import Verdict
from vibedom.network_log import SELFTEST, Line

MOST_ROWS = 10_000
MOST_TEXT = 512
"""Characters of a path that are kept; the audit log has the rest."""
MOST_FINDINGS = 20
"""Of one row."""


class RowFinding(msgspec.Struct, frozen=True, omit_defaults=True):
    """What a row tells of one finding. Nothing of a secret is in the log it comes from."""

    rule: str
    action: str
    direction: str
    location: str
    severity: str


class Row(msgspec.Struct, kw_only=True, omit_defaults=True):
    """One exchange, question or message: a request's line of the audit log, with what its answer added."""

    id: str
    session: str
    change: int = 0
    """Rises over all rows with every change."""
    kind: str = ""
    time: str = ""
    verdict: Verdict = "allow"
    reason: str = ""
    rule: str = ""
    scheme: str = ""
    host: str = ""
    port: int = 0
    method: str = ""
    path: str = ""
    status: int = 0
    content_type: str = ""
    context: str = ""
    question: str = ""
    findings: list[RowFinding] = []
    unscanned: str = ""
    sent: int = 0
    received: int = 0
    duration_ms: float = 0.0
    note: str = ""


class FlowTable:
    """Keeps the `MOST_ROWS` rows that changed last."""

    def __init__(self, most_rows: int = MOST_ROWS) -> None:
        self._rows: OrderedDict[str, Row] = OrderedDict()
        self._most_rows = most_rows
        self.change = 0

    def add(self, session: str, line: Line) -> None:
        """Take one line of a session's audit log in."""
        if line.host.endswith(SELFTEST) or (line.method == "CONNECT" and not line.is_blocked):
            return
        is_exchange = line.kind in ("request", "response")
        key = f"{session}/{line.flow}" if is_exchange else f"{session}#{line.seq}"
        row = self._rows.get(key)
        if row is None:
            row = self._rows[key] = Row(id=key, session=session, time=line.time, kind=line.kind)
        self.change += 1
        row.change = self.change
        _merge(row, line)
        self._rows.move_to_end(key)
        if len(self._rows) > self._most_rows:
            self._rows.popitem(last=False)

    def since(self, change: int) -> list[Row]:
        """The rows that changed after `change`, in the order of their changes."""
        return list(self._newest(change))[::-1]

    def _newest(self, change: int) -> Iterator[Row]:
        for row in reversed(self._rows.values()):
            if row.change <= change:
                return
            yield row


def _merge(row: Row, line: Line) -> None:
    """A denial stays one, whatever comes after it; an answer does not know what was asked."""
    if row.verdict == "allow":
        row.verdict, row.reason, row.rule = line.verdict, line.reason, line.rule or row.rule
    row.scheme, row.host, row.port = line.scheme, line.host, line.port
    row.method, row.path = line.method or row.method, line.path[:MOST_TEXT] or row.path
    row.status, row.content_type = line.status or row.status, line.content_type or row.content_type
    row.context, row.question = line.context or row.context, line.question
    row.unscanned, row.note = line.unscanned or row.unscanned, line.note[:MOST_TEXT]
    row.sent, row.received = max(row.sent, line.request_bytes), max(row.received, line.response_bytes)
    row.duration_ms = line.duration_ms or row.duration_ms
    room = MOST_FINDINGS - len(row.findings)
    row.findings = [
        *row.findings,
        *(RowFinding(f.rule, f.action, f.direction, f.location[:MOST_TEXT], f.severity) for f in line.findings[:room]),
    ]
