"""What a program prints for a terminal or a page, as it is seen there: `grep --color` cuts a token in two where its
words match, and web pages and chats put characters of no width into long words.

The marks (ECMA-48 section 5.4, colours and erasing; links as terminals take them) may be bytes, or, but for the links,
written as JSON and shells write them.
"""

import re

from pipeline.scrubber.view import View

MARK = rb"\\(?:u001[bB]|x1[bB]|033|e)\[[0-9;]{0,24}[mK]"
"""A regex that says whether there is any in an escaped form, in the syntax that Hyperscan and `re` share."""
ESCAPE = b"\x1b"
_NO_WIDTH = (
    rb"(?:\xe2\x80[\x8b-\x8f\xaa-\xae]|\xe2\x81[\xa0-\xaf]|\xc2\xad|\xef\xbb\xbf|\xcd\x8f|\xef\xb8[\x80-\x8f]"
    rb"|\xf3\xa0[\x80-\x87][\x80-\xbf]|\xed\xad\x80\xed[\xb0\xb1][\x80-\xbf])"
)
"""Soft hyphens, joiners, marks of direction, selectors and tags, as UTF-8 (tags as pairs of surrogates, too)."""
INVISIBLE = rb"[0-9A-Za-z_-]" + _NO_WIDTH + rb"{1,8}[0-9A-Za-z_-]"
"""A regex that says whether there is any in a word, in the syntax that Hyperscan and `re` share. No word of ASCII has
any that a writer meant, but for emoji beside it, which are not of ASCII."""
_IN_WORD = rb"(?<=[0-9A-Za-z_-].)%b" + _NO_WIDTH + rb"{0,7}(?=[0-9A-Za-z_-])"
# Each branch begins with one byte: then `re` passes over all others, a hundred times faster than it tries the branches.
_MARKS = re.compile(
    rb"\x1b(?:\[[0-9;]{0,24}[mK]|\]8;[\x20-\x7e]{0,2048}(?:\x07|\x1b\\))"
    rb"|\\\\{0,3}(?:u001[bB]|x1[bB]|033|e)\[[0-9;]{0,24}[mK]"
    + b"".join(
        b"|" + first + _IN_WORD % rest
        for first, rest in (
            (rb"\xe2", rb"(?:\x80[\x8b-\x8f\xaa-\xae]|\x81[\xa0-\xaf])"),
            (rb"\xc2", rb"\xad"),
            (rb"\xef", rb"(?:\xbb\xbf|\xb8[\x80-\x8f])"),
            (rb"\xcd", rb"\x8f"),
            (rb"\xf3", rb"\xa0[\x80-\x87][\x80-\xbf]"),
            (rb"\xed", rb"\xad\x80\xed[\xb0\xb1][\x80-\xbf]"),
        )
    )
)


def uncoloured(data: bytes) -> bytes:
    """`data` without these marks: for a look whether a view of it is worth its price."""
    return _MARKS.sub(b"", data)


def coloured_view(data: bytes) -> View:
    """A view of `data` without them."""
    return View(data, ((*match.span(), b"") for match in _MARKS.finditer(data)))
