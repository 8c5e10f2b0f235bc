"""Scrubs text that is still being written, whole lines at a time."""

import re
from collections import Counter

from pipeline.scrubber.model import default_choose
from pipeline.scrubber.scrubber import Scrubber

HOLD_BYTES = 1 << 20
"""A line longer than this is not waited for any longer."""
KEY_BYTES = 1 << 16
"""Nor is the end of a private key that is longer than this; what there is of it is scrubbed."""

_BLOCK = re.compile(rb"-----(BEGIN|END) [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----")
_TOKEN_END = re.compile(rb"[\s\"'<>,;&|]")
_TAIL_BYTES = 4096


class LineFilter:
    """Takes text in chunks of any size; gives back each line, scrubbed, as soon as it is whole.

    A private key is held until its last line is there.
    """

    def __init__(self, scrubber: Scrubber) -> None:
        self.counts: Counter[str] = Counter()
        """Secrets found so far, by rule."""
        self._scrubber = scrubber
        self._held = b""

    def feed(self, chunk: bytes) -> bytes:
        """What is ready after `chunk` came."""
        self._held += chunk
        ready = _ready(self._held)
        text, self._held = self._held[:ready], self._held[ready:]
        return self._scrub(text)

    def finish(self) -> bytes:
        """The rest, when no chunk follows."""
        text, self._held = self._held, b""
        return self._scrub(text)

    def _scrub(self, text: bytes) -> bytes:
        if not text:
            return text
        result = self._scrubber.text(text, default_choose, location="text")
        self.counts.update(hit.rule.id for hit in result.hits)
        return result.data


def _ready(text: bytes) -> int:
    """Bytes at the front of `text` that need not wait for what follows."""
    end = text.rfind(b"\n") + 1
    blocks = list(_BLOCK.finditer(text, 0, end))
    if blocks and blocks[-1][1] == b"BEGIN" and end - blocks[-1].start() <= KEY_BYTES:
        end = text.rfind(b"\n", 0, blocks[-1].start()) + 1
    if len(text) - end <= HOLD_BYTES:
        return end
    # Not at the end of the text, which may be the middle of a secret.
    ends = [match.end() for match in _TOKEN_END.finditer(text, len(text) - _TAIL_BYTES)]
    return ends[-1] if ends else len(text)
