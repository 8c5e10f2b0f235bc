"""What a match takes with it is searched for all the same."""

import pytest

from pipeline.scrubber.confirm import find_all
from pipeline.scrubber.engine import build_engine, reference_engine
from pipeline.scrubber.pattern import Groups
from pipeline.scrubber.rules import parse_rules
from pipeline.scrubber.sweep import Sweep

CARD = b"4111 1111 " + b"1111 1111"

KEYED = """
[[rules]]
id = "keyed"
regex = '''(?i)key: ?([a-z0-9=: "]{3,20}[a-z0-9])["\\s;]'''
keywords = ["key"]
[[rules.allowlists]]
stopwords = ["example"]
"""
ENDED = """
[[rules]]
id = "ended"
regex = '''(?i)key: ([a-z0-9]{3,20})(?:["\\s;]|$)'''
keywords = ["key"]
entropy = 1.0
"""
TOKEN = """
[[rules]]
id = "token"
regex = '''(tok-[a-z0-9-]{4,30})'''
keywords = ["tok-"]
[[rules.allowlists]]
stopwords = ["example"]
"""
MAIL = """
[[rules]]
id = "mail"
regex = '''([a-z.-]{1,20}@[a-z]{1,20}\\.test)'''
keywords = ["@"]
[[rules.allowlists]]
regexes = ["^no-reply@"]
"""
CARDS = """
[[rules]]
id = "card"
regex = '''(?:^|[^0-9-])([2-6][0-9]{3}(?:[ -][0-9]{4}){3})\\b'''
[vibedom.rules.card]
validate = "luhn"
"""
CASES = [
    (KEYED, b"key: example key: hunter22 ", [b"hunter22"]),
    (KEYED, b"key: example=key: key: hunter22;", [b"key: hunter22"]),
    (ENDED, b"key: abcdkey: efgh;", [b"abcdkey", b"efgh"]),
    (ENDED, b"key: aaaakey: efgh;", [b"aaaakey", b"efgh"]),
    (ENDED, b"key: aaaaaaaaa;key: aaakey: efgh;", [b"aaakey", b"efgh"]),
    (TOKEN, b"tok-example-tok-hunter22", [b"tok-hunter22"]),
    (TOKEN, b"tok-" + b"a" * 24 + b"-tok-hunter22hunter22", [b"tok-" + b"a" * 24 + b"-tok-h", b"tok-hunter22hunter22"]),
    (TOKEN, b"tok-hunter22-tok-hunter22", [b"tok-hunter22-tok-hunter22"]),
    (MAIL, b"no-reply@a.test or reply@a.test", [b"reply@a.test"]),
    (CARDS, b"4000 " + CARD, [CARD]),
    (CARDS, b"4000 " * 9 + CARD + b" 1234", [CARD]),
    (CARDS, b"4000 " * 9, []),
]


@pytest.mark.parametrize(("rules", "text", "secrets"), CASES)
def test_a_value_is_found_whose_keyword_another_match_took_with_it(
    rules: str, text: bytes, secrets: list[bytes]
) -> None:
    rule_set = parse_rules(rules, source="r")
    engines = (reference_engine(rule_set), build_engine(rule_set, native=True), build_engine(rule_set, native=False))
    for engine in engines:
        assert [text[match.secret_start : match.secret_end] for match in engine.matches(text)] == secrets


def test_to_the_letter_a_match_begins_behind_the_last() -> None:
    rule_set = parse_rules(TOKEN, source="r")
    for native in (True, False):
        engine = build_engine(rule_set, escape_aware=False, native=native)
        assert not engine.matches(b"tok-example-tok-hunter22")
        assert len(engine.matches(b"tok-example tok-hunter22")) == 1


@pytest.mark.parametrize("piece", [b"tok-", b"tok-example-", b"tok-a1-example", b"tok-example" + b"a" * 30])
def test_what_overlaps_without_end_is_gone_over_a_few_times_only(piece: bytes) -> None:
    rule_set = parse_rules(TOKEN.replace("{4,30}", "{4,}"), source="r")
    acceptor = reference_engine(rule_set).acceptors[0]
    data = piece * (200_000 // len(piece))
    sweep, total = Sweep(acceptor, data, None), 0

    def take(groups: Groups) -> int:
        nonlocal total
        total += groups[0][1] - groups[0][0]
        return sweep.take(groups)

    find_all(acceptor.pattern, data, take)
    assert total < 4 * len(data)
