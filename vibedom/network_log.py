"""Reads a session's network.jsonl: its lines, and what they add up to."""

from collections import Counter, deque
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import msgspec

from pipeline.events import Context, Finding, Verdict
from sinks.parts import BAD_ARCHIVE, open_part, parts


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """One record as it stands in the log; what the chain adds is left out. New fields of later versions are ignored."""

    seq: int
    time: str
    kind: str
    flow: str
    verdict: Verdict
    reason: str
    rule: str = ""
    scheme: str = ""
    host: str = ""
    port: int = 0
    method: str = ""
    path: str = ""
    status: int = 0
    content_type: str = ""
    context: Context | None = None
    question: str = ""
    findings: tuple[Finding, ...] = ()
    unscanned: str | None = None
    request_bytes: int = 0
    response_bytes: int = 0
    duration_ms: float = 0.0
    note: str = ""

    @property
    def is_blocked(self) -> bool:
        return self.verdict == "deny"

    @property
    def scrubbed(self) -> tuple[Finding, ...]:
        """The findings that were replaced."""
        return tuple(f for f in self.findings if f.action == "scrub")


class Traffic(msgspec.Struct, frozen=True, kw_only=True):
    """What a session's log adds up to."""

    requests: int
    blocked: tuple[tuple[str, int], ...]
    """`host (reason)` and how often, the most frequent first."""
    scrubbed: tuple[tuple[str, int], ...]
    """`rule -> host` and how often."""
    sent_bytes: int
    received_bytes: int


class Totals:
    """Adds up lines one at a time, in bounded memory."""

    def __init__(self) -> None:
        self.requests = self.blocked = self.scrubbed = self.sent_bytes = self.received_bytes = 0
        self.last_refused: deque[str] = deque(maxlen=5)
        """`host (reason)`, the newest last."""

    def add(self, raw: bytes) -> None:
        line = parse(raw)
        if line is None or line.host.endswith(SELFTEST):
            return
        self.requests += line.kind == "request" and line.method != "CONNECT"
        self.scrubbed += len(line.scrubbed)
        if line.kind == "response":
            self.sent_bytes += line.request_bytes
            self.received_bytes += line.response_bytes
        if line.is_blocked:
            self.blocked += 1
            self.last_refused.append(f"{line.host or 'a connection'} ({line.reason})")


SELFTEST = "vibedom.invalid"
"""Hosts the sandbox's self-test asks for: in the log, but not news."""
_decoder = msgspec.json.Decoder(Line)


def read_lines(path: Path) -> Iterator[Line]:
    """The whole lines of a log, rotated parts first; none where there is no log. A damaged line or end is skipped:
    `audit verify` finds it."""
    for part in parts(path):
        with suppress(FileNotFoundError, *BAD_ARCHIVE), open_part(part) as file:
            for raw in file:
                line = parse(raw)
                if line is not None:
                    yield line


def parse(raw: bytes) -> Line | None:
    """One line of a log, or None where it is damaged."""
    try:
        return _decoder.decode(raw)
    except msgspec.MsgspecError:
        return None


def read_traffic(path: Path) -> Traffic:
    """Add up a log."""
    requests = sent = received = 0
    blocked: Counter[str] = Counter()
    scrubbed: Counter[str] = Counter()
    for line in read_lines(path):
        if line.host.endswith(SELFTEST):
            continue
        requests += line.kind == "request" and line.method != "CONNECT"
        if line.kind == "response":
            sent, received = sent + line.request_bytes, received + line.response_bytes
        if line.is_blocked:
            name = line.host or "a connection"
            blocked[f"{name} ({line.question + ', ' if line.question else ''}{line.reason})"] += 1
        for finding in line.scrubbed:
            way = "->" if finding.direction == "request" else "<-"
            scrubbed[f"{finding.rule} {way} {line.host}"] += 1
    return Traffic(
        requests=requests,
        blocked=tuple(blocked.most_common()),
        scrubbed=tuple(scrubbed.most_common()),
        sent_bytes=sent,
        received_bytes=received,
    )
