"""Which bytes at the end of a text may be the beginning of a secret, and have to wait for what comes next.

Only the secret has to wait, not the words that announce it: those may leave, and are kept as context for matching.
"""

import re
from collections.abc import Callable

from pipeline.scrubber.given_away import comparison_start, manifest_start
from pipeline.scrubber.quoted_name import quoted_name_start
from pipeline.scrubber.seed_phrase import phrase_start

HOLD_BACK_BYTES = 512
"""How far from the end a word, a quoted value or a number is held back."""
LONG_MATCH_BYTES = 32 * 1024
"""How far an unbroken token (JWT and kin) or a private key is held back. Beyond it a match is replaced unfinished."""

_BREAKERS = b"\"'`<>{}[](),;"
TOKEN_BYTES = bytes(byte for byte in range(0x21, 0x7F) if byte not in _BREAKERS)
"""What a secret without white space is made of, unless it is a password in a URL, in quotes or after a keyword."""

_NEWLINE = 0x0A
_SPACES = b" \t\n\r\x0b\x0c"
_QUOTES = (b'"', b"'", b"`")
_NUMBER_BYTES = b"0123456789 \t-().+"
_NUMBER_HOLD_BYTES = 48
"""A card number of 19 digits with a separator after each, and some."""
_NUMBER_START = re.compile(rb"(?<![0-9A-Za-z_])[0-9(+]")
_KEYWORD = re.compile(rb"(?i)pass|pwd|secret|token|key|auth|cred|bearer|basic|api|://|=")
_ANNOUNCES = re.compile(rb"(?i)(?:pass|pwd|secret|token|key|auth|cred|bearer|basic|api)[^\n]{0,40}\Z")
_OPENS = re.compile(
    rb"(?i)(?:pass|pwd|secret|token|key|auth|cred|bearer|basic|api)[^\n]{0,40}?[=:>,(][ \t]{0,5}[\\]{0,4}\Z"
)
_WIDE = b"\xef\xbc"
"""Begins full-width digits in UTF-8: numbers may be written with them."""
_OPERATORS = frozenset((b"=", b":", b">", b",", b"("))
_BEFORE_OPENER = b"=:>,( \t\\"
_ASSIGNS = re.compile(
    rb"(?i)(?:pass(?:word|wd|phrase)?|pwd|secret|token|key|auth|credentials?)[\"']?[ \t]{0,2}[=:][ \t]{0,3}[\"']?\Z"
)
_BEFORE_COMPARISON = frozenset((b"", b" ", b" =", b" !"))
_ANNOUNCE_BYTES = 64
KNOWN_BEGINNINGS = (
    rb"gh[oprsu]_|github_pat_|glpat-|npm_|pypi-|[rsp]k_(?:live|test)_|[rsp]k-|whsec_|xox[a-z]-|xapp-|hf_|do[opr]_v1_"
    rb"|gl[a-z]{1,3}_|shp[a-z]{2}_|lin_(?:api|oauth)_|dckr_(?:pat|oat)_|r8_|nvapi-|gsk_|sbp_|pscale_|A[KS]IA|AIza|eyJ"
    rb"|ya29\.|SG\.|hvs\.|AT[AC]TT"
)
"""A regex of what known tokens begin with."""
_SUSPECT = re.compile(
    rb"\b(?:" + KNOWN_BEGINNINGS + rb")"
    rb"|-----BEG|://[^\s/:]*:(?![0-9]{1,5}(?:[/?#]|\Z))|(?:pass|pwd|secret|token|key|auth)[\w-]{0,20}[=:]"
    rb"|\A(?=\S*[a-z])(?=\S*[A-Z])(?=\S*[0-9])[\w+/=-]{20}",
    re.ASCII,
)
"""What known tokens begin with, announced values, and what mixes letters and digits like a key."""


Hold = Callable[[bytes, int], int]
"""Gives the first byte of `data[start:]` that has to wait; `len(data)` where none has to."""


