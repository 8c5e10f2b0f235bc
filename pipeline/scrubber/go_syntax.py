"""Reads Go's regexp syntax (RE2's, as package regexp/syntax has it) into a tree over bytes."""

from pipeline.scrubber.go_classes import (
    LAST,
    PERL,
    POSIX,
    Ranges,
    class_node,
    folded,
    negated,
    normal,
    unicode_class,
)
from pipeline.scrubber.regex_tree import EMPTY, END, Alt, Cat, Group, Look, Node, Rep

MAX_REPEAT = 1000
"""Go and RE2 refuse a greater count."""
MAX_DEPTH = 250

_CONTROLS = {"a": 7, "f": 12, "t": 9, "n": 10, "r": 13, "v": 11}


class GoSyntaxError(ValueError):
    """The text is no Go regexp; the message says why and where."""


def parse_go(text: str) -> Node:
    """The tree of `text`. Raises GoSyntaxError."""
    return _Parser(text).parse()


class _Flags:
    """The flags in force, which end with their group."""

    def __init__(self, letters: str = "") -> None:
        self.letters = frozenset(letters)

    def changed(self, on: str, off: str) -> "_Flags":
        return _Flags("".join((self.letters | set(on)) - set(off)))

    def __contains__(self, letter: str) -> bool:
        return letter in self.letters


