"""Private keys whose header is spelled in escapes or in base64: where one is open.

What a whole body is decoded from has to wait in a stream as the plain text does: up to as many layers deep.
"""

import re
from collections.abc import Collection, Iterator

from pipeline.scrubber.base64_text import base64_view
from pipeline.scrubber.flatten import BACKSLASHED, flatten
from pipeline.scrubber.hints import Hints, hint_finder
from pipeline.scrubber.key_block import HEADER_MARK, open_key_block
from pipeline.scrubber.lexeme import Kind, decode_lexemes
from pipeline.scrubber.search import LAYERS
from pipeline.scrubber.view import View

_CUT_ESCAPE = re.compile(rb"(?:%(?:25)*[0-9a-fA-F]?|\\++(?:u[0-9a-fA-F]{0,3}|x[0-9a-fA-F]?)?|&[#a-zA-Z0-9]{0,9})\Z")
_LONGEST_CUT = 24
"""Bytes of an escape that the end of the data may cut, with a few doubled marks."""
_CUT_MARK = re.compile(rb"(?i)(?:-{1,5}|-----B(?:E(?:GI?)?)?)\Z")
_LONGEST_MARK = len(b"-----BEGI")
_NOTHING = Hints((), prose=False, base64=False)


def open_spelled_key(data: bytes, start: int, patience: int, hints: Hints) -> int:
    """Where in `data[start:]` the header of a private key begins that has no footer yet; `len(data)` where none does.
    `hints` are those of all of `data`.

    The plain header is not looked for, but for one that the beginning of an escape interrupts at the end.
    """
    text = data[start:]
    if hints == _NOTHING and not _may_be_cut(text):
        return len(data)
    found = _open(text, hints, LAYERS, patience)
    return start + found if found >= 0 else len(data)


def _may_be_cut(text: bytes) -> bool:
    return HEADER_MARK in text and _CUT_ESCAPE.search(text, max(0, len(text) - _LONGEST_CUT)) is not None


def _open(text: bytes, hints: Hints, layers: int, patience: int) -> int:
    """As `open_key_block`, in `text` and in what it decodes to."""
    cut = _CUT_ESCAPE.search(text, max(0, len(text) - _LONGEST_CUT))
    whole = text[: cut.start()] if cut else text
    found = [open_key_block(whole, 0, patience)]
    if layers < LAYERS and (mark := _cut_mark(whole)):
        found.append(mark.start())
    if layers:
        found += (_open_below(view, layers - 1, patience) for view in _views(whole, hints, layers))
    return min((at for at in found if at >= 0), default=-1)


def _cut_mark(text: bytes) -> re.Match[bytes] | None:
    return _CUT_MARK.search(text, max(0, len(text) - _LONGEST_MARK))


def _open_below(view: View, layers: int, patience: int) -> int:
    at = _open(view.data, hint_finder()(view.data) if layers else _NOTHING, layers, patience)
    return view.raw_span(at, at + 1)[0] if at >= 0 else -1


def _views(text: bytes, hints: Hints, layers: int) -> Iterator[View]:
    if hints.lexemes and _is_worth(flatten(text, hints.lexemes), hints.lexemes, layers):
        yield decode_lexemes(text)
    if hints.base64:
        yield base64_view(text)


def _is_worth(flat: bytes | None, kinds: Collection[Kind], layers: int) -> bool:
    """Whether there may be a header in what was made `flat` quickly."""
    if flat is None or HEADER_MARK in flat or _cut_mark(flat):
        return True
    below = hint_finder()(flat)
    if layers > 1 and (below.lexemes or below.base64):
        return True
    return not BACKSLASHED.isdisjoint(kinds) and not BACKSLASHED.isdisjoint(below.lexemes)
