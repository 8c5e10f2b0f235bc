"""One accepted match of one rule, before overlaps are resolved."""

from typing import NamedTuple


class Match(NamedTuple):
    """Bytes `start:end` match `rule` (an index into the rule set), bytes `secret_start:secret_end` are the secret."""

    rule: int
    start: int
    end: int
    secret_start: int
    secret_end: int
