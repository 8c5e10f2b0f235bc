"""What a program prints for a terminal, as it is seen there: `grep --color` cuts a token in two where its words match.

The marks (ECMA-48 section 5.4, colours and erasing) may be bytes, or written as JSON and shells write them.
"""

import re

from pipeline.scrubber.view import View

MARK = rb"\\(?:u001[bB]|x1[bB]|033|e)\[[0-9;]{0,24}[mK]"
"""A regex that says whether there is any in an escaped form, in the syntax that Hyperscan and `re` share."""
ESCAPE = b"\x1b"
_MARKS = re.compile(rb"(?:\x1b|\\{1,4}(?:u001[bB]|x1[bB]|033|e))\[[0-9;]{0,24}[mK]")


def uncoloured(data: bytes) -> bytes:
    """`data` without these marks: for a look whether a view of it is worth its price."""
    return _MARKS.sub(b"", data)


def coloured_view(data: bytes) -> View:
    """A view of `data` without them."""
    return View(data, ((*match.span(), b"") for match in _MARKS.finditer(data)))
