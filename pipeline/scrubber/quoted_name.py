"""The quoted local part of an e-mail address: words like any others, which only the domain behind them gives away."""

import re

_TAIL_BYTES = 1024
"""The longest name, each byte of it escaped, and the longest domain."""
_QUOTE = rb"(?:\"|\\++(?:\"|u0022|x22)|&(?:amp;)?(?:quot|#0{0,5}34|#[xX]0{0,4}22);|%(?:25)?22)"
_UNIT = (
    rb"(?>\\++(?:u[0-9a-fA-F]{4}|x[0-9a-fA-F]{2}|[^\r\n])"
    rb"|&(?:amp;)?(?:#[0-9]{1,7}|#[xX][0-9a-fA-F]{1,6}|quot|apos|amp|lt|gt);"
    rb"|%(?:25)?[0-9a-fA-F]{2}|[^\"\\\r\n@])"
)
_OPEN = re.compile(
    _QUOTE + rb"(?:" + _UNIT + rb"){0,72}+\\*+\Z"
    rb"|" + _QUOTE + rb"(?:" + _UNIT + rb"){1,72}?" + _QUOTE + rb"(?:[@&%\\][\w.%&;#\\-]{0,600})?\Z"
)
"""A name that may still end, or one that has ended and may still get its domain. The name has 62 characters at most;
the rest is for the beginning of an escape."""


def quoted_name_start(data: bytes, start: int) -> int:
    """Where the quote stands that opens a name which may go on after `data`, not before `start`; `len(data)` where
    there is none."""
    end = len(data)
    line = max(data.rfind(b"\n", end - _TAIL_BYTES if end > _TAIL_BYTES else 0), end - _TAIL_BYTES, -1) + 1
    found = _OPEN.search(data, line)
    return max(start, found.start()) if found else end
