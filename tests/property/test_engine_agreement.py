"""For any rules and any bytes, the three engines find the same."""

import random

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipeline.scrubber.engine import build_engine, reference_engine
from pipeline.scrubber.go_syntax import parse_go
from pipeline.scrubber.rules import RuleSet, parse_rules
from tests.support.gitleaks_binary import upstream_rules
from tests.support.regex_samples import sample

UPSTREAM = parse_rules(upstream_rules(), source="upstream")
TREES = [parse_go(rule.regex) for rule in UPSTREAM.rules if rule.regex]
ENGINES = {
    aware: (
        reference_engine(UPSTREAM, escape_aware=aware),
        build_engine(UPSTREAM, escape_aware=aware, native=True),
        build_engine(UPSTREAM, escape_aware=aware, native=False),
    )
    for aware in (True, False)
}
SLOW = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])

_glue = st.sampled_from(
    [b" ", b"\n", b"\\n", b'\\"', b'": "', b"", b",", b"&x=", b"%22", b"\\\\", b"password=", b"\r\n", b"\xff", b"key: "]
)


@st.composite
def bodies(draw: st.DrawFn) -> bytes:
    """Pieces that match rules, whole and cut, with what stands between them in bodies."""
    rng = random.Random(draw(st.integers(0, 2**32)))
    parts = []
    for _ in range(draw(st.integers(1, 12))):
        piece = sample(rng.choice(TREES), rng)
        cut = draw(st.integers(0, 3))
        parts += [piece[cut:] if draw(st.booleans()) else piece[: len(piece) - cut], draw(_glue)]
    parts.append(draw(st.binary(max_size=20)))
    return b"".join(parts)


@SLOW
@given(bodies(), st.booleans())
def test_native_and_portable_find_what_the_reference_finds(data: bytes, escape_aware: bool) -> None:
    reference, native, portable = ENGINES[escape_aware]
    expected = reference.matches(data)
    assert native.matches(data) == expected
    assert portable.matches(data) == expected


@SLOW
@given(bodies())
def test_the_reading_for_http_passes_over_nothing_that_gitleaks_finds(data: bytes) -> None:
    loose, strict = ENGINES[True][0], ENGINES[False][0]
    covered = bytearray(len(data))
    for match in loose.matches(data):
        covered[match.start : match.end] = b"\x01" * (match.end - match.start)
    gated = {a.rule.id for a in loose.acceptors if a.plan.is_gated}
    for match in strict.matches(data):
        if strict.rules[match.rule].id not in gated:
            is_covered = any(covered[match.secret_start : match.secret_end])
            assert is_covered or match.secret_start == match.secret_end, strict.rules[match.rule].id


_atoms = st.sampled_from(
    [
        "a",
        "b",
        "ab",
        "[ab]",
        "[^a]",
        ".",
        r"\b",
        r"\w",
        "c+",
        "(a|bc)",
        "(?:ab|b){1,3}",
        "[a-c]{2,}",
        "(?i)B",
        "x?",
        "a{0,3}?",
        "b*",
        "$",
        r"\s",
        "a.*b",
        "(?:c|)",
        "[ab]{0,30}",
        "[a-c]{1,20}",
        "(?:a|[bc](?:x|c[ab]{0,9}))",
        "pas=",
        "(?:pas|abc)=",
    ]
)


@st.composite
def rule_sets(draw: st.DrawFn) -> RuleSet:
    """A few rules put together at random; some have keywords their regexes do not imply."""
    text = ""
    for number in range(draw(st.integers(1, 4))):
        regex = "".join(draw(st.lists(_atoms, min_size=1, max_size=6)))
        keywords = draw(st.sampled_from(['["a"]', '["ab", "c"]', "[]", '["bc"]']))
        text += f"[[rules]]\nid = 'r{number}'\nregex = '''{regex}'''\nkeywords = {keywords}\n"
    return parse_rules(text, source="made up")


_pieces = st.sampled_from((*(bytes((byte,)) for byte in b"abcABC x\n"), b"pas=", b"abc="))
_texts = st.builds(
    b"".join,
    st.tuples(
        # In long texts other parts of Vectorscan are at work.
        st.sampled_from((b"", b"", b"." * 100)),
        st.lists(_pieces, max_size=40).map(b"".join),
    ),
)


@settings(max_examples=300, deadline=None)
@given(rule_sets(), st.lists(_texts, min_size=1, max_size=4), st.booleans())
def test_any_rules_are_searched_alike(rule_set: RuleSet, texts: list[bytes], escape_aware: bool) -> None:
    reference = reference_engine(rule_set, escape_aware=escape_aware)
    native = build_engine(rule_set, escape_aware=escape_aware, native=True)
    portable = build_engine(rule_set, escape_aware=escape_aware, native=False)
    for data in texts:
        expected = reference.matches(data)
        assert native.matches(data) == expected
        assert portable.matches(data) == expected
        assert native.find(data) == reference.find(data) == portable.find(data)
