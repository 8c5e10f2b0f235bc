"""The quoted local part of an e-mail address: words like any others, which only the domain behind them gives away."""

import re

_BACKSLASH = 0x5C
_TAIL_BYTES = 1024
"""The longest name, each byte of it escaped, and the longest domain."""
_QUOTE = rb"(?:\"|\\++(?:\"|u0022|x22)|&(?:amp;)?(?:quot|#0{0,5}34|#[xX]0{0,4}22);|%(?:25)?22)"
_UNIT = (
    rb"(?>[^\"\\\r\n@&%]|\\++(?:u[0-9a-fA-F]{4}|x[0-9a-fA-F]{2}|[^\r\n])"
    rb"|&(?:amp;)?(?:#[0-9]{1,7}|#[xX][0-9a-fA-F]{1,6}|quot|apos|amp|lt|gt);"
    rb"|%(?:25)?[0-9a-fA-F]{2}|[&%])"
)
_MAY_END = _QUOTE + rb"(?:" + _UNIT + rb"){0,72}+\\*+\Z"
_HAS_ENDED = _QUOTE + rb"(?:" + _UNIT + rb"){1,72}?" + _QUOTE + rb"(?:[@&%\\][\w.%&;#\\-]{0,600})?\Z"
"""A name that may still end, or one that has ended and may still get its domain. The name has 62 characters at most;
the rest is for the beginning of an escape."""
_OPEN = re.compile(_MAY_END)
_OPEN_OR_ENDED = re.compile(_MAY_END + rb"|" + _HAS_ENDED)
_BEHIND_NAME = b'0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_.%&;#\\-@"'
_QUOTE_ENDS = (b"%22", b"%2522", b"0022", b"x22")
"""What a spelled quote ends with, where that is no semicolon."""
_SHORTEST_BYTES = 72 + len(b"&amp;#x000022;")
"""Of a name with its quote and 72 units that are one byte each."""
_LONGER_BYTES = ((b"\\", 5), (b"&", 13), (b"%", 4))
"""How much longer a unit or a quote is with one of these in it, for each of them."""


def quoted_name_start(data: bytes, start: int) -> int:
    """Where the quote stands that opens a name which may go on after `data`, not before `start`; `len(data)` where
    there is none."""
    end = len(data)
    line = max(data.rfind(b"\n", end - _TAIL_BYTES if end > _TAIL_BYTES else 0), end - _TAIL_BYTES, -1) + 1
    tail = data[line:]
    # The pattern is slow, so it is given no more than it can match.
    longest = _SHORTEST_BYTES + sum(tail.count(sign) * extra for sign, extra in _LONGER_BYTES)
    behind = tail[len(tail.rstrip(_BEHIND_NAME)) :]
    if _has_quote(behind):
        found = _OPEN_OR_ENDED.search(data, max(line, end - len(behind) - longest))
    elif _has_quote(tail[-longest:]):
        found = _OPEN.search(data, max(line, end - longest, _last_quote(data, line)))
    else:
        return end
    return max(start, found.start()) if found else end


def _has_quote(text: bytes) -> bool:
    """False where there is none, in no spelling."""
    if b'"' in text or b";" in text:
        return True
    return b"22" in text and any(end in text for end in _QUOTE_ENDS)


def _last_quote(data: bytes, first: int) -> int:
    """Where the last quote without a backslash before it is, or `first`: no name goes on over it."""
    at = data.rfind(b'"', first)
    while at > first and data[at - 1] == _BACKSLASH:
        at = data.rfind(b'"', first, at)
    return max(at, first)
