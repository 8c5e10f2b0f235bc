"""Text inside of JSON strings as it was before it was escaped, for rules that need its lines and quotes.

The engine sees through an escaped quote or line break where a token begins and ends. A rule over several lines (a
Kubernetes manifest) or one that pairs quotes (a command line, an e-mail address) needs the text itself.
"""

import re

from pipeline.scrubber.view import View

PROSE = (
    rb"curl[^\r\n\"]{1,200}\\\"",
    rb"wget[^\r\n\"]{1,200}\\\"",
    rb"[kK]ind[^A-Za-z0-9]{1,9}[sS]ecret",
    rb"\\\"@[A-Za-z0-9]",
)
"""Regexes that say whether there is anything such, in the syntax that Hyperscan and `re` share."""

# Both branches begin with one byte: then `re` passes over all others at once.
_MARK = re.compile(rb"(\\\\*+[nrt\"']|\")")
_PLAIN = {b"n": b"\n", b"r": b"\r", b"t": b"\t", b'"': b'"', b"'": b"'"}


def as_prose(data: bytes) -> View:
    """A view of `data` with the common escapes undone, however deep, and each string on lines of its own."""
    parts = _MARK.split(data)
    return View.of_parts(parts, [_PLAIN[mark[-1:]] if len(mark) > 1 else b"\n" for mark in parts[1::2]])
