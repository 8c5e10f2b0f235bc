"""Where the strings of a JSON document are."""

import json
import re

Path = tuple[str | int, ...]
"""Keys and indices from the root."""

_TOKEN = re.compile(rb'("[^"\\]*+(?:\\.[^"\\]*+)*+")([ \t\r\n]*+:)?|[\[\]{},]', re.DOTALL)


def string_places(document: bytes) -> dict[Path, tuple[int, int]]:
    """For each string that is a value its path, and start and end with the quotes. `document` must be JSON; of two
    members with one name the last counts, as for most parsers."""
    places: dict[Path, tuple[int, int]] = {}
    path: list[str | int] = []
    for token in _TOKEN.finditer(document):
        text, colon = token.group(1, 2)
        if text is None:
            _step(path, token[0])
        elif colon is not None:
            path[-1] = string_value(text)
        else:
            places[tuple(path)] = token.span(1)
    return places


def _step(path: list[str | int], mark: bytes) -> None:
    if mark == b"{":
        path.append("")
    elif mark == b"[":
        path.append(0)
    elif mark == b",":
        last = path[-1]
        path[-1] = last + 1 if isinstance(last, int) else ""
    else:
        path.pop()


def string_value(literal: bytes) -> str:
    """The text of a JSON string with its quotes. Bytes that are no UTF-8 are kept as lone surrogates."""
    text = literal.decode("utf-8", "surrogateescape")
    if "\\" not in text:
        return text[1:-1]
    return str(json.loads(text, strict=False))


def string_literal(text: str, like: bytes) -> bytes:
    """`text` as a JSON string with quotes, in ASCII where `like` was, and where it cannot be UTF-8."""
    literal = json.dumps(text, ensure_ascii=like.isascii())
    try:
        return literal.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        return json.dumps(text).encode()
