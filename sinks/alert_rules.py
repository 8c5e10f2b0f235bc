"""Alert rules: which records are worth an alert, and how grave it is."""

from collections.abc import Iterator
from fnmatch import fnmatchcase

import msgspec

from pipeline.events import Action, Context, Direction, Finding, Reason, Record, SecretClass, Severity, Signal

SEVERITIES: tuple[Severity, ...] = ("low", "medium", "high", "critical")


OWN_NAMES = ("vibedom.invalid", "*.vibedom.invalid")
"""Names vibedom itself asks for, to prove that a sandbox is locked; RFC 2606 keeps them from ever being anybody's."""


class AlertRule(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`[[alerts]]`: everything that is given must hold. Criteria of findings are about one and the same finding."""

    name: str
    severity: Severity | None = None
    """None: the finding's own; `medium` where there is none."""
    rules: tuple[str, ...] = ()
    """Globs over rule ids: `aws-*`."""
    classes: tuple[SecretClass, ...] = ()
    actions: tuple[Action, ...] = ()
    direction: Direction | None = None
    at_home: bool | None = None
    """Whether the credential travels to a host it is for."""
    hosts: tuple[str, ...] = ()
    """Globs over canonical hosts: `*.example.com`; with `!` in front, hosts that are not meant."""
    contexts: tuple[Context, ...] = ()
    reasons: tuple[Reason, ...] = ()
    unscanned: bool | None = None
    signals: tuple[Signal, ...] = ()
    """Any of them."""
    count: int = 1
    """So many matches ..."""
    window_seconds: float = 60.0
    """... within so long are one alert."""
    different_hosts: bool = False
    """`count` counts hosts, and a host once, however often it matches."""

    def __post_init__(self) -> None:
        if not self.name or not self.name.isprintable() or len(self.name) > 64:
            raise ValueError("name must be 1-64 printable characters")
        if self.count < 1 or self.window_seconds <= 0:
            raise ValueError("count must be at least 1 and window_seconds greater than 0")

    @property
    def is_about_findings(self) -> bool:
        return bool(self.rules or self.classes or self.actions or self.direction or self.at_home is not None)

    def matches(self, record: Record) -> Iterator[Finding | None]:
        """The findings of `record` that match, or one None for a rule that is not about findings."""
        if (self.is_about_findings and not record.findings) or not self._covers(record):
            return
        if not self.is_about_findings:
            yield None
            return
        yield from (finding for finding in record.findings if self._is_meant(finding))

    def severity_of(self, finding: Finding | None) -> Severity:
        return self.severity or (finding.severity if finding else "medium")

    def _covers(self, record: Record) -> bool:
        return (
            (not self.reasons or record.reason in self.reasons)
            and (not self.contexts or record.context in self.contexts)
            and (not self.hosts or _is_host_meant(record.host, self.hosts))
            and (not self.signals or not set(self.signals).isdisjoint(record.signals))
            and self.unscanned in (None, record.unscanned is not None and record.verdict == "allow")
        )

    def _is_meant(self, finding: Finding) -> bool:
        return (
            (not self.rules or any(fnmatchcase(finding.rule, glob) for glob in self.rules))
            and (not self.classes or finding.secret_class in self.classes)
            and (not self.actions or finding.action in self.actions)
            and self.direction in (None, finding.direction)
            and self.at_home in (None, finding.is_home)
        )


DEFAULT_RULES: tuple[AlertRule, ...] = (
    AlertRule(name="blocked because of a finding", reasons=("finding-blocked", "signed-request"), severity="high"),
    AlertRule(name="key kept from leaving", classes=("secret", "credential"), direction="request", at_home=False),
    AlertRule(
        name="key kept from coming in",
        classes=("secret", "credential"),
        direction="response",
        actions=("scrub", "alert", "block"),
        at_home=False,
        severity="medium",
    ),
    AlertRule(name="canary token seen", classes=("canary",), severity="critical"),
    AlertRule(name="upload budget used up", signals=("upload-budget",), severity="high"),
    AlertRule(
        name="data may be leaving through an allowed host",
        signals=("unusual-volume", "high-entropy-upload", "random-path"),
        severity="medium",
    ),
    AlertRule(name="names that look like encoded data", signals=("random-name",), severity="medium"),
    AlertRule(
        name="personal data kept from leaving",
        classes=("pii",),
        actions=("scrub", "block"),
        direction="request",
        severity="low",
    ),
    AlertRule(name="let through by policy", actions=("alert",), at_home=False),
    AlertRule(name="passed unscanned", unscanned=True, severity="medium"),
    AlertRule(
        name="attempt to get around the proxy",
        reasons=("address-not-public", "authority-mismatch", "sni-mismatch", "sni-missing", "non-http", "bad-host"),
        severity="high",
    ),
    AlertRule(
        name="host denied",
        hosts=tuple(f"!{glob}" for glob in OWN_NAMES),
        reasons=("not-listed", "denied-by-rule", "method-or-path-not-listed"),
        severity="low",
    ),
    AlertRule(
        name="many hosts denied",
        reasons=("not-listed", "denied-by-rule"),
        count=50,
        window_seconds=60,
        different_hosts=True,
        severity="high",
    ),
    AlertRule(
        name="vibedom in trouble", reasons=("stage-raised", "timed-out", "audit-unavailable"), severity="critical"
    ),
)


def _is_host_meant(host: str, globs: tuple[str, ...]) -> bool:
    meant = [glob for glob in globs if not glob.startswith("!")]
    if meant and not any(fnmatchcase(host, glob) for glob in meant):
        return False
    return not any(fnmatchcase(host, glob[1:]) for glob in globs if glob.startswith("!"))


def is_at_least(severity: Severity, minimum: Severity) -> bool:
    return SEVERITIES.index(severity) >= SEVERITIES.index(minimum)
