"""trusted_domains.txt: one rule a line, `#` comments, `!` denies, `@` is a group."""

from collections.abc import Iterator
from typing import NamedTuple


class Line(NamedTuple):
    """One rule as written."""

    source: str
    """`trusted_domains.txt:12`."""
    word: str
    """A pattern or `@group`."""
    is_denied: bool


def parse_lines(text: str, *, name: str) -> Iterator[Line]:
    """The rules of a file's text, in order. A `#` at the start or after a blank begins a comment."""
    for number, line in enumerate(text.removeprefix("\ufeff").split("\n"), start=1):
        rule = _without_comment(line).strip()
        if rule:
            yield Line(f"{name}:{number}", rule.removeprefix("!").strip(), rule.startswith("!"))


def _without_comment(line: str) -> str:
    for index, character in enumerate(line):
        if character == "#" and (index == 0 or line[index - 1].isspace()):
            return line[:index]
    return line
