"""Tells people how far an apply or an undo is."""

from collections import Counter
from collections.abc import Callable

from vibedom.workspace.changes import NOTIFY_EVERY, Notify

_DONE = ("removed", "made", "put", "mode")


class ApplyProgress:
    """Takes the events of an `apply` (of `total` changes) or an `undo`, and says every now and then how far it is.

    `check` is called at each event and may end it, by raising: once, so that what was done can be taken back.
    """

    def __init__(self, notify: Notify, total: int = 0, check: Callable[[], None] = lambda: None) -> None:
        self._notify, self._total, self._check = notify, total, check
        self._is_ended = False
        self._counts: Counter[str] = Counter()
        self.has_spoken = False

    def __call__(self, event: str) -> None:
        self._heed()
        self._counts[event] += 1
        if self._counts.total() % NOTIFY_EVERY == 0:
            self.has_spoken = True
            self._notify(self._text())

    def _heed(self) -> None:
        if self._is_ended:
            return
        self._is_ended = True
        self._check()
        self._is_ended = False

    def _text(self) -> str:
        done = sum(self._counts[event] for event in _DONE)
        if not done and not self._counts["staged"]:
            return f"keeping what is replaced: {self._counts['backed up']:,} files"
        ahead = self._counts["staged"] - self._counts["put"]
        verb, of = ("applying", f" of {self._total:,}") if self._total else ("taking back", "")
        return f"{verb}: {done:,}{of} changes" + (f", {ahead:,} more are written" if ahead else "")
