"""What the user allowed or denied while a session runs: for one request, for a while, or until it ends."""

import time
from collections.abc import Awaitable, Callable

import msgspec

from pipeline.events import Captured, Judged
from pipeline.host_policy import HostPolicy
from pipeline.hosts import is_ip_literal
from pipeline.patterns import Pattern, parse_pattern
from vibedom.control.messages import Grant

Judge = Callable[[Captured], Awaitable[Judged]]
MAX_FLOWS = 256
"""Flows that go on under a grant for one request; the oldest is forgotten first."""
ONCE_SECONDS = 600.0
"""How long a grant for one request waits for it where its user gives no time."""

ASKED_ABOUT = "[approval] asked about when it is dialled:"
ONCE = "allowed once:"
"""What records say of a grant for one request. No rule of a policy has such a name."""


class OneRequest(msgspec.Struct, kw_only=True):
    """A grant that the next request uses up. `flow` is that request, once it has come; `until` (Unix seconds) ends the
    waiting for it."""

    pattern: Pattern
    until: float
    flow: str | None = None


class Grants:
    """Changes are followed by `changed()`: whoever made stages of `apply(...)` makes them anew."""

    def __init__(self, changed: Callable[[], None], *, clock: Callable[[], float] = time.time) -> None:
        self._changed = changed
        self._clock = clock
        self._grants: dict[str, tuple[Grant, Pattern]] = {}
        self._once: list[OneRequest] = []

    @property
    def grants(self) -> tuple[Grant, ...]:
        return tuple(grant for grant, _ in self._grants.values())

    def restore(self, grants: tuple[Grant, ...]) -> None:
        """Those of an earlier run of the session, without what is over."""
        for grant in grants:
            pattern = parse_pattern(grant.pattern, source="session")
            self._grants[grant.pattern] = grant, pattern
        self.expire()
        self._changed()

    def add(self, pattern: Pattern, *, is_denied: bool = False, seconds: float | None = None) -> None:
        """The last word about a pattern counts."""
        until = None if seconds is None else self._clock() + seconds
        grant = Grant(pattern=pattern.text, verdict="deny" if is_denied else "allow", until=until)
        self._grants[pattern.text] = grant, pattern
        self._changed()

    def forget(self, pattern: Pattern) -> None:
        """The policy files say it now."""
        if self._grants.pop(pattern.text, None):
            self._changed()

    def expire(self) -> None:
        """Drop what is over. To be called every second or so: a machine that slept wakes up in another hour."""
        now = self._clock()
        over = [text for text, (grant, _) in self._grants.items() if grant.until is not None and grant.until <= now]
        for text in over:
            del self._grants[text]
        self._once = [one for one in self._once if one.flow is not None or one.until > now]
        if over:
            self._changed()

    def apply(self, hosts: HostPolicy) -> HostPolicy:
        """The policy's hosts and these."""
        allowed = [p for grant, p in self._grants.values() if grant.verdict == "allow"]
        denied = [p for grant, p in self._grants.values() if grant.verdict == "deny"]
        return hosts.allowing(allowed).denying(denied) if allowed or denied else hosts

    # -- one request --------------------------------------------------------------------------------------------

    def allow_once(self, pattern: Pattern, seconds: float = ONCE_SECONDS) -> None:
        """The next request to a host of the pattern, with the tunnel it comes through."""
        self._once.append(OneRequest(pattern=pattern, until=self._clock() + seconds))
        del self._once[:-MAX_FLOWS]

    @property
    def waiting(self) -> tuple[Grant, ...]:
        """Those for one request that has not come."""
        return tuple(
            Grant(pattern=one.pattern.text, verdict="allow", until=one.until, is_once=True)
            for one in self._once
            if one.flow is None
        )

    def allows_next(self, host: str, port: int) -> bool:
        """Whether a grant for one request waits for one to this host."""
        now = self._clock()
        unused = (one.pattern for one in self._once if one.flow is None and one.until > now)
        return any(pattern.matches_host(host) and pattern.allows_port(port) for pattern in unused)

    def reserve(self, captured: Captured) -> OneRequest | None:
        """The grant that may cover this step of a flow. A request gets the oldest one that nobody has, for itself."""
        target, step = captured.target, captured.step
        for one in self._once:
            is_meant = one.pattern.matches_host(target.host) and one.pattern.allows_port(target.port)
            if one.flow == captured.flow_id and is_meant:
                return one
        for one in self._once:
            if one.flow is not None or one.until <= self._clock() or not one.pattern.matches_host(target.host):
                continue
            if step == "dns":
                return one
            if one.pattern.allows_port(target.port) and step in ("connect", "request"):
                one.flow = captured.flow_id if step == "request" else None
                return one
        return None


class GrantingJudge:
    """The topology's `judge` for a session whose user may allow a host for one request, or is asked about it: the event
    says which pattern is allowed for its flow alone. A grant is used up here, and by a request only that needed it.

    A name that is not listed is answered where the user would be asked: the address is the same for all of them, and
    the connection to it is judged by itself.
    """

    def __init__(self, judge: Judge, grants: Grants, asks: Callable[[str], bool]) -> None:
        """`asks`: whether the user would be asked about a host."""
        self._judge = judge
        self._grants = grants
        self._asks = asks

    async def __call__(self, captured: Captured) -> Judged:
        one = self._grants.reserve(captured)
        if one is None:
            return await self._judge(self._asked(captured))
        is_used = captured.step != "request"
        try:
            judged = await self._judge(msgspec.structs.replace(captured, once=(ONCE, one.pattern.text)))
            is_used = is_used or judged.decision.rule.startswith(ONCE)
        finally:
            if not is_used:
                one.flow = None
        return judged

    def _asked(self, captured: Captured) -> Captured:
        host = captured.target.host
        if captured.step != "dns" or is_ip_literal(host) or not self._asks(host):
            return captured
        return msgspec.structs.replace(captured, once=(ASKED_ABOUT, host))
