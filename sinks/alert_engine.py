"""Records -> alerts: matched, counted in windows, doubles folded, floods cut. Its only clock is the records' own."""

import hashlib
from collections import OrderedDict, deque
from collections.abc import Sequence

import msgspec

from pipeline.events import Finding, Record, Severity
from sinks.alert import Alert, held_back_alert, make_alert
from sinks.alert_rules import DEFAULT_RULES, SEVERITIES, AlertRule, is_at_least

FOLD_SECONDS = 300.0
"""The same alert within so long is counted, not repeated; the count comes as a summary afterwards."""
MAX_PER_MINUTE = 60
"""More alerts of one severity than this within a minute are counted, and the count comes as one alert. Each severity
has a budget of its own, so that a flood of small ones hides no grave one; `critical` always passes."""
MAX_KEYS = 10_000
"""Different alerts remembered at a time."""

Key = tuple[str, ...]


class _Folded:
    """An alert that was given, and how often it happened again."""

    def __init__(self, alert: Alert, at: float) -> None:
        self.alert = alert
        self.at = at
        self.repeats = 0


class AlertEngine:
    """Deterministic: the same records give the same alerts."""

    def __init__(
        self,
        *,
        session: str,
        rules: Sequence[AlertRule] = DEFAULT_RULES,
        min_severity: Severity = "low",
        max_per_minute: int = MAX_PER_MINUTE,
    ) -> None:
        self._session = session
        self._rules = tuple(rules)
        self._min_severity = min_severity
        self._max_per_minute = max_per_minute
        self._seen: dict[Key, _Folded] = {}
        self._windows: dict[str, OrderedDict[str, float]] = {}
        self._matches = 0
        self._given: dict[Severity, deque[float]] = {severity: deque() for severity in SEVERITIES}
        self._cut = 0
        self._floods = 0
        self._now = 0.0

    def feed(self, records: Sequence[Record]) -> list[Alert]:
        """The alerts that are due after these records."""
        return [alert for record in records for alert in self._feed(record)]

    def flush(self) -> list[Alert]:
        """What has been held back as counts: the summaries."""
        due = [summary for folded in self._seen.values() if (summary := self._summary(folded))]
        self._seen.clear()
        return due + self._flood()

    def _feed(self, record: Record) -> list[Alert]:
        self._now = record.at
        due = self._expire(record.at)
        for rule in self._rules:
            for finding in rule.matches(record):
                if is_at_least(rule.severity_of(finding), self._min_severity):
                    due += self._match(rule, record, finding)
        return due

    def _match(self, rule: AlertRule, record: Record, finding: Finding | None) -> list[Alert]:
        count = self._count(rule, record)
        if count < rule.count:
            return []
        key = _key(rule, record, finding)
        folded = self._seen.get(key)
        if folded is not None:
            folded.repeats += 1
            return []
        alert = self._make(rule, record, finding, count)
        self._remember(key, alert, record.at)
        return self._limited(alert, record.at)

    def _count(self, rule: AlertRule, record: Record) -> int:
        """Matches, or different hosts, within the rule's window, this one included."""
        if rule.count == 1:
            return 1
        self._matches += 1
        window = self._windows.setdefault(rule.name, OrderedDict())
        what = record.host if rule.different_hosts else str(self._matches)
        window[what] = record.at
        window.move_to_end(what)
        while len(window) > rule.count or next(iter(window.values())) <= record.at - rule.window_seconds:
            window.popitem(last=False)
        return len(window)

    def _make(self, rule: AlertRule, record: Record, finding: Finding | None, count: int) -> Alert:
        about = (finding.rule, finding.fingerprint, finding.location) if finding else ()
        return make_alert(
            record,
            finding,
            id_=_identity(self._session, rule.name, record.flow, repr(record.at), *about),
            session=self._session,
            name=rule.name,
            severity=rule.severity_of(finding),
            count=count,
        )

    def _remember(self, key: Key, alert: Alert, at: float) -> None:
        if len(self._seen) < MAX_KEYS:
            self._seen[key] = _Folded(alert, at)

    def _limited(self, alert: Alert, at: float) -> list[Alert]:
        given = self._given[alert.severity]
        while given and given[0] <= at - 60:
            given.popleft()
        if alert.severity != "critical" and len(given) >= self._max_per_minute:
            self._cut += 1
            return []
        given.append(at)
        return [*self._flood(), alert]

    def _expire(self, at: float) -> list[Alert]:
        """Summaries of what was folded long enough; entries are in the order they were made."""
        due = []
        while self._seen:
            key = next(iter(self._seen))
            if self._seen[key].at > at - FOLD_SECONDS:
                break
            summary = self._summary(self._seen.pop(key))
            due += [summary] if summary else []
        return due

    def _summary(self, folded: _Folded) -> Alert | None:
        if not folded.repeats:
            return None
        again = f"{folded.alert.message}; {folded.repeats} more"
        id_ = _identity(folded.alert.id, str(folded.repeats))
        return msgspec.structs.replace(folded.alert, id=id_, message=again, count=folded.repeats, is_summary=True)

    def held_back(self, count: int, why: str) -> Alert:
        """One alert for `count` that were dropped; what they were about is in the audit log."""
        self._floods += 1
        serial = f"{self._now!r} {self._floods}"
        return held_back_alert(self._session, count, why, at=self._now, serial=serial)

    def _flood(self) -> list[Alert]:
        if not self._cut:
            return []
        cut, self._cut = self._cut, 0
        return [self.held_back(cut, f"over the limit of {self._max_per_minute} a minute")]


def _identity(*parts: str) -> str:
    return hashlib.sha256("\0".join(parts).encode("utf-8", "surrogatepass")).hexdigest()[:24]


def _key(rule: AlertRule, record: Record, finding: Finding | None) -> Key:
    if rule.count > 1:
        return (rule.name,)
    about = (finding.rule, finding.fingerprint, finding.direction) if finding else ()
    return (rule.name, record.host, record.reason, *about)
