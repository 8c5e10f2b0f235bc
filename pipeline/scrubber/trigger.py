"""What announces a match: a simpler pattern, or literals, that stand in every match near its start."""

from typing import Literal

import msgspec

Shelf = Literal["literal", "words", "signs", "runs", "numbers"]
"""What wakes it: a literal (caseless); a pattern with a literal in it; a pattern with a sign that few bodies have; a
pattern with neither; a long number, looked for only where there is any."""


class Trigger(msgspec.Struct, frozen=True, array_like=True):
    """Where it ends, a match began between `nearest` and `farthest` bytes before (None: anywhere before)."""

    text: str
    """A pattern for Hyperscan, or a literal in lower case."""
    nearest: int
    farthest: int | None
    shelf: Shelf = "words"
    once: bool = False
    """Only the first is told, and matches begin anywhere: of a literal of one letter there may be one at every byte."""
    sign: str = ""
    """A byte without which there is no match."""