def hold_words(data: bytes, start: int) -> int:
    """The last word waits as a whole: for bodies, where a little later is no matter."""
    return _held(data, start, None)


def hold_tokens(data: bytes, start: int) -> int:
    """Only what may be a token waits: for text that comes in small steps (chat deltas) and is to leave as it comes."""
    return _held(data, start, _token_start)


def hold_suspects(data: bytes, start: int) -> int:
    """Only what looks like a secret already waits, and no number: for strings of which nobody knows whether they are
    continued, and where a part that comes late would break what is no chat."""
    return _held(data, start, _suspect_start, is_guess=True)


def _held(data: bytes, start: int, word_start: Callable[[bytes, int], int] | None, *, is_guess: bool = False) -> int:
    # Runs for every chunk, beside an engine that takes microseconds: quick looks decide what is looked at closely.
    end = len(data)
    if end == start:
        return end
    held = phrase_start(data, start)
    if not is_guess:
        held = min(held, manifest_start(data, start))
    if data[-1] == _NEWLINE:
        return held
    floor = end - HOLD_BACK_BYTES if end - start > HOLD_BACK_BYTES else start
    if data[-1] not in _SPACES:
        word = end - len(data[floor:].rsplit(None, 1)[-1])
        held = min(held, word if word_start is None else word_start(data, word))
    if not is_guess:
        held = min(held, quoted_name_start(data, start))
        if data[-1] in _NUMBER_BYTES:
            held = min(held, _number_start(data, floor))
    near = end - HOLD_BACK_BYTES if end > HOLD_BACK_BYTES else 0
    for mark in _QUOTES:
        at = data.rfind(mark, near)
        if at > 0 and data[at - 1] in _BEFORE_OPENER and _is_open(data, at):
            held = min(held, max(start, at + 1))
        elif at > 0 and not is_guess and data[at + 1 : at + 3] in _BEFORE_COMPARISON:
            held = min(held, comparison_start(data, start, at))
    while start < held < end and 0x80 <= data[held] < 0xC0:  # never within a UTF-8 character
        held -= 1
    return held


def is_token_run(data: bytes, start: int) -> bool:
    """Whether `data[start:]` is one unbroken token."""
    return not data[start:].translate(None, TOKEN_BYTES)


def _token_start(data: bytes, word: int) -> int:
    """Where the last token of the last word begins; the word's own beginning where a password may hold anything."""
    last = data[word:]
    token = word + len(last.rstrip(TOKEN_BYTES))
    if (
        token == word
        or _WIDE in last
        or _KEYWORD.search(last)
        or _ANNOUNCES.search(data, max(0, word - _ANNOUNCE_BYTES), word)
    ):
        return word
    return token - 1 if data[token - 1 : token] in _QUOTES else token  # the quotes of some belong to the secret


def _suspect_start(data: bytes, word: int) -> int:
    """As `_token_start`, where the word begins like a known token or a keyword announces it; else the end."""
    start = _token_start(data, word)
    if _SUSPECT.search(data[start:]) or _ASSIGNS.search(data, max(0, start - _ANNOUNCE_BYTES), start):
        return start
    return len(data)


def _number_start(data: bytes, floor: int) -> int:
    """Where a number at the end begins that may go on after a separator: cards, phone and social security numbers."""
    last = data[max(floor, len(data) - _NUMBER_HOLD_BYTES) :]
    rest = last.rstrip(_NUMBER_BYTES)
    if len(rest) == len(last):
        return len(data)
    first = _NUMBER_START.search(last, len(rest))
    return len(data) - len(last) + first.start() if first else len(data)


def _is_open(data: bytes, quote: int) -> bool:
    """Whether a keyword announces the value that this quote opens. It is known to go on to the end, unless the line
    ends before."""
    if data[max(0, quote - 9) : quote].rstrip(b" \t\\")[-1:] not in _OPERATORS or data.find(b"\n", quote) >= 0:
        return False
    return _OPENS.search(data, max(0, quote - _ANNOUNCE_BYTES), quote) is not None
