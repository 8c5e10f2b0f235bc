"""Where a span may be cut without tearing an escape or a character apart."""

import re

_INSIDE = re.compile(rb"(?:\\u[0-9a-fA-F]{0,3}|\\x[0-9a-fA-F]?|%[0-9a-fA-F]?|&[#0-9A-Za-z]{0,8})\Z")
_WHOLE = re.compile(
    rb"\\u[0-9a-fA-F]{4}|\\x[0-9a-fA-F]{2}|%[0-9a-fA-F]{2}"
    rb"|&(?:#[0-9]{1,7}|#[xX][0-9a-fA-F]{1,6}|quot|apos|amp|lt|gt);"
)
_REST = re.compile(rb"\\*(?:u[0-9a-fA-F]{4}|x[0-9a-fA-F]{2}|[abfnrtv\"'/0_])?")
_MARK = re.compile(rb"[\\%&\x80-\xff]")
"""Most edges have nothing near them that could be torn."""
_LONGEST = 10
_BACKSLASH = 0x5C


def whole_escapes(data: bytes, start: int, end: int) -> tuple[int, int]:
    """`start:end` made smaller so that neither edge lies inside an escape or a UTF-8 character.

    A run of backslashes stays together with what it escapes, however long it is: whether `\\\\n` is a backslash and an
    `n` or a line break in JSON in a JSON string cannot be told from here, and cutting outside of it is right for both.
    """
    if _MARK.search(data, max(0, start - _LONGEST), start + 1):
        start = _start(data, start)
    if _MARK.search(data, max(start, end - _LONGEST), end + 1):
        end = _end(data, start, end)
    return start, end


def _start(data: bytes, at: int) -> int:
    if at and data[at - 1] == _BACKSLASH:
        rest = _REST.match(data, at)
        return rest.end() if rest else at
    inside = _INSIDE.search(data, max(0, at - _LONGEST + 1), at)
    escape = _WHOLE.match(data, inside.start()) if inside else None
    if escape and escape.end() > at:
        return escape.end()
    character = _character(data, at)
    return character[1] if character else at


def _end(data: bytes, start: int, at: int) -> int:
    inside = _INSIDE.search(data, max(start, at - _LONGEST + 1), at)
    if inside and _WHOLE.match(data, inside.start()):
        at = inside.start()
    character = _character(data, at)
    if character:
        at = max(start, character[0])
    while at > start and data[at - 1] == _BACKSLASH:
        at -= 1
    return at


def _character(data: bytes, at: int) -> tuple[int, int] | None:
    """Start and end of the UTF-8 character that `at` cuts in two, or None."""
    if at >= len(data) or data[at] & 0xC0 != 0x80:
        return None
    first = at - 1
    while first >= 0 and at - first < 4 and data[first] & 0xC0 == 0x80:
        first -= 1
    if first < 0 or data[first] < 0xC2 or data[first] > 0xF4:
        return None
    end = first + (2 if data[first] < 0xE0 else 3 if data[first] < 0xF0 else 4)
    try:
        data[first:end].decode()
    except UnicodeDecodeError:
        return None
    return (first, end) if end > at else None
