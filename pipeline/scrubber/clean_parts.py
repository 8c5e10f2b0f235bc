"""Which parts of heads hold nothing: remembered, because the same client says the same words each time."""

import threading
from collections.abc import Callable

from pipeline.events import Action
from pipeline.scrubber.model import RuleInfo
from pipeline.scrubber.scrubber import Scrubber

MAX_REMEMBERED, LONGEST_BYTES = 256, 2048
"""Parts of each kind, and bytes of each; what is longer is looked at every time."""


class CleanParts:
    """Answers whether nothing is found in a part of a head, whatever the policy would say about a find."""

    def __init__(self, scrubber: Scrubber) -> None:
        self._scrubber = scrubber
        self._texts = _Memory(self._text)
        self._targets = _Memory(self._target)
        self._values = _Memory(self._value)

    def text(self, text: bytes) -> bool:
        """Of text without structure."""
        return self._texts(text)

    def target(self, path: bytes) -> bool:
        """Of a request target."""
        return self._targets(path)

    def value(self, name: bytes, value: bytes) -> bool:
        """Of the value of a header or trailer, whose name is in lower case."""
        return self._values(name, value)

    def _text(self, text: bytes) -> bool:
        return not self._scrubber.text(text, scrub_all, location="").hits

    def _target(self, path: bytes) -> bool:
        return not self._scrubber.target(path, scrub_all).hits

    def _value(self, name: bytes, value: bytes) -> bool:
        return not self._scrubber.header(name.decode("latin-1"), value, scrub_all).hits


class _Memory:
    """Remembers what is clean, and forgets what is not: no secret stays in memory for this. Thread-safe."""

    def __init__(self, look: Callable[..., bool]) -> None:
        self._look = look
        self._clean: dict[tuple[bytes, ...], None] = {}
        self._lock = threading.Lock()

    def __call__(self, *part: bytes) -> bool:
        if part in self._clean:
            return True
        is_clean = self._look(*part)
        if is_clean and sum(map(len, part)) <= LONGEST_BYTES:
            with self._lock:
                self._clean[part] = None
                if len(self._clean) > MAX_REMEMBERED:
                    del self._clean[next(iter(self._clean))]
        return is_clean


def scrub_all(_: RuleInfo) -> Action:
    """The choice that keeps nothing: for questions about what is there."""
    return "scrub"
