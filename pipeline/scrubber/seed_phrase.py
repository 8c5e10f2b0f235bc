"""The seed phrase of a wallet: words like any others, which only their number and what stands before them give away."""

import re

_WINDOW_BYTES = 320
"""Twenty-four words of eight letters with a separator after each, and what announces them."""
_NAMES = (b"mnemonic", b"phrase")
_OPEN = re.compile(
    rb"(?i)(?:mnemonic|(?:seed|recovery)[_ -]?phrase)\\{0,4}[\"']?\s{0,3}[=:]\s{0,3}\\{0,4}[\"']?"
    rb"((?:[a-z]{3,8}(?:\s|\\{1,4}[nrt])){0,24}[a-z]{0,8}\\{0,4})\Z"
)


def phrase_start(data: bytes, start: int) -> int:
    """Where the first word of an announced phrase begins that may go on after `data`, not before `start`; `len(data)`
    where there is none."""
    end = len(data)
    near = max(0, end - _WINDOW_BYTES)
    lowered = data[near:].lower()
    if not any(name in lowered for name in _NAMES):
        return end
    found = _OPEN.search(data, near)
    return max(start, found.start(1)) if found else end
