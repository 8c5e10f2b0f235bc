"""Which bytes at the end of a text may be the beginning of a secret, and have to wait for what comes next.

Only the secret has to wait, not the words that announce it: those may leave, and are kept as context for matching.
"""

import re
from collections.abc import Callable

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
_NUMBER_START = re.compile(rb"(?<![0-9A-Za-z_])[0-9(+]")
_SUSPECT_DIGITS = 6
_KEYWORD = re.compile(rb"(?i)pass|pwd|secret|token|key|auth|cred|bearer|basic|api|://")
_ANNOUNCES = re.compile(rb"(?i)(?:pass|pwd|secret|token|key|auth|cred|bearer|basic|api)[^\n]{0,40}\Z")
_OPENS = re.compile(
    rb"(?i)(?:pass|pwd|secret|token|key|auth|cred|bearer|basic|api)[^\n]{0,40}?[=:>,(][ \t]{0,5}[\\]{0,4}\Z"
)
_ANNOUNCE_BYTES = 64
_SUSPECT = re.compile(
    rb"\b(?:[a-z]{2,10}_[A-Za-z0-9]|(?:sk|pk|rk|xox[a-z]|xapp|glpat|pypi|gsk)-|A[KS]IA|AIza|eyJ|ya29\.|SG\.|hvs\.|EAA|AT[AC]TT)"
    rb"|-----|://[^\s/]*:|(?:pass|pwd|secret|token|key|auth)[\w-]{0,20}[=:]|\d{6}",
    re.ASCII,
)


Hold = Callable[[bytes, int], int]
"""Gives the first byte of `data[start:]` that has to wait; `len(data)` where none has to."""


def hold_words(data: bytes, start: int) -> int:
    """The last word waits as a whole: for bodies, where a little later is no matter."""
    return _held(data, start, _whole_word, 1)


def hold_tokens(data: bytes, start: int) -> int:
    """Only what may be a token waits: for text that comes in small steps (chat deltas) and is to leave as it comes."""
    return _held(data, start, _token_start, 1)


def hold_suspects(data: bytes, start: int) -> int:
    """Only what looks like a secret already waits: for strings of which nobody knows whether they are continued."""
    return _held(data, start, _suspect_start, _SUSPECT_DIGITS)


def _held(data: bytes, start: int, word_start: Callable[[bytes, int], int], min_digits: int) -> int:
    end = len(data)
    if data[-1:] == b"\n":
        return end
    floor = max(start, end - HOLD_BACK_BYTES)
    word = max(floor, max([data.rfind(space, floor) for space in _SPACES]) + 1)
    held = word_start(data, word) if word < end else end
    held = min(held, _number_start(data, floor, min_digits), _quote_start(data, start))
    while start < held < end and 0x80 <= data[held] < 0xC0:  # never within a UTF-8 character
        held -= 1
    return held


def is_token_run(data: bytes, start: int) -> bool:
    """Whether `data[start:]` is one unbroken token."""
    return not data[start:].translate(None, TOKEN_BYTES)


def _whole_word(data: bytes, word: int) -> int:
    return word


def _token_start(data: bytes, word: int) -> int:
    """Where the last token of the last word begins; the word's own beginning where a password may hold anything."""
    last = data[word:]
    token = word + len(last.rstrip(TOKEN_BYTES))
    if token == word or _KEYWORD.search(last) or _ANNOUNCES.search(data, max(0, word - _ANNOUNCE_BYTES), word):
        return word
    return token


def _suspect_start(data: bytes, word: int) -> int:
    """As `_token_start`, where the word begins like a known token or a keyword announces it; else the end."""
    start = _token_start(data, word)
    if _SUSPECT.search(data, start) or _OPENS.search(data, max(0, start - _ANNOUNCE_BYTES), start):
        return start
    return len(data)


def _number_start(data: bytes, floor: int, min_digits: int) -> int:
    """Where a number at the end begins that may go on after a separator: cards, phone and social security numbers."""
    last = data[max(floor, len(data) - _NUMBER_HOLD_BYTES) :]
    rest = last.rstrip(_NUMBER_BYTES)
    if len(rest) == len(last):
        return len(data)
    first = _NUMBER_START.search(last, len(rest))
    if first is None or len(last) - first.start() < min_digits:
        return len(data)
    return len(data) - len(last) + first.start()


def _quote_start(data: bytes, start: int) -> int:
    """Where a quoted value at the end begins that a keyword announces and that is still open on this line."""
    end = len(data)
    line = max(0, end - HOLD_BACK_BYTES, data.rfind(b"\n", max(0, end - HOLD_BACK_BYTES)) + 1)
    openers = [data.rfind(mark, line) for mark in _QUOTES]
    opened = [at for at in openers if at >= 0 and _OPENS.search(data, max(0, at - _ANNOUNCE_BYTES), at)]
    return max(start, min(opened) + 1) if opened else end