class _Parser:
    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0
        self.groups = 0
        self.depth = 0
        self.flags = _Flags()

    def parse(self) -> Node:
        node = self._alternation()
        if self.at < len(self.text):
            raise self._error("unmatched )")
        return node

    def _error(self, reason: str) -> GoSyntaxError:
        return GoSyntaxError(f"{reason} at character {self.at + 1}")

    def _peek(self, text: str) -> bool:
        return self.text.startswith(text, self.at)

    def _take(self, text: str) -> bool:
        if not self._peek(text):
            return False
        self.at += len(text)
        return True

    def _next(self) -> str:
        if self.at >= len(self.text):
            raise self._error("unexpected end")
        self.at += 1
        return self.text[self.at - 1]

    def _alternation(self) -> Node:
        choices = [self._sequence()]
        while self._take("|"):
            choices.append(self._sequence())
        return choices[0] if len(choices) == 1 else Alt(tuple(choices))

    def _sequence(self) -> Node:
        items: list[Node] = []
        while self.at < len(self.text) and self.text[self.at] not in "|)":
            if self._take("\\Q"):
                items.extend(self._quoted())
                if items:
                    items.append(self._repeated(items.pop()))
                continue
            flags_only, item = self._atom()
            if not flags_only:
                items.append(self._repeated(item))
        return items[0] if len(items) == 1 else Cat(tuple(items))

    def _quoted(self) -> list[Node]:
        end = self.text.find("\\E", self.at)
        quoted = self.text[self.at :] if end < 0 else self.text[self.at : end]
        self.at = len(self.text) if end < 0 else end + 2
        return [self._char(ord(char)) for char in quoted]

    def _repeated(self, item: Node) -> Node:
        """`item` with the repeat operator after it, if there is one."""
        bounds = self._bounds()
        if bounds is None:
            return item
        lazy = self._take("?")
        low, high = bounds
        repeat = Rep(item, low, high, lazy == ("U" in self.flags))
        if self._bounds() is not None:
            raise self._error("repeat of a repeat")
        return repeat

    def _bounds(self) -> tuple[int, int | None] | None:
        for operator, bounds in (("*", (0, None)), ("+", (1, None)), ("?", (0, 1))):
            if self._take(operator):
                return bounds
        if not self._peek("{"):
            return None
        end = self.text.find("}", self.at)
        low, comma, high = self.text[self.at + 1 : max(end, 0)].partition(",")
        if end < 0 or not _is_number(low) or not (high == "" or _is_number(high)):
            return None
        least = int(low)
        most = least if not comma else int(high) if high else None
        if least > MAX_REPEAT or (most is not None and (most > MAX_REPEAT or most < least)):
            raise self._error("bad repeat count")
        self.at = end + 1
        return least, most

    def _atom(self) -> tuple[bool, Node]:
        char = self._next()
        if char == "(":
            return self._parenthesis()
        if char in "*+?":
            raise self._error("nothing to repeat")
        if char == "[":
            return False, self._class()
        if char == ".":
            return False, class_node(((0, LAST),) if "s" in self.flags else negated(((10, 10),)))
        if char == "^":
            return False, Look("(?m:^)" if "m" in self.flags else r"\A")
        if char == "$":
            return False, Look("(?m:$)" if "m" in self.flags else r"\z")
        if char == "\\":
            return False, self._escape()
        return False, self._char(ord(char))

    def _char(self, point: int) -> Node:
        one: Ranges = ((point, point),)
        return class_node(folded(one) if "i" in self.flags else one)

    def _parenthesis(self) -> tuple[bool, Node]:
        """A group, or flags for the rest of the group that stands around them."""
        index, outer = 0, self.flags
        if not self._take("?"):
            self.groups += 1
            index = self.groups
        elif self._take("P<") or self._take("<"):
            name, _, _ = self.text[self.at :].partition(">")
            if not name.isidentifier() and not name.isalnum():
                raise self._error("bad name of a group")
            self.at += len(name) + 1
            self.groups += 1
            index = self.groups
        elif self._flags():
            return True, EMPTY
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise self._error("nested too deeply")
        inner = self._alternation()
        if not self._take(")"):
            raise self._error("missing )")
        self.depth -= 1
        self.flags = outer
        return False, Group(inner, index) if index else inner

    def _flags(self) -> bool:
        """Takes `flags)` or `flags:` and sets them; True for the first."""
        on, off, is_off = "", "", False
        while (char := self._next()) not in ":)":
            if char == "-" and not is_off:
                is_off = True
            elif char in "imsU":
                on, off = (on, off + char) if is_off else (on + char, off)
            else:
                raise self._error("unknown flag or look-around, which RE2 has not")
        self.flags = self.flags.changed(on, off)
        return char == ")"

    def _escape(self) -> Node:
        char = self._next()
        if char in "bB":
            return Look("\\" + char)
        if char == "A":
            return Look(r"\A")
        if char == "z":
            return END
        ranges = self._named_class(char)
        if ranges is not None:
            return class_node(folded(ranges) if "i" in self.flags and char in "pP" else ranges)
        return self._char(self._code_point(char))

    def _named_class(self, char: str) -> Ranges | None:
        """`\\d` and the like, and `\\p`; `char` is what follows the backslash."""
        if char in "dws":
            return PERL[char]
        if char in "DWS":
            return negated(PERL[char.lower()])
        if char not in "pP":
            return None
        name = self._next()
        if name == "{":
            name, _, _ = self.text[self.at :].partition("}")
            self.at += len(name) + 1
        turned = name.startswith("^") != (char == "P")
        ranges = unicode_class(name.removeprefix("^"))
        if ranges is None:
            raise self._error(f"unknown class \\p{{{name}}}")
        return negated(ranges) if turned else ranges

    def _code_point(self, char: str) -> int:
        """What an escaped character stands for; `char` is what follows the backslash."""
        if char in _CONTROLS:
            return _CONTROLS[char]
        if char == "x":
            digits = self.text[self.at : self.at + 2]
            size = 2
            if self._take("{"):
                digits, _, _ = self.text[self.at :].partition("}")
                size = len(digits) + 1
            if not digits or any(d not in "0123456789abcdefABCDEF" for d in digits) or int(digits, 16) > LAST:
                raise self._error("bad \\x escape")
            self.at += size
            return int(digits, 16)
        if char in "01234567":
            return self._octal(char)
        if char.isascii() and not char.isalnum():
            return ord(char)
        raise self._error(f"unknown escape \\{char}")

    def _octal(self, char: str) -> int:
        digits = char
        while len(digits) < 3 and self.at < len(self.text) and self.text[self.at] in "01234567":
            digits += self._next()
        if char != "0" and len(digits) == 1:
            raise self._error("back reference, which RE2 has not")
        return int(digits, 8)

    def _class(self) -> Node:
        is_negated = self._take("^")
        ranges: list[tuple[int, int]] = []
        is_first = True
        while is_first or not self._take("]"):
            is_first = False
            ranges.extend(self._class_item())
        found = folded(tuple(ranges)) if "i" in self.flags else normal(tuple(ranges))
        return class_node(negated(found) if is_negated else found)

    def _class_item(self) -> Ranges:
        if self._take("[:"):
            name, closed, _ = self.text[self.at :].partition(":]")
            ranges = POSIX.get(name.removeprefix("^"))
            if not closed or ranges is None:
                raise self._error("unknown class [:" + name[:20])
            self.at += len(name) + 2
            return negated(ranges) if name.startswith("^") else ranges
        char = self._next()
        if char == "\\":
            escaped = self._next()
            named = self._named_class(escaped)
            if named is not None:
                return named
            low = self._code_point(escaped)
        else:
            low = ord(char)
        if not self._peek("-") or self.text[self.at + 1 : self.at + 2] in ("]", ""):
            return ((low, low),)
        self.at += 1
        char = self._next()
        high = self._code_point(self._next()) if char == "\\" else ord(char)
        if high < low:
            raise self._error("bad range in a class")
        return ((low, high),)


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit()
