"""Secrets that are known by their value, and which values are worth to be looked for."""

import re
from collections.abc import Mapping, Sequence

from pipeline.scrubber.entropy import shannon_entropy

CANARY = "canary "
"""How the names of values begin that are fakes, planted to be stolen: their findings have a class of their own."""
MIN_VALUE_BYTES = 8
MAX_VALUE_BYTES = 16 * 1024
_LONG_BYTES = 20
_LONG_ENTROPY = 3.0
_SHORT_ENTROPY = 2.5
_SEPARATORS = re.compile(rb"[-_./:,\s]+")
_SYMBOL = re.compile(rb"[^\w./:,\s-]")


class ExactValues:
    """Literal secrets by name. They are in memory only: the representation tells how many there are."""

    def __init__(
        self, values: Mapping[str, bytes] | Sequence[tuple[str, bytes]], *, min_bytes: int = MIN_VALUE_BYTES
    ) -> None:
        """Values that would match what is no secret (`is_distinctive`) are left out."""
        pairs = values.items() if isinstance(values, Mapping) else values
        taken: dict[bytes, str] = {}
        left_out = []
        for name, value in pairs:
            if is_distinctive(value, min_bytes=min_bytes):
                taken.setdefault(value, name)
            else:
                left_out.append(name)
        self._values = tuple((name, value) for value, name in taken.items())
        self.left_out = tuple(left_out)
        """Names of the values that are not looked for."""

    def __len__(self) -> int:
        return len(self._values)

    def __repr__(self) -> str:
        return f"ExactValues({len(self._values)} values, {len(self.left_out)} left out)"

    def __reduce__(self) -> str:
        raise TypeError("exact values stay in the memory of one process")

    def reveal(self) -> tuple[tuple[str, bytes], ...]:
        """Names and values, for the matcher."""
        return self._values


def is_distinctive(value: bytes, *, min_bytes: int = MIN_VALUE_BYTES) -> bool:
    """Whether `value` is unlikely to stand in a text for another reason than being this secret.

    At least `min_bytes` (8) and at most 16 KiB long, and either 20 bytes or longer with more than 3 bits of entropy a
    byte, or more than 2.5 bits and: a symbol that words, versions, paths and host names do not have, or a part (between
    separators) that mixes letters and digits: two changes between them, or three digits. So `true`, `development`,
    `us-east-1`, `localhost:3000`, `server01` and `2026-01-31` are never looked for.
    """
    if not min_bytes <= len(value) <= MAX_VALUE_BYTES or b"[REDACTED" in value:
        return False
    entropy = shannon_entropy(value)
    if len(value) >= _LONG_BYTES:
        return entropy > _LONG_ENTROPY
    return entropy > _SHORT_ENTROPY and _is_mixed(value)


def _is_mixed(value: bytes) -> bool:
    if _SYMBOL.search(value):
        return True
    for part in _SEPARATORS.split(value):
        runs = re.findall(rb"[0-9]+|[^0-9]+", part)
        digits = sum(len(run) for run in runs if run.isdigit())
        if len(runs) >= 3 or (len(runs) == 2 and digits >= 3):
            return True
    return False
