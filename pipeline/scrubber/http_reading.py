"""Rewrites a rule's regex for text as HTTP bodies carry it: escaped quotes, other delimiters, several to a line.

Five changes, none of which makes a rule match less: what they let begin, end and stand between is written out here.
"""

import msgspec

from pipeline.scrubber.regex_tree import (
    ALL_BYTES,
    BOUNDARY,
    END,
    Alt,
    Cat,
    Group,
    Look,
    Node,
    Rep,
    Set,
    byte_set,
    children,
    map_tree,
    members,
    width,
)

_HEX = byte_set(b"0123456789abcdefABCDEF")
_BACKSLASH = byte_set(b"\\")
_PERCENT = byte_set(b"%")
_QUOTES = byte_set(b"\"'").mask
_BLANKS = byte_set(b" \t\r\n\x0b\f").mask
_WORD = byte_set(b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_").mask
_TOKEN = _WORD | byte_set(b"-+/=").mask
"""Bytes that go on with a token; every other byte ends it."""

_UNICODE_ESCAPE = Cat((byte_set(b"u"), byte_set(b"0"), byte_set(b"0"), _HEX, _HEX))
_ESCAPED_FRONT = Alt(
    (Cat((_BACKSLASH, Alt((byte_set(b"abfnrtv"), _UNICODE_ESCAPE)))), Cat((_PERCENT, byte_set(b"2345"), _HEX)))
)
r"""`\n`, `\u003d` or `%22`: ends in a letter or digit, so that no `\b` stands behind it."""
_FRONT = Alt((BOUNDARY, _ESCAPED_FRONT))
_DELIMITERS = Set(ALL_BYTES & ~_TOKEN)
_ESCAPED_QUOTE = Cat((Rep(_BACKSLASH, 1, 4), byte_set(b"\"'nrt")))
_ESCAPED_BLANK = Cat((Rep(_BACKSLASH, 1, 4), byte_set(b"nrt")))
_ENCODED_QUOTE = Cat((_PERCENT, byte_set(b"2"), byte_set(b"027")))
_WIDE_GAP = 64


class HttpRegex(msgspec.Struct, frozen=True):
    """A rewritten regex; `groups` are those that may hold the secret, in order of choice (none: the whole match)."""

    tree: Node
    groups: tuple[int, ...]
    prefix: tuple[int, bytes] = (0, b"")
    """Bytes that the regex takes in front of `tree`: how many at most, and out of which."""


def rewrite(tree: Node, secret_group: int) -> HttpRegex:
    """The reading of `tree` for HTTP bodies. `secret_group` as in the rule: 0 for the first that matched something."""
    captured = group_items(tree)
    prefix, tree = _without_prefix(tree)
    front, core, end = _parts(tree)
    if not captured:
        # The whole match is the secret: what is added around it must stay outside.
        groups: tuple[int, ...] = (1,) if front or end else ()
        core = Group(core, 1) if groups else core
    else:
        groups = _secret_groups(captured, secret_group)
        if any(group in _repeated_groups(tree) for group in groups):
            groups = ()  # a group in a repeat holds its last turn only, and the secret is all of them
    return HttpRegex(Cat((*front, _with_gaps(_with_quotes(core)), *end)), groups, prefix)


def _without_prefix(tree: Node) -> tuple[tuple[int, bytes], Node]:
    """A lazy repeat at the front, which may be empty, only moves the start of a match: it is taken off. (Searching for
    it costs most of the time, and the secret is elsewhere.)"""
    match tree:
        case Cat((Rep(Set() as item, 0, int(high), False), *rest)) if group_items(Cat(tuple(rest))):
            return (high, members(item)), Cat(tuple(rest))
    return (0, b""), tree


def _parts(tree: Node) -> tuple[tuple[Node, ...], Node, tuple[Node, ...]]:
    r"""What stands for a `\b` at the front, the rest, and what stands for a list of delimiters at the end."""
    front: tuple[Node, ...] = ()
    rest = _without_boundary(tree)
    if rest is not None:
        front, tree = (_FRONT,), rest
    if isinstance(tree, Cat) and len(tree.items) > 1 and _is_delimiter_list(tree.items[-1]):
        return front, Cat(tree.items[:-1]), (_widened(tree.items[-1]),)
    return front, tree, ()


def group_items(tree: Node) -> dict[int, Node]:
    """The captures of `tree` by index."""
    found: dict[int, Node] = {}
    if isinstance(tree, Group):
        found[tree.number] = tree.item
    for child in children(tree):
        found |= group_items(child)
    return found


def _secret_groups(captured: dict[int, Node], secret_group: int) -> tuple[int, ...]:
    if secret_group:
        return (secret_group,)
    # A first group that can only be one of a few words is the keyword, not the secret.
    telling = tuple(index for index in sorted(captured) if not _is_words(captured[index]))
    return telling or tuple(sorted(captured))


def _is_words(node: Node) -> bool:
    if isinstance(node, Set):
        return node.mask.bit_count() <= 2
    if isinstance(node, Rep) and node.high != 1:
        return False
    return all(_is_words(child) for child in children(node))


def _repeated_groups(tree: Node) -> set[int]:
    found = set(group_items(tree.item)) if isinstance(tree, Rep) and tree.high != 1 else set()
    for child in children(tree):
        found |= _repeated_groups(child)
    return found


def _without_boundary(tree: Node) -> Node | None:
    r"""`tree` without the `\b` it begins with, or None where it begins otherwise."""
    match tree:
        case Look(r"\b"):
            return Cat(())
        case Cat(items) if items:
            first = _without_boundary(items[0])
            return None if first is None else Cat((first, *items[1:]))
        case Group(item, number):
            inner = _without_boundary(item)
            return None if inner is None else Group(inner, number)
        case Alt(choices):
            stripped = [_without_boundary(choice) for choice in choices]
            return None if None in stripped else Alt(tuple(choice for choice in stripped if choice is not None))
    return None


def _widened(node: Node) -> Node:
    """A list of delimiters as "whatever does not go on with a token"."""
    choices = node.choices if isinstance(node, Alt) else (node,)
    mask = _DELIMITERS.mask
    for choice in choices:
        mask |= choice.mask if isinstance(choice, Set) else 0
    return Alt((Set(mask), END))


def _is_delimiter_list(node: Node) -> bool:
    choices = node.choices if isinstance(node, Alt) else (node,)
    sets = [choice for choice in choices if isinstance(choice, Set)]
    return all((width(choice)[1] or 0) <= 2 for choice in choices) and any(
        choice.mask & _QUOTES and choice.mask & _BLANKS and not choice.mask & _WORD for choice in sets
    )


def _with_quotes(tree: Node) -> Node:
    r"""Outside of captures, a quote may be escaped and a blank may be a written `\n`."""
    match tree:
        case Group():
            return tree
        case Cat(items):
            return Cat(tuple(_with_quotes(item) for item in items))
        case Alt(choices):
            return Alt(tuple(_with_quotes(choice) for choice in choices))
        case Rep(item, low, high, is_greedy):
            return Rep(_with_quotes(item), low, high, is_greedy)
        case Set(mask) if not mask & _WORD and mask.bit_count() <= 20:
            if mask & _QUOTES:
                return Alt((tree, _ESCAPED_QUOTE, _ENCODED_QUOTE))
            if (mask & _BLANKS).bit_count() > 1:
                return Alt((tree, _ESCAPED_BLANK))
    return tree


def _with_gaps(tree: Node) -> Node:
    """A wide gap in front of the secret takes the nearest end: on a line that holds several, each is found."""

    def lazy(node: Node) -> Node:
        if isinstance(node, Rep) and _is_gap(node):
            return node._replace(is_greedy=False)
        return node

    if not isinstance(tree, Cat):
        return tree
    firsts = next((i for i, item in enumerate(tree.items) if group_items(item)), 0)
    return Cat(tuple(map_tree(item, lazy) if i < firsts else item for i, item in enumerate(tree.items)))


def _is_gap(node: Rep) -> bool:
    is_wide = node.high is None or node.high > _WIDE_GAP
    return is_wide and isinstance(node.item, Set) and b" " in members(node.item) and node.item.mask.bit_count() > 64
