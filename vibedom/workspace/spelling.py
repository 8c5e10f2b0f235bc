"""Paths as text: a lossless spelling for files on disk, and a harmless one for terminals.

A path is any bytes without NUL. In memory it is a `str` made by `os.fsdecode` (surrogate escapes for bytes that are no
UTF-8), which neither JSON nor a terminal takes.
"""

import os
import re
import unicodedata

_ESCAPE = re.compile(rb"\\(\\|x[0-9a-f]{2})")


def spell(path: str) -> str:
    """`path` as Unicode: `\\` is doubled, a byte that is no UTF-8 becomes `\\xNN`. `unspell` reverses it."""
    if path.isascii() and "\\" not in path:
        return path
    return os.fsencode(path).replace(b"\\", b"\\\\").decode("utf-8", "backslashreplace")


def unspell(text: str) -> str:
    """The path that `spell` turned into `text`."""
    if "\\" not in text:
        return text
    return os.fsdecode(_ESCAPE.sub(_unescape, text.encode()))


def _unescape(match: re.Match[bytes]) -> bytes:
    token = match.group(1)
    return token if token == b"\\" else bytes.fromhex(token[1:].decode())


def visible(text: str) -> str:
    """`text` with everything a terminal or a reader could be fooled by written as an escape: control characters, bidi
    marks, invisible and unassigned characters, surrogate escapes. Tabs and spaces stay."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(character if _is_harmless(character) else _escaped(character) for character in text)


def _is_harmless(character: str) -> bool:
    return character == "\t" or unicodedata.category(character)[0] not in "CZ" or character == " "


def _escaped(character: str) -> str:
    code = ord(character)
    if 0xDC80 <= code <= 0xDCFF:  # one byte that is no UTF-8
        return f"\\x{code - 0xDC00:02x}"
    return character.encode("unicode_escape").decode() if code >= 0x100 or code < 0x20 else f"\\x{code:02x}"
