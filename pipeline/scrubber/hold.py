"""Which bytes at the end of a text may be the beginning of a secret, and have to wait for what comes next.

Only the secret has to wait, not the words that announce it: those may leave, and are kept as context for matching.
"""

import re

HOLD_BACK_BYTES = 512
"""How far from the end a word, a quoted value or a number is held back."""
LONG_MATCH_BYTES = 32 * 1024
"""How far an unbroken token (JWT and kin) or a private key is held back. Beyond it a match is replaced unfinished."""

_BREAKERS = b"\"'`<>{}[](),;"
TOKEN_BYTES = bytes(byte for byte in range(0x21, 0x7F) if byte not in _BREAKERS)
"""What a secret without white space is made of, unless it is a password in a URL, in quotes or after a keyword."""

_SPACES = (b" ", b"\n", b"\t", b"\r")
_QUOTES = (b'"', b"'", b"`")
_NUMBER_BYTES = b"0123456789 \t-().+"
_NUMBER_HOLD_BYTES = 48
"""A card number of 19 digits with a separator after each, and some."""
_NUMBER_START = re.compile(rb"[0-9(+]")
_KEYWORD = re.compile(rb"(?i)pass|pwd|secret|token|key|auth|cred|bearer|basic|api|://")
_ANNOUNCES = re.compile(rb"(?i)(?:pass|pwd|secret|token|key|auth|cred|bearer|basic|api)[^\n]{0,40}\Z")
_OPENS = re.compile(
    rb"(?i)(?:pass|pwd|secret|token|key|auth|cred|bearer|basic|api)[^\n]{0,40}?[=:>,(][ \t]{0,5}[\\]{0,4}\Z"
)
_ANNOUNCE_BYTES = 64


def held_from(data: bytes, start: int, *, is_fine: bool) -> int:
    """The first byte of `data[start:]` that has to wait; `len(data)` where none has to.

    `is_fine` looks into the last word, too: text that comes in small steps (chat deltas) then leaves as soon as it can.
    Without, the last word waits as a whole, which is cheaper.
    """
    end = len(data)
    if data[-1:] == b"\n":
        return end
    floor = max(start, end - HOLD_BACK_BYTES)
    word = max(floor, max([data.rfind(space, floor) for space in _SPACES]) + 1)
    held = _fine_start(data, word) if is_fine and word < end else word
    held = min(held, _number_start(data, floor), _quote_start(data, start))
    while start < held < end and 0x80 <= data[held] < 0xC0:  # never within a UTF-8 character
        held -= 1
    return held


def is_token_run(data: bytes, start: int) -> bool:
    """Whether `data[start:]` is one unbroken token."""
    return not data[start:].translate(None, TOKEN_BYTES)


def _fine_start(data: bytes, word: int) -> int:
    """Where the last token of the last word begins; the word's own beginning where a password may hold anything."""
    last = data[word:]
    token = word + len(last.rstrip(TOKEN_BYTES))
    if token == word or _KEYWORD.search(last) or _ANNOUNCES.search(data, max(0, word - _ANNOUNCE_BYTES), word):
        return word
    return token


def _number_start(data: bytes, floor: int) -> int:
    """Where a number at the end begins that may go on after a separator: cards, phone and social security numbers."""
    last = data[max(floor, len(data) - _NUMBER_HOLD_BYTES) :]
    rest = last.rstrip(_NUMBER_BYTES)
    if len(rest) == len(last):
        return len(data)
    first = _NUMBER_START.search(last, len(rest))
    return len(data) - len(last) + first.start() if first else len(data)


def _quote_start(data: bytes, start: int) -> int:
    """Where a quoted value at the end begins that a keyword announces and that is still open on this line."""
    end = len(data)
    line = max(0, end - HOLD_BACK_BYTES, data.rfind(b"\n", max(0, end - HOLD_BACK_BYTES)) + 1)
    openers = [data.rfind(mark, line) for mark in _QUOTES]
    opened = [at for at in openers if at >= 0 and _OPENS.search(data, max(0, at - _ANNOUNCE_BYTES), at)]
    return max(start, min(opened) + 1) if opened else end
