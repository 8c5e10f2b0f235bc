"""Escapes that hide what a secret looks like: JSON and source code, percent-encoding, character references.

Only those the engine cannot see through by itself: it knows an escaped quote, newline or tab. The low line is
Markdown's and LaTeX's, in which `snake\\_case` and tokens are written so.
"""

import re
from collections.abc import Callable, Iterator
from typing import Literal

from pipeline.scrubber.view import View

Kind = Literal["unicode", "control", "hex", "percent", "numeric", "named"]

LEXEMES: dict[Kind, bytes] = {
    "unicode": rb"\\u[0-9a-fA-F]{4}",
    "control": rb"\\[/bf_]",
    "hex": rb"\\x[0-9a-fA-F]{2}",
    "percent": rb"%[0-9a-fA-F]{2}",
    "numeric": rb"&#(?:[0-9]{1,7}|[xX][0-9a-fA-F]{1,6});",
    "named": rb"&(?:quot|apos|amp|lt|gt);",
}
"""Regexes that say whether there is anything to decode, in the syntax that Hyperscan and `re` share."""

# Backslashes may be doubled any number of times: that is JSON in a JSON string. A run of \u escapes is one match only
# as far as it holds no ASCII, so that a secret spelled in escapes can be cut out of the text beside it.
_LEXEME = re.compile(
    rb"%([0-9a-fA-F]{2})"
    rb"|\\\\*+(?:(u(?!00[0-7])[0-9a-fA-F]{4}(?:\\++u(?!00[0-7])[0-9a-fA-F]{4})*+)"
    rb"|u00([0-7][0-9a-fA-F])|x([0-9a-fA-F]{2})|([/bf_]))"
    rb"|&(?:#([0-9]{1,7})|#[xX]([0-9a-fA-F]{1,6})|(quot|apos|amp|lt|gt));"
)
_QUOTING = re.compile(rb"\\++([\"'nrt\\])")
_CONTROLS = {b"n": b"\n", b"r": b"\r", b"t": b"\t", b"b": b"\b", b"f": b"\f"}
_BYTES = {b"%02x" % n: bytes([n]) for n in range(256)}
_NAMED = {b"quot": b'"', b"apos": b"'", b"amp": b"&", b"lt": b"<", b"gt": b">"}


def decode_lexemes(data: bytes) -> View:
    """A view of `data` with every escape decoded once."""
    return View(data, _stretches(data))


def meant(secret: bytes) -> bytes:
    """`secret` without the backslash escapes it was sent with: what its fingerprint is taken of."""
    if b"\\" not in secret:
        return secret
    unescaped = _QUOTING.sub(lambda match: _CONTROLS.get(match[1], match[1]), secret)
    return _LEXEME.sub(lambda match: _decoded(match) if match[0].startswith(b"\\") else match[0], unescaped)


def _stretches(data: bytes) -> Iterator[tuple[int, int, bytes]]:
    for match in _LEXEME.finditer(data):
        start, end = match.span()
        yield start, end, _decoded(match)


def _decoded(match: re.Match[bytes]) -> bytes:
    group = match.lastindex or 0
    return _DECODERS[group](match[group])


def _byte(digits: bytes) -> bytes:
    return _BYTES[digits.lower()]


def _wide(escapes: bytes) -> bytes:
    """Escapes beyond ASCII as UTF-8. A lone surrogate becomes the replacement character."""
    units = bytes.fromhex(escapes.translate(None, b"\\u").decode())
    return units.decode("utf-16-be", "replace").encode()


def _code_point(number: int) -> bytes:
    if number > 0x10FFFF or 0xD800 <= number < 0xE000:
        return b"\xef\xbf\xbd"
    return chr(number).encode()


_DECODERS: dict[int, Callable[[bytes], bytes]] = {
    1: _byte,
    2: _wide,
    3: _byte,
    4: _byte,
    5: lambda letter: _CONTROLS.get(letter, letter),
    6: lambda digits: _code_point(int(digits)),
    7: lambda digits: _code_point(int(digits, 16)),
    8: _NAMED.__getitem__,
}
