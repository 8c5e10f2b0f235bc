"""What the engines find, and that the three of them find the same."""

import threading
from collections.abc import Callable

import pytest

from pipeline.scrubber.engine import MatchEngine, build_engine, reference_engine
from pipeline.scrubber.model import Span
from pipeline.scrubber.rules import RuleSet, parse_rules

RULES = r"""
[[rules]]
id = "acme-token"
regex = '''\b(acme_[a-z0-9]{16})(?:[\x60'"\s;]|\\[nr]|$)'''
keywords = ["acme_"]

[[rules]]
id = "bare-token"
regex = '''\bbt-[0-9]{12}'''
keywords = ["bt-"]

[[rules]]
id = "password"
regex = '''(?i)[\w.-]{0,50}?(?:password|secret)[ \w.-]{0,20}[\s'"]{0,3}[=:]['"\s]{0,5}([\w!?-]{8,40})(?:['"\s;]|$)'''
keywords = ["password", "secret"]
entropy = 2.5
[[rules.allowlists]]
regexTarget = "line"
regexes = ['''import \{''']
[[rules.allowlists]]
regexTarget = "match"
regexes = ['''forgot-password''']
[[rules.allowlists]]
stopwords = ["changeme"]

[[rules]]
id = "hex-key"
regex = '''\b[a-f0-9]{40}\b'''
keywords = ["acmehub"]

[[rules]]
id = "webhook"
regex = '''https://hook\.test/([a-f0-9]{4}-){3}[a-f0-9]{8}'''
keywords = ["hook.test"]

[[rules]]
id = "client"
regex = '''\bclient\b.*[ \t](?:-u|--user)[ =]([\w.]{3,}:[\w!]{3,})'''
keywords = ["client"]

[[rules]]
id = "key-block"
regex = '''(?i)-----BEGIN[ A-Z0-9_-]{0,100}KEY-----[\s\S-]{16,}?KEY-----'''
keywords = ["-----begin"]

[[rules]]
id = "card"
regex = '''\b[2-6](?:[ -]?\d){12,18}\b'''
[vibedom.rules.card]
class = "pii"
validate = "luhn"

[[rules]]
id = "named-file"
path = '''\.tfvars$'''
regex = '''admin = "([a-z0-9]{8})"'''
keywords = ["admin"]
"""

TOKEN = b"acme_" + b"a1b2c3d4" * 2
SECRET = b"Xk3-qV9!mZ2pW7"
Build = Callable[..., MatchEngine]


@pytest.fixture(scope="module")
def rule_set() -> RuleSet:
    return parse_rules(RULES, source="test")


def _reference(rule_set: RuleSet, *, escape_aware: bool = True) -> MatchEngine:
    return reference_engine(rule_set, escape_aware=escape_aware)


def _native(rule_set: RuleSet, *, escape_aware: bool = True) -> MatchEngine:
    return build_engine(rule_set, escape_aware=escape_aware, native=True)


def _portable(rule_set: RuleSet, *, escape_aware: bool = True) -> MatchEngine:
    return build_engine(rule_set, escape_aware=escape_aware, native=False)


@pytest.fixture(scope="module", params=[_reference, _native, _portable], ids=["reference", "native", "portable"])
def build(request: pytest.FixtureRequest) -> Build:
    return request.param  # type: ignore[no-any-return]


@pytest.fixture(scope="module")
def engine(build: Build, rule_set: RuleSet) -> MatchEngine:
    return build(rule_set)


def found(engine: MatchEngine, data: bytes) -> list[tuple[str, bytes]]:
    return [(engine.rules[span.rule].id, data[span.start : span.end]) for span in engine.find(data)]


@pytest.mark.parametrize(
    "after", [b"", b" ", b'"', b'\\"', b",", b"&", b"<", b"}", b".", b"%22", b"\\n", b")", b"\xe2"]
)
@pytest.mark.parametrize("before", [b"", b" ", b'"', b"\\n", b'\\"', b"%22", b"\\u003d", b"=", b",", b">", b"\\t"])
def test_a_token_begins_and_ends_at_every_delimiter_of_http_bodies(
    engine: MatchEngine, before: bytes, after: bytes
) -> None:
    data = (b"x" + before if before else b"") + TOKEN + (after + b"y" if after else b"")
    assert found(engine, data) == [("acme-token", TOKEN)]


@pytest.mark.parametrize("after", [b"0", b"_", b"-x", b"=", b"/a", b"+"])
def test_a_longer_run_of_token_characters_is_no_token(engine: MatchEngine, after: bytes) -> None:
    assert found(engine, TOKEN + after) == []


