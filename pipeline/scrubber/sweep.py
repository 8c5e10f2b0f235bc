"""One rule's way through a text: what its matches are, and where the next may begin."""

from pipeline.scrubber.accept import Acceptor
from pipeline.scrubber.match import Match
from pipeline.scrubber.pattern import Groups

_TURNS = 1.5
"""So often what a chain of matches adds may be gone over again, in which each begins within the one before."""
_TAIL_BYTES = 64
"""So much of a match may be gone over again besides all of it."""


class Sweep:
    """Judges the matches of one rule in the order of their starts; `found` are its findings.

    To the letter, the next match begins behind the end of one, as in Go. Otherwise it may begin within one: a value
    ends where a byte says so that another reader takes for a part of it, and may have the next value's keyword in it;
    so may one that is no secret at all. What lies within a secret is none of its own, and where nothing announces a
    rule's matches but what they are made of, neither is the end of what has been judged already.
    """

    def __init__(self, acceptor: Acceptor, data: bytes, path: bytes | None) -> None:
        self.found: list[Match] = []
        self._acceptor = acceptor
        self._data = data
        self._path = path
        self._far = 0  # where the matches end that overlap the last one
        self._judged = 0  # where the last secret ends that none within it is judged beside
        self._credit = 0

    def take(self, groups: Groups) -> int:
        """Judges a match; gives where the search for the next begins, which is behind its start."""
        start, end = groups[0]
        acceptor = self._acceptor
        secret = acceptor.secret(self._data, groups)
        far = self._far
        if start >= far:
            is_found = self._judge(groups, secret)
            self._credit = end - start + _TAIL_BYTES
            self._far = end if end > start else end + 1
        else:
            is_found = secret[1] > self._judged and self._judge(groups, secret)
            self._credit -= end - start
            if end > far:
                self._credit += int(_TURNS * (end - far))
                self._far = end
        if acceptor.is_strict or (is_found and not acceptor.plan.is_announced):
            return self._far
        resumed = secret[0] if secret[0] > start else self._behind_lead(start, end)
        # What the credit does not pay for is passed over: what is near the end is of more use, a value may follow.
        paid = self._far - self._credit if self._credit > 0 else self._far
        return resumed if resumed > paid else paid

    def _judge(self, groups: Groups, secret: tuple[int, int]) -> bool:
        match = self._acceptor.judge(self._data, groups[0], secret, self._path)
        if match is not None:
            self.found.append(match)
            self._judged = secret[1]
            return True
        if not self._acceptor.plan.is_announced and secret[1] > self._judged:
            self._judged = secret[1]
        return False

    def _behind_lead(self, start: int, end: int) -> int:
        """What begins with a run of bytes begins nowhere else in it."""
        lead = self._acceptor.plan.lead
        run = end - len(self._data[start:end].lstrip(lead)) if lead else 0
        return max(run, start + 1)
