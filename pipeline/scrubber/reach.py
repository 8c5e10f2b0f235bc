"""How far the matches of a regex can reach."""

import msgspec

from pipeline.scrubber.regex_tree import Node, Set, members, outside_runs, width

PROBE_BYTES = 4096
"""How far is looked for an end of a match that has no greatest width."""


class Reach(msgspec.Struct, frozen=True, kw_only=True):
    """`widest`: bytes of the longest match, None where there is no limit. Then a match can still have no more than
    `outside` bytes that are not in `run`, which tells where it must have ended."""

    widest: int | None
    outside: int = 0
    run: bytes = b""

    def limit(self, data: bytes, last: int, size: int) -> int | None:
        """An offset that no match passes which begins at `last` or before, or None where none is near."""
        if self.widest is not None:
            return min(size, last + self.widest)
        if len(self.run) == 256:
            return None  # no byte is outside of it: there is nothing to count
        end = min(size, last + PROBE_BYTES)
        return end if len(data[last:end].translate(None, self.run)) > self.outside else None


def reach_of(tree: Node) -> Reach:
    """The reach of `tree`."""
    widest = width(tree)[1]
    if widest is not None:
        return Reach(widest=widest)
    outside, run = outside_runs(tree)
    return Reach(widest=None, outside=outside, run=members(Set(run)))
