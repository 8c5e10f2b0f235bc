"""Go's regexp syntax means here what it means there."""

import re

import pytest

from pipeline.scrubber.go_syntax import GoSyntaxError, parse_go
from pipeline.scrubber.pattern import compile_pattern
from pipeline.scrubber.regex_tree import to_text, width
from pipeline.scrubber.rules import parse_rules
from tests.support.gitleaks_binary import upstream_rules


def found(pattern: str, text: bytes) -> bytes | None:
    """The first match of `pattern` after it went through the tree."""
    groups = compile_pattern(to_text(parse_go(pattern))).search(text)
    return None if groups is None else text[slice(*groups[0])]


@pytest.mark.parametrize(
    ("pattern", "text", "match"),
    [
        (r"a(?i)b|c", b"AB aB", b"aB"),
        (r"(?:a(?i)b)c", b"aBC aBc", b"aBc"),
        (r"(?i:k)s", b"KS Ks", b"Ks"),
        (r"(?i)[[:alnum:]]+-", b"..Ab9-", b"Ab9-"),
        (r"[[:^alpha:]]+", b"ab12", b"12"),
        (r"a.c", b"a\nc abc", b"abc"),
        (r"(?s)a.c", b"a\nc", b"a\nc"),
        (r"a$", b"a\n", None),
        (r"(?m)a$", b"a\nb", b"a"),
        (r"a\z", b"ba", b"a"),
        (r"\Aa", b"ba", None),
        (r"\s+x", b"\x0bx", None),
        (r"\Q.*\E+", b"a.***", b".***"),
        (r"\x41\x{42}\103\a", b"ABC\x07", b"ABC\x07"),
        (r"(?U)a+", b"aaa", b"a"),
        (r"(?U)a+?", b"aaa", b"aaa"),
        (r"a{2,3}?", b"aaaa", b"aa"),
        (r"x{,3}", b"x{,3}", b"x{,3}"),
        (r"[]a]+", b"]a]", b"]a]"),
        (r"[a\-z]+", b"-b", b"-"),
        (r"[^\d\s]+", b"12 ab", b"ab"),
        (r"(?P<name>a)(?<other>b)", b"ab", b"ab"),
        (r"\pN+", "a\u0663".encode(), "\u0663".encode()),
        (r"\p{Greek}", "a\u03b1".encode(), "\u03b1".encode()),
        ("[é€]+", "aé€".encode(), "é€".encode()),
        (r"(?i)É", "é".encode(), "é".encode()),
        (r"[^a]b", "éb".encode(), b"\xa9b"),
        (r"\b(\w+)\B", b"ab", b"a"),
    ],
)
def test_a_pattern_means_what_it_means_in_go(pattern: str, text: bytes, match: bytes | None) -> None:
    assert found(pattern, text) == match


@pytest.mark.parametrize(
    "pattern",
    ["(", ")", "a)", "[a", "a**", "a{3}{2}", "*a", r"\1", r"\Z", "(?=a)", "(?<!a)", "(?>a)", "a{1001}", "a{3,2}",
     "[b-a]", "[[:nope:]]", r"\p{Nope}", r"\8", "\\", "(?x)a", r"\x{110000}"],
)  # fmt: skip
def test_what_go_refuses_is_refused_here(pattern: str) -> None:
    with pytest.raises(GoSyntaxError) as caught:
        parse_go(pattern)
    assert "\n" not in str(caught.value)


def test_a_class_beyond_ascii_that_is_not_everything_matches_whole_characters_only() -> None:
    text = "[α-ω]+"
    assert found(text, "xβγy".encode()) == "βγ".encode()
    assert found(text, b"\xce") is None
    astral = parse_go("[\U00010000-\U0010ffff\u0800-\uffff]")
    assert width(astral) == (3, 4)


def test_every_regex_of_upstream_says_the_same_after_it_went_through_the_tree() -> None:
    rule_set = parse_rules(upstream_rules(), source="upstream")
    text = (upstream_rules() + "\n".join(map(chr, range(32, 127)))).encode()[:60_000]
    for rule in rule_set.rules:
        if rule.regex:
            own = compile_pattern(to_text(parse_go(rule.regex))).search(text)
            assert own == compile_pattern(rule.regex).search(text), rule.id


@pytest.mark.parametrize(
    ("pattern", "expected"), [("a|bcd", (1, 3)), ("a{2,5}b*", (2, None)), (r"\b(ab)?$", (0, 2)), ("(a+){0}", (0, 0))]
)
def test_width_is_the_least_and_the_greatest_length(pattern: str, expected: tuple[int, int | None]) -> None:
    assert width(parse_go(pattern)) == expected


def test_printed_patterns_are_ascii() -> None:
    assert re.fullmatch(r"[\x20-\x7e]*", to_text(parse_go("[ä-ü]|\x00|\n|~")))
