"""Texts that a regex matches, made from its tree: so every rule gets exercised, and no secret is ever written down."""

import random

from pipeline.scrubber.regex_tree import Alt, Cat, Group, Look, Node, Rep, Set, members

_MOST_TURNS = 40
"""Of a repeat without limit or with a high one, beyond its least number."""
_PLAIN = frozenset(b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz")


def sample(node: Node, rng: random.Random) -> bytes:
    """Bytes that `node` matches where what it claims of its surroundings holds. ASCII only."""
    match node:
        case Set():
            return bytes((_byte(node, rng),))
        case Cat(items):
            return b"".join(sample(item, rng) for item in items)
        case Alt(choices):
            return sample(rng.choice(choices), rng)
        case Rep(item, low, high):
            most = low + _MOST_TURNS if high is None else min(high, low + _MOST_TURNS)
            return b"".join(sample(item, rng) for _ in range(rng.randint(low, most)))
        case Group(item):
            return sample(item, rng)
        case Look():
            return b""
    raise AssertionError(node)


def _byte(node: Set, rng: random.Random) -> int:
    """One of the set, letters and digits for preference: a match of a wide class should not be all signs."""
    ascii_members = [byte for byte in members(node) if 0x20 <= byte < 0x7F] or list(members(node))
    plain = [byte for byte in ascii_members if byte in _PLAIN]
    return rng.choice(plain if plain and rng.random() < 0.9 else ascii_members)
