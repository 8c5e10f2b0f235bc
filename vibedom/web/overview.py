"""What the traffic of all sessions adds up to: totals, hosts, and findings over time, in bounded memory."""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime

import msgspec

from vibedom.network_log import SELFTEST, Line

MINUTES = 60
"""How far back the findings over time go."""
SHOWN = 12
"""Hosts in a list."""
MOST_HOSTS = 4096
"""Hosts that are counted; an agent that makes names up pushes out the rarest, not the often seen."""


class BlockedHost(msgspec.Struct, frozen=True, kw_only=True):
    """A host that a session was not let through to."""

    session: str
    host: str
    port: int
    reason: str
    count: int
    last: str
    """RFC 3339."""


class Totals(msgspec.Struct, kw_only=True):
    """Since the first line that was read."""

    requests: int = 0
    blocked: int = 0
    findings: int = 0
    scrubbed: int = 0
    sent: int = 0
    received: int = 0


class Minute(msgspec.Struct, kw_only=True):
    """One minute of traffic."""

    at: int
    """Unix minutes."""
    requests: int = 0
    blocked: int = 0
    findings: int = 0


class Overview:
    """Adds lines up; one for the whole page."""

    def __init__(self) -> None:
        self.totals = Totals()
        self._hosts: Counter[str] = Counter()
        self._rules: Counter[str] = Counter()
        self._blocked: dict[tuple[str, str, int], BlockedHost] = {}
        self._minutes: dict[int, Minute] = {}

    def add(self, session: str, line: Line) -> None:
        """Take one line of a session's audit log in."""
        if line.kind == "session" or line.host.endswith(SELFTEST):
            return
        minute = self._minute(line.time)
        is_request = line.kind == "request" and (line.method != "CONNECT" or line.is_blocked)
        self.totals.requests += is_request
        minute.requests += is_request
        self.totals.sent += line.request_bytes if line.kind == "response" else 0
        self.totals.received += line.response_bytes if line.kind == "response" else 0
        if line.host and (is_request or line.kind == "dns"):
            self._hosts[line.host] += is_request
        if line.is_blocked:
            self.totals.blocked += 1
            minute.blocked += 1
            self._block(session, line)
        self.totals.scrubbed += len(line.scrubbed)
        self.totals.findings += len(line.findings)
        minute.findings += len(line.findings)
        self._rules.update(finding.rule for finding in line.findings)
        _trim(self._hosts)
        _trim(self._rules)

    @property
    def hosts(self) -> Sequence[tuple[str, int]]:
        """The hosts with the most requests."""
        return [each for each in self._hosts.most_common(SHOWN) if each[1]]

    @property
    def rules(self) -> Sequence[tuple[str, int]]:
        """The rules with the most findings."""
        return self._rules.most_common(SHOWN)

    @property
    def blocked(self) -> Sequence[BlockedHost]:
        """The blocked hosts, the latest first."""
        return sorted(self._blocked.values(), key=lambda each: each.last, reverse=True)[: 4 * SHOWN]

    @property
    def minutes(self) -> Sequence[Minute]:
        """The minutes with traffic, in order."""
        return [self._minutes[at] for at in sorted(self._minutes)]

    def forget_host(self, session: str, host: str) -> None:
        """It is allowed now."""
        for key in [key for key in self._blocked if key[:2] == (session, host)]:
            del self._blocked[key]

    def _block(self, session: str, line: Line) -> None:
        if not line.host or line.kind == "refused":
            return
        port = 0 if line.kind == "dns" else line.port
        key = (session, line.host, port)
        before = self._blocked.pop(key, None)
        self._blocked[key] = BlockedHost(
            session=session,
            host=line.host,
            port=port,
            reason=line.reason,
            count=(before.count if before else 0) + 1,
            last=line.time,
        )
        if len(self._blocked) > MOST_HOSTS:
            del self._blocked[next(iter(self._blocked))]

    def _minute(self, time: str) -> Minute:
        try:
            at = int(datetime.fromisoformat(time).timestamp()) // 60
        except ValueError:
            at = max(self._minutes, default=0)
        if at not in self._minutes:
            self._minutes[at] = Minute(at=at)
            for old in [each for each in self._minutes if each <= max(self._minutes) - MINUTES]:
                del self._minutes[old]
        return self._minutes.get(at) or Minute(at=at)


def _trim(counts: Counter[str]) -> None:
    """Half of a full table goes at once: the rarest."""
    if len(counts) > MOST_HOSTS:
        kept = dict(counts.most_common(MOST_HOSTS // 2))
        counts.clear()
        counts.update(kept)
