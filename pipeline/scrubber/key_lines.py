"""Private keys that no armour announces: lines of base64, and PuTTY's format. Where one may go on in the next line."""

import re

_BASE64 = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/="
_MIN_LINE_BYTES, _MAX_LINE_BYTES = 40, 100
_MAX_BLOCK_BYTES = 16 * 1024
"""Longer blocks of base64 lines are attachments, not keys."""
_PUTTY_MARK = b"Private-Lines: "
_PUTTY_LINE_BYTES = 20
_PUTTY_END = re.compile(rb"Private-(?:MAC|Hash): [0-9a-f]{40,64}")


def open_key_lines(data: bytes, start: int, held: int) -> int:
    """Where in `data[start:held]` lines begin that may be the first of a key, or `held`."""
    line = data.rfind(b"\n", start, held) + 1
    if not line:
        return held
    above = data.rfind(b"\n", start, line - 1) + 1
    if not above:
        above = start
    if b" " in data[above:line].strip(b" ") and not data.startswith(_PUTTY_MARK, above):
        return held
    putty = data.rfind(_PUTTY_MARK, max(0, start - _PUTTY_LINE_BYTES), held)  # that line may have left before the key
    if putty >= 0 and len(data) - putty <= _MAX_BLOCK_BYTES and not _PUTTY_END.search(data, putty):
        return max(start, putty)
    if data[line:held].strip(b" \t>|"):
        return held
    first = line
    while first > start and (above := _base64_line(data, start, first)) >= 0:
        first = above
    return first if first < line and len(data) - first <= _MAX_BLOCK_BYTES else held


def _base64_line(data: bytes, start: int, end: int) -> int:
    """Where the line begins that ends at `end`, if it is one of base64; else -1."""
    above = max(start, data.rfind(b"\n", start, end - 1) + 1)
    if not _MIN_LINE_BYTES <= end - above <= _MAX_LINE_BYTES + 2:
        return -1
    text = data[above:end].strip(b" \t\r\n>|")
    return -1 if len(text) < _MIN_LINE_BYTES or text.translate(None, _BASE64) else above
