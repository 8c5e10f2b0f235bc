"""What the matches of a rule begin with: a word that announces them, or any of many bytes."""

from pipeline.scrubber.literal_trigger import LITERAL_BYTES, literal_triggers
from pipeline.scrubber.regex_tree import Alt, Cat, Group, Node, Rep, Set, children, members, width
from pipeline.scrubber.words import flattened, joined_words, language

_SPELLINGS = 2
"""A set of no more bytes is one letter in both its cases."""


def is_announced(tree: Node, groups: tuple[int, ...]) -> bool:
    """A word stands in front of the secret in every match, or the secret begins with one: so another match begins only
    where the word is again. `groups` as in a plan."""
    before, secret = _before(tree, groups)
    return bool(literal_triggers(Cat(tuple(before)))) or (secret is not None and _begins_with_word(secret))


def lead_bytes(tree: Node) -> bytes:
    """Bytes of which a match may begin with any number: where it begins with one of them, it could begin with the next
    as well. None where it begins otherwise."""
    mask = 0
    for item in flattened((tree,)):
        if not mask and width(item)[0] == 0:
            continue
        part = item.item if isinstance(item, Rep) else item
        if not isinstance(part, Set) or part.mask.bit_count() <= _SPELLINGS:
            break
        mask |= part.mask
    return members(Set(mask))


def _before(node: Node, groups: tuple[int, ...]) -> tuple[list[Node], Node | None]:
    """What stands in front of the first of `groups` and what that is, where every match of `node` has it."""
    if not groups or (isinstance(node, Group) and node.number in groups):
        return [], node
    if isinstance(node, Alt):
        return [], None
    items: list[Node] = []
    for child in children(node):
        inner, secret = _before(child, groups)
        if secret is not None:
            return items + inner, secret
        items.append(child)
    return [], None


def _begins_with_word(node: Node) -> bool:
    if isinstance(node, Alt):
        return all(map(_begins_with_word, node.choices))
    items = flattened((node,))
    run = frozenset((b"",))
    for item in items:
        part = language(item)
        joined = None if part is None else joined_words(run, part)
        if joined is None:
            break
        run = joined
    if run == {b""} and items and isinstance(items[0], Alt):
        return _begins_with_word(items[0])
    return min(map(len, run)) >= LITERAL_BYTES
