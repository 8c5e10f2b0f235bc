"""A regex as a tree over bytes, free of flags: what rules are rewritten, measured and searched as."""

from collections.abc import Callable
from functools import lru_cache, reduce
from operator import or_
from typing import NamedTuple

ALL_BYTES = (1 << 256) - 1


class Set(NamedTuple):
    """One byte out of a set; bit i of `mask` stands for byte i."""

    mask: int


class Cat(NamedTuple):
    """One after the other; none is the empty text."""

    items: tuple["Node", ...]


class Alt(NamedTuple):
    """The first that leads to a match."""

    choices: tuple["Node", ...]


class Rep(NamedTuple):
    """`low` to `high` times (None: without limit), as many as possible where `is_greedy`."""

    item: "Node"
    low: int
    high: int | None
    is_greedy: bool = True


class Group(NamedTuple):
    """A capture; the first has number 1."""

    item: "Node"
    number: int


class Look(NamedTuple):
    """A claim about a place: `\\A`, `\\z`, `(?m:^)`, `(?m:$)`, `\\b` or `\\B`."""

    kind: str


Node = Set | Cat | Alt | Rep | Group | Look
EMPTY = Cat(())
BOUNDARY = Look(r"\b")
END = Look(r"\z")


def byte_set(members: bytes) -> Set:
    """The set of `members`."""
    mask = 0
    for member in members:
        mask |= 1 << member
    return Set(mask)


def literal(text: bytes) -> Cat:
    """`text` itself."""
    return Cat(tuple(Set(1 << byte) for byte in text))


@lru_cache(maxsize=4096)
def members(node: Set) -> bytes:
    """The bytes of a set, ascending."""
    return bytes(byte for byte in range(256) if node.mask >> byte & 1)


def children(node: Node) -> tuple[Node, ...]:
    match node:
        case Cat(items):
            return items
        case Alt(choices):
            return choices
        case Rep(item) | Group(item):
            return (item,)
    return ()


def width(node: Node) -> tuple[int, int | None]:
    """Fewest and most bytes that a match of `node` has; None where there is no limit."""
    match node:
        case Set():
            return 1, 1
        case Cat(items):
            sizes = [width(item) for item in items]
            most = [high for _, high in sizes]
            return sum(low for low, _ in sizes), None if None in most else sum(high or 0 for high in most)
        case Alt(choices):
            sizes = [width(choice) for choice in choices]
            most = [high for _, high in sizes]
            return min(low for low, _ in sizes), None if None in most else max(high or 0 for high in most)
        case Rep(item, low, high, _):
            least, greatest = width(item)
            return (
                least * low,
                0 if greatest == 0 or high == 0 else None if high is None or greatest is None else greatest * high,
            )
        case Group(item):
            return width(item)
    return 0, 0


def union(node: Node) -> int:
    """The mask of all bytes that a match of `node` can have in it."""
    return reduce(or_, map(union, children(node)), node.mask if isinstance(node, Set) else 0)


def outside_runs(node: Node) -> tuple[int, int]:
    """Most bytes of a match that no repeat without limit takes, and the mask of bytes that such repeats can take."""
    match node:
        case Set():
            return 1, 0
        case Rep(item, _, None):
            return 0, union(item)
        case Rep(item, _, int(high)):
            most, run = outside_runs(item)
            return most * high, run
    parts = [outside_runs(child) for child in children(node)]
    sizes = [most for most, _ in parts]
    return (max(sizes, default=0) if isinstance(node, Alt) else sum(sizes)), reduce(or_, (run for _, run in parts), 0)


def to_text(node: Node) -> str:
    """The tree in the syntax that RE2, Go and Hyperscan share; ASCII only."""
    match node:
        case Set(mask):
            return _set_text(mask)
        case Cat(items):
            return "".join(to_text(item) for item in items)
        case Alt(choices):
            return "(?:" + "|".join(to_text(choice) for choice in choices) + ")"
        case Rep(item, low, high, is_greedy):
            return _atom(item) + _times(low, high) + ("" if is_greedy else "?")
        case Group(item):
            return "(" + to_text(item) + ")"
        case Look(kind):
            return kind
    raise AssertionError(node)


def _atom(item: Node) -> str:
    text = to_text(item)
    return text if isinstance(item, Set | Alt | Group) else f"(?:{text})"


def _times(low: int, high: int | None) -> str:
    plain = {(0, 1): "?", (0, None): "*", (1, None): "+"}.get((low, high))
    if plain:
        return plain
    return f"{{{low}}}" if low == high else f"{{{low},{'' if high is None else high}}}"


@lru_cache(maxsize=4096)
def _set_text(mask: int) -> str:
    if mask == ALL_BYTES:
        return r"[\x00-\xff]"
    if mask == 0:
        return r"[^\x00-\xff]"
    if mask & (mask - 1) == 0:
        return _byte_text(mask.bit_length() - 1)
    if mask.bit_count() > 128:
        return "[^" + _ranges_text(ALL_BYTES & ~mask) + "]"
    return "[" + _ranges_text(mask) + "]"


def _ranges_text(mask: int) -> str:
    parts = []
    byte = 0
    while byte < 256:
        if mask >> byte & 1:
            first = byte
            while byte < 255 and mask >> (byte + 1) & 1:
                byte += 1
            parts.append(_byte_text(first) if first == byte else f"{_byte_text(first)}-{_byte_text(byte)}")
        byte += 1
    return "".join(parts)


def _byte_text(byte: int) -> str:
    char = chr(byte)
    return char if char.isascii() and char.isalnum() else f"\\x{byte:02x}"


def map_tree(node: Node, change: Callable[[Node], Node]) -> Node:
    """`node` with `change` applied to every part, children first."""
    match node:
        case Cat(items):
            node = Cat(tuple(map_tree(item, change) for item in items))
        case Alt(choices):
            node = Alt(tuple(map_tree(choice, change) for choice in choices))
        case Rep(item, low, high, is_greedy):
            node = Rep(map_tree(item, change), low, high, is_greedy)
        case Group(item, number):
            node = Group(map_tree(item, change), number)
    return change(node)
