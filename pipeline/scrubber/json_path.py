"""Where in a JSON document something is, as `$.messages[1].content`: safe to show, whatever the keys hold."""

import re

_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*")
LONGEST_NAME = 64
"""Characters of a name that are shown."""

_OPEN_OBJECT, _OPEN_ARRAY, _COMMA = b"{[,"


def shown_name(raw: bytes) -> str:
    """A key, field or header name for a location: printable, and cut to 64 characters."""
    text = raw.decode("utf-8", "replace")[:LONGEST_NAME]
    return "".join(c if c.isprintable() and c != "\ufffd" else "?" for c in text)


class JsonPath:
    """The place a reader of tokens has come to."""

    def __init__(self, root: str) -> None:
        self._root = root
        self._steps: list[int | bytes] = []
        """For each open bracket the index (array) or the key (object) that the reader is at."""

    def structure(self, byte: int) -> None:
        """The reader has passed one of `{}[],`."""
        if byte == _COMMA:
            if self._steps and isinstance(self._steps[-1], int):
                self._steps[-1] += 1
        elif byte == _OPEN_OBJECT:
            self._steps.append(b"")
        elif byte == _OPEN_ARRAY:
            self._steps.append(0)
        elif self._steps:
            self._steps.pop()

    def key(self, name: bytes) -> None:
        """The reader has passed a key."""
        if self._steps:
            self._steps[-1] = name

    def __str__(self) -> str:
        return self._root + "".join(_step(step) for step in self._steps)


def _step(step: int | bytes) -> str:
    if isinstance(step, int):
        return f"[{step}]"
    name = shown_name(step)
    return f".{name}" if _PLAIN.fullmatch(name) else f'["{name}"]'
