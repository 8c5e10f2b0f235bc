"""Whether something may be written between two pieces of a program's terminal output without breaking what it says."""

import re

_STRING_START = re.compile(rb"\x1b[]PX^_]")
_UNFINISHED = re.compile(rb"\x1b(?:\[[0-?]*[ -/]*|[ -/]*)?\Z")
_TAIL_BYTES = 64
_END_OF_STRING = (b"\x07", b"\x1b\\", b"\x9c", b"\x18", b"\x1a")


class TerminalState:
    """Follows the output. Looks at the ends of pieces only, so that a flood costs nothing."""

    def __init__(self) -> None:
        self._held = b""

    def saw(self, data: bytes) -> None:
        """The next piece of output."""
        text = self._held + data
        self._held = text[-_TAIL_BYTES:]
        starts = list(_STRING_START.finditer(text))
        if starts and not any(text.find(end, starts[-1].end()) >= 0 for end in _END_OF_STRING):
            # A title or a clipboard, not ended yet: its start is kept, however long it gets.
            self._held = starts[-1].group() + text[starts[-1].end() :][-1:]

    @property
    def is_plain(self) -> bool:
        """Neither in an escape sequence nor in a character."""
        start = _STRING_START.search(self._held)
        if start and not any(self._held.find(end, start.end()) >= 0 for end in _END_OF_STRING):
            return False
        return not _UNFINISHED.search(self._held) and not _is_cut(self._held)


def _is_cut(text: bytes) -> bool:
    """Whether `text` ends within a UTF-8 character."""
    for length in range(1, min(4, len(text)) + 1):
        byte = text[-length]
        if byte & 0xC0 == 0x80:
            continue
        needed = 4 if byte >= 0xF0 else 3 if byte >= 0xE0 else 2 if byte >= 0xC0 else 1
        return needed > length
    return False
