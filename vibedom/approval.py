"""Live approval: a request to a host that is not listed waits, for a while, until the user has said what is to happen.

It stands before the pipeline and decides nothing itself: whatever comes of the question, the request is judged
afterwards like every other one, by the policy as it is then. So nothing that goes wrong here lets anything pass.
"""

import time
from collections.abc import Awaitable, Callable

import anyio
import msgspec

from pipeline.addresses import is_public_address
from pipeline.events import Captured, Judged
from pipeline.host_policy import HostPolicy
from pipeline.hosts import is_ip_literal
from pipeline.patterns import Pattern, parse_pattern
from vibedom.control.messages import Answer, Question
from vibedom.errors import UsageError
from vibedom.grants import ONCE_SECONDS, Grants

Judge = Callable[[Captured], Awaitable[Judged]]
MAX_QUESTIONS = 16
"""Open at the same time; the request that would open one more is denied at once."""
MAX_HELD = 64
"""Requests that wait at the same time."""
SHOWN_SECONDS = 600.0
"""How long a question that nobody answered in time can still be answered."""
REPEAT_SECONDS = 60.0
"""A host that nobody answered for is not waited for again before this is over."""


class _Open:
    """One question, and the requests that share it."""

    def __init__(self, question: Question) -> None:
        self.question = question
        self.settled = anyio.Event()

    def hold(self, change: int) -> None:
        self.question = msgspec.structs.replace(self.question, waiting=self.question.waiting + change)


class Approvals:
    """The questions of one session. `is_watched` says whether somebody is there who could answer."""

    def __init__(self, grants: Grants, *, wait_seconds: float, is_watched: Callable[[], bool]) -> None:
        self._grants = grants
        self._wait_seconds = wait_seconds
        self._is_watched = is_watched
        self._open: dict[tuple[str, int], _Open] = {}
        self._refused: set[tuple[str, int]] = set()
        self._last_id = 0
        self._changed = anyio.Event()
        self._is_closed = False

    def asks(self, host: str) -> bool:
        """Whether the user would be asked about a host that is not listed."""
        if self._is_closed or self._wait_seconds <= 0 or not host or not self._is_watched():
            return False
        # What is not public is never reached because of a key pressed in a hurry.
        return not is_ip_literal(host) or is_public_address(host)

    def questions(self) -> tuple[Question, ...]:
        """The open ones, the oldest first."""
        self._tidy()
        return tuple(one.question for one in self._open.values())

    def next_change(self) -> anyio.Event:
        """Set at the next change of `questions()`. To be taken before they are looked at, so that none is missed."""
        return self._changed

    async def settle(self, host: str, port: int, method: str) -> None:
        """Ask about a host and wait for the answer, or for the time to be over. Asks nobody twice at a time."""
        key = (host, port)
        if not self.asks(host) or key in self._refused or self._grants.allows_next(host, port):
            return
        self._tidy()
        found = self._open.get(key) or self._new(key, method)
        held = sum(one.question.waiting for one in self._open.values())
        if found is None or held >= MAX_HELD or time.time() >= found.question.waits_until:
            return
        self._hold(found, 1)
        try:
            with anyio.move_on_after(found.question.waits_until - time.time()):
                await found.settled.wait()
        finally:
            self._hold(found, -1)

    def decide(self, number: int, answer: Answer, seconds: float | None = None) -> Pattern:
        """Carry out the user's answer and let the requests go on; what `always` needs beside it is the caller's.

        Raises `UsageError` where there is no such question (any more).
        """
        key, one = next(((k, o) for k, o in self._open.items() if o.question.id == number), (None, None))
        if key is None or one is None:
            raise UsageError(f"question {number} is not open (any more); `vibedom approve` lists those that are")
        pattern = _pattern(*key)
        if answer == "no":
            self._refused.add(key)
        elif answer == "once":
            for _ in range(max(1, one.question.waiting)):
                self._grants.allow_once(pattern, ONCE_SECONDS if seconds is None else seconds)
        else:
            self._grants.add(pattern, seconds=seconds)
        self._settle(key)
        return pattern

    def renew(self, hosts: HostPolicy) -> None:
        """The policy has changed: what it allows or denies now is no question any more."""
        self._refused = {key for key in self._refused if hosts.decide(*key).reason == "not-listed"}
        for key in [key for key in self._open if hosts.decide(*key).reason != "not-listed"]:
            self._settle(key)

    def close(self) -> None:
        """Ask nothing any more; what waits is judged as it is. For the end of the session and for a pause."""
        self._is_closed = True
        for key in list(self._open):
            self._settle(key)

    def reopen(self) -> None:
        """After a pause."""
        self._is_closed = False

    def _new(self, key: tuple[str, int], method: str) -> _Open | None:
        if len(self._open) >= MAX_QUESTIONS:
            return None
        self._last_id += 1
        now = time.time()
        question = Question(
            id=self._last_id,
            host=key[0],
            port=key[1],
            method=method,
            asked_at=now,
            waits_until=now + self._wait_seconds,
            waiting=0,
        )
        self._open[key] = _Open(question)
        self._tell()
        return self._open[key]

    def _hold(self, one: _Open, change: int) -> None:
        one.hold(change)
        self._tell()

    def _settle(self, key: tuple[str, int]) -> None:
        one = self._open.pop(key, None)
        if one is not None:
            one.settled.set()
            self._tell()

    def _tidy(self) -> None:
        """Forget questions nobody answered: those that may be asked again, and those that are old."""
        now = time.time()
        for key, one in list(self._open.items()):
            is_over = now >= one.question.waits_until + min(SHOWN_SECONDS, REPEAT_SECONDS)
            if is_over and one.question.waiting == 0:
                self._settle(key)

    def _tell(self) -> None:
        changed, self._changed = self._changed, anyio.Event()
        changed.set()


class AskingJudge:
    """The topology's `judge` with the question before it."""

    def __init__(self, judge: Judge, approvals: Approvals, hosts: Callable[[], HostPolicy]) -> None:
        self._judge = judge
        self._approvals = approvals
        self._hosts = hosts

    async def __call__(self, captured: Captured) -> Judged:
        target = captured.target
        if captured.step in ("connect", "request") and captured.trouble is None and target.mismatch is None:
            is_asked = self._approvals.asks(target.host)
            if is_asked and self._hosts().decide(target.host, target.port).reason == "not-listed":
                method = captured.request.method if captured.request else ""
                await self._approvals.settle(target.host, target.port, method if method.isalpha() else "")
        return await self._judge(captured)


def _pattern(host: str, port: int) -> Pattern:
    """The narrowest pattern that allows it: the host on its usual ports, or the host on that port."""
    shown = f"[{host}]" if ":" in host else host
    return parse_pattern(shown if port in (80, 443) else f"{shown}:{port}", source="session")