def test_a_rule_without_a_group_leaves_the_escape_in_front_alone(engine: MatchEngine) -> None:
    data = b"a\\nbt-123456789012 and bt-123456789012"
    assert found(engine, data) == [("bare-token", b"bt-123456789012")] * 2


@pytest.mark.parametrize(
    "text",
    [
        b'password = "%s"',
        b'{\\"password\\": \\"%s\\"}',
        b'\\"password\\\\\\": \\\\\\"%s\\\\\\"',
        b"my.password:%s,",
        b"SECRET=%s&b=1",
    ],
)
def test_an_assignment_is_found_however_its_quotes_are_escaped(engine: MatchEngine, text: bytes) -> None:
    assert found(engine, text.replace(b"%s", SECRET)) == [("password", SECRET)]


@pytest.mark.parametrize("text", [b"password=aaaaaaaaaaaa", b"password=xkchangeme19q", b"forgot-password=" + SECRET])
def test_low_entropy_stop_words_and_allowed_matches_are_no_findings(engine: MatchEngine, text: bytes) -> None:
    assert found(engine, text) == []


def test_an_allowed_line_hides_what_is_near_and_nothing_else_on_a_long_line(engine: MatchEngine) -> None:
    near = b"import { x } from 'y'; password=" + SECRET
    far = b"import { x } from 'y';" + b" " * 300 + b"password=" + SECRET
    escaped = b"import { x } from 'y'\\npassword=" + SECRET
    assert [len(engine.find(text)) for text in (near, far, escaped)] == [0, 1, 1]


def test_a_keyword_that_the_regex_does_not_ask_for_must_be_near(engine: MatchEngine) -> None:
    key = b"0123456789abcdef0123456789abcdef01234567"
    assert found(engine, b"ACMEHUB: " + key) == [("hex-key", key)]
    assert found(engine, key + b" " * 100 + b"acmehub") == [("hex-key", key)]
    assert found(engine, b"acmehub" + b" " * 2000 + key) == []
    assert found(engine, key) == []


def test_a_group_in_a_repeat_means_the_whole_match(engine: MatchEngine) -> None:
    url = b"https://hook.test/ab12-cd34-ef56-12345678"
    assert found(engine, b"<" + url + b">") == [("webhook", url)]


def test_of_several_on_a_line_each_is_found(engine: MatchEngine) -> None:
    data = b"client -u anna:pw1! x; client --user bert:pw2! y; client -u carl:pw3!"
    assert [secret for _, secret in found(engine, data)] == [b"anna:pw1!", b"bert:pw2!", b"carl:pw3!"]


def test_a_key_block_is_one_secret_from_header_to_footer(engine: MatchEngine) -> None:
    block = b"-----BEGIN RSA PRIVATE KEY-----\n" + b"MIIE" * 3000 + b"\n-----END RSA PRIVATE KEY-----"
    assert found(engine, b"x " + block + b" y") == [("key-block", block)]


def test_a_validator_decides_over_what_the_regex_matched(engine: MatchEngine) -> None:
    assert found(engine, b"4111 1111 1111 1111, 4111 1111 1111 1112, 4242424242424242") == [
        ("card", b"4111 1111 1111 1111"),
        ("card", b"4242424242424242"),
    ]


def test_a_rule_for_some_files_applies_to_bodies_and_to_those_files(engine: MatchEngine) -> None:
    data = b'admin = "a1b2c3d4"'
    assert found(engine, data) == [("named-file", b"a1b2c3d4")]
    assert [len(engine.matches(data, path)) for path in ("x.tfvars", "x.py")] == [1, 0]


def test_a_span_never_tears_an_escape_apart(engine: MatchEngine) -> None:
    data = b'{"a": "password: \\"' + SECRET + b'\\\\", "b": 1}'
    for span in engine.find(data):
        assert data[span.end - 1 : span.end] != b"\\"


def test_data_without_secrets_gives_no_spans(engine: MatchEngine) -> None:
    assert [engine.find(data) for data in (b"", b"\x00\xff", b"acme_", b"hello world " * 1000)] == [[]] * 4


def test_to_the_letter_nothing_of_that_holds(build: Build, rule_set: RuleSet) -> None:
    engine = build(rule_set, escape_aware=False)
    assert found(engine, TOKEN + b",") == []
    assert found(engine, TOKEN + b'"') == [("acme-token", TOKEN)]
    assert found(engine, b"client -u anna:pw1! client -u bert:pw2!") == [("client", b"bert:pw2!")]
    assert found(engine, b'admin = "a1b2c3d4"') == []


