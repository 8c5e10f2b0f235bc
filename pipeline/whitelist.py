"""The whitelist stage: the one place where a flow is allowed. Everything that is not said to be allowed is denied."""

from pipeline.events import Decision, Judged, Reason, Scrubbed
from pipeline.host_policy import Dial as Dial
from pipeline.host_policy import HostPolicy as HostPolicy
from pipeline.patterns import parse_pattern

OPENED_ONCE: tuple[Reason, ...] = ("not-listed", "method-or-path-not-listed")
"""Denials that a pattern allowed for one flow lifts: a rule that denies goes before it."""


class Whitelist:
    """Scrubbed -> Judged, by the host policy."""

    name = "whitelist"

    def __init__(self, policy: HostPolicy) -> None:
        self._policy = policy

    def __call__(self, event: Scrubbed, /) -> Judged:
        decision = self._decide(event, self._policy)
        if event.once is not None and decision.reason in OPENED_ONCE:
            source, text = event.once
            decision = self._decide(event, self._policy.allowing([parse_pattern(text, source=source)]))
        return Judged(scrubbed=event, decision=decision, is_final=decision.verdict == "deny" or is_final(event))

    def _decide(self, event: Scrubbed, policy: HostPolicy) -> Decision:
        reason = _objection(event)
        if reason is not None:
            return Decision(verdict="deny", reason=reason)
        target = event.target
        if event.step == "dns":
            return policy.resolution(target.host)
        if event.step == "connect":
            return policy.decide(target.host, target.port)
        return policy.decide(target.host, target.port, event.method, _sure_path(event))


def is_final(event: Scrubbed) -> bool:
    """Whether no further step of the same record follows where the flow is allowed: a request's body that is buffered
    or gathered is judged in a step of its own, and a response ends with `response_body` or `end`."""
    return event.step != "response" and not (event.step == "request" and event.scan.plan in ("buffer", "gather"))


def _objection(event: Scrubbed) -> Reason | None:
    """Why the flow is denied wherever it goes, or None."""
    if event.step == "refused":
        return event.trouble or event.target.mismatch or "malformed"
    if event.trouble is not None:
        return event.trouble
    if event.target.mismatch is not None:
        return event.target.mismatch
    if not event.target.host:
        return "bad-host"
    if event.scan.plan == "block":
        return event.scan.unscanned or "undecodable-body"
    if any(finding.action == "block" for finding in event.findings):
        return "finding-blocked"
    return None


def _sure_path(event: Scrubbed) -> str:
    """The path a rule may rely on: what is sent. Where a finding in it was let through, the event holds another one, so
    no rule about paths allows it and every rule about paths denies it."""
    if any(f.location.startswith("url path") and f.action != "scrub" for f in event.findings):
        return ""
    return event.path