@pytest.mark.parametrize("native", [True, False])
def test_an_engine_can_be_used_by_many_threads_at_once(native: bool, rule_set: RuleSet) -> None:
    engine = build_engine(rule_set, native=native)
    data = b"\n".join(b"x " + TOKEN + b" password = '" + SECRET + b"'" for _ in range(400))
    expected, results = engine.find(data), dict[int, list[Span]]()
    start = threading.Barrier(8)

    def run(number: int) -> None:
        start.wait()
        for _ in range(5):
            results[number] = engine.find(data)

    threads = [threading.Thread(target=run, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(expected) == 800
    assert all(results[number] == expected for number in range(8))


def test_an_engine_without_rules_finds_nothing() -> None:
    empty = parse_rules("", source="empty")
    assert [build_engine(empty, native=native).find(b"x") for native in (True, False)] == [[], []]


@pytest.mark.parametrize("regex", ["x?", "b*", "$", r"\b", "(a|)", "", "(?:)+", "x{0}"])
@pytest.mark.parametrize("escape_aware", [True, False])
def test_a_regex_that_can_match_nothing_is_searched_alike(regex: str, escape_aware: bool) -> None:
    rules = parse_rules(f"[[rules]]\nid = 'r'\nregex = '''(?:{regex})'''\n", source="test")
    engines = [build_engine(rules, escape_aware=escape_aware, native=native) for native in (True, False)]
    expected = reference_engine(rules, escape_aware=escape_aware).matches(b"xab b")
    assert [engine.matches(b"xab b") for engine in engines] == [expected] * 2


@pytest.mark.parametrize("front", [r"\b", r"(?:^|[^\w.+/-]|[A-Za-z]-|\\[nrt]|%[2-5][0-9A-Fa-f])", r"(?:^|[^a-z])", ""])
def test_digits_are_found_behind_whatever_their_rule_asks_for(front: str) -> None:
    numbers = (r"[2-6](?:[ -]?[0-9]){5}", r"[0-9]{3,8}[a-]")
    text = "".join(f"[[rules]]\nid = 'r{at}'\nregex = '''{front}({one})'''\n" for at, one in enumerate(numbers))
    rules = parse_rules(text, source="test")
    engines = [build_engine(rules, native=native) for native in (True, False)]
    reference = reference_engine(rules)
    for before in (b"", b" ", b"x", b"7", b"%20", b"\\n", b"\\u0030", b"a-", b"99", b"2", b"."):
        data = before + b"234567 " + before + b"4-4-4-4-4-4" * 3 + before + b"12345a " + before + b"1234567890-"
        assert [engine.matches(data) for engine in engines] == [reference.matches(data)] * 2


@pytest.mark.parametrize("escape_aware", [True, False])
@pytest.mark.parametrize("regex", [r"\b(A{8}[a-z0-9]{4,9})", r"\b(A{8,10}[A-Za-z0-9]{20,30}:)", r"A{6}[^\n]*;"])
def test_what_begins_with_a_run_of_one_letter_is_found_anywhere_in_longer_runs(regex: str, escape_aware: bool) -> None:
    text = f"[[rules]]\nid = 'r'\nregex = '''{regex}'''\nkeywords = ['aaaaaa']\n"
    rules = parse_rules(text, source="test")
    engines = [build_engine(rules, escape_aware=escape_aware, native=native) for native in (True, False)]
    runs = (b"a" * 50, b"A" * 5000 + b"xyz12:", b"A" * 7, b"x" * 3000, b"AAAAAAAAkey9;" + b"A" * 40 + b":")
    data = b" ".join(runs)
    expected = reference_engine(rules, escape_aware=escape_aware).matches(data)
    assert expected
    assert [engine.matches(data) for engine in engines] == [expected] * 2


def test_a_long_run_of_no_fixed_length_announces_what_follows_it() -> None:
    rules = parse_rules("[[rules]]\nid = 'r'\nregex = '''\\b(AQE[a-z]{40,300}-[0-9]{20,60})'''\n", source="test")
    engines = [build_engine(rules, native=native) for native in (True, False)]
    body = b" ".join(b"AQE" + b"x" * length + b"-" + b"1" * 20 for length in (39, 40, 41, 299, 300, 301))
    expected = reference_engine(rules).matches(body)
    assert len(expected) == 4
    assert [engine.matches(body) for engine in engines] == [expected] * 2
