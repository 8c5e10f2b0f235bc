"""Rule files: what loads, what it means, and that nothing is skipped in silence."""

import pytest

from pipeline.scrubber.rules import RuleError, RuleSet, merge, parse_rules
from pipeline.scrubber.samples import check_samples
from tests.support.gitleaks_binary import upstream_rules

ACME = """
[[rules]]
id = "acme-token"
description = "Acme"
regex = '''\\b(acme_[a-z0-9]{8})\\b'''
keywords = ["ACME_"]
secretGroup = 1
entropy = 2.5

[vibedom.rules.acme-token]
class = "credential"
severity = "critical"
homes = ["api.acme.test"]
match = [["acme_", "a1b2c3d4"]]
no_match = ["acme_short"]
"""


def parse(text: str, *, require_samples: bool = False) -> RuleSet:
    return parse_rules(text, source="own.toml", require_samples=require_samples)


def test_a_rule_carries_what_its_file_says() -> None:
    (rule,) = parse(ACME, require_samples=True).rules
    assert (rule.id, rule.keywords, rule.secret_group, rule.entropy) == ("acme-token", ("acme_",), 1, 2.5)
    assert (rule.info.secret_class, rule.info.severity, rule.info.homes) == (
        "credential",
        "critical",
        ("api.acme.test",),
    )
    assert rule.match == (b"acme_a1b2c3d4",)
    assert rule.info.placeholder == b"[REDACTED_ACME_TOKEN]"


def test_upstreams_file_loads_unchanged_with_all_its_rules() -> None:
    rule_set = parse_rules(upstream_rules(), source="upstream")
    assert len(rule_set.rules) == 222
    assert len(rule_set.allowlists[0].stopwords) >= 2
    assert sum(bool(rule.path) for rule in rule_set.rules) == 5


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("x = ", "own.toml: not TOML"),
        ("[[rules]]\nregex = 'a'", "rule number 1: has no id"),
        ("[[rules]]\nid = 'r'", "rule r: has neither regex nor path"),
        ("[[rules]]\nid = 'r'\nregex = '('", "rule r: regex is not Go RE2 syntax"),
        ("[[rules]]\nid = 'r'\nregex = '(?=a)'", "rule r: regex is not Go RE2 syntax"),
        ("[[rules]]\nid = 'r'\nregex = 'a'\nsecretGroup = 1", "secretGroup 1 is more than the regex has groups"),
        ("[[rules]]\nid = 'r'\nregex = 'a'\nkeywords = 'a'", "keywords must be an array of strings"),
        ("[[rules]]\nid = 'r'\nregex = 'a'\n[[rules]]\nid = 'r'\nregex = 'b'", "rule r: is there twice"),
        ("[[rules]]\nid = 'r'\nregex = 'a'\n[[rules.required]]\nid = 'x'", "uses required"),
        ("[[rules]]\nid = 'r'\nregex = 'a'\n[rules.allowlist]\n", "needs regexes, paths, stopwords or commits"),
        ("[[rules]]\nid = 'r'\nregex = 'a'\n[rules.allowlist]\nregexes = ['[']", "a regex of an allowlist is not Go"),
        ("[[rules]]\nid = 'r'\nregex = 'a'\n[rules.allowlist]\nregexes = ['b']\ncondition = 'XOR'", "AND or OR"),
        ("[[rules]]\nid = 'r'\nregex = 'a'\n[rules.allowlist]\nregexes = ['b']\nregexTarget = 'file'", "regexTarget"),
        ("[[rules]]\nid = 'r'\nregex = 'a'\n[[allowlists]]\nregexes = ['b']\ntargetRules = ['no']", "no rule of this"),
        ("[[rules]]\nid = 'r'\nregex = 'a'\n[vibedom.rules.other]\nclass = 'pii'", "but is no rule"),
        ("[[rules]]\nid = 'r'\nregex = 'a'\n[vibedom.rules.r]\nclass = 'odd'", "$.rules[...].class"),
        ("[[rules]]\nid = 'r'\nregex = 'a'\n[vibedom.rules.r]\nvalidate = 'odd'", "validate is 'odd'"),
        ("[[rules]]\nid = 'r'\nregex = 'a'\n[vibedom.rules.r]\nmatches = ['a']", "unknown field"),
        ("[extend]\npath = 'base.toml'", "nothing can be extended here"),
    ],
)
def test_what_cannot_be_loaded_is_an_error_that_names_file_and_reason(text: str, said: str) -> None:
    with pytest.raises(RuleError) as caught:
        parse(text)
    assert said in str(caught.value)
    assert str(caught.value).startswith("own.toml: ")
    assert "\n" not in str(caught.value)


def test_a_shipped_rule_without_samples_is_refused() -> None:
    with pytest.raises(RuleError, match="acme-token: has no samples"):
        parse(ACME.replace("no_match", "# "), require_samples=True)


def test_samples_that_do_not_hold_are_named_without_their_text() -> None:
    wrong = ACME.replace('"acme_short"', '["acme_", "a1b2c3d4"]')
    wrong = wrong.replace("no_match", "other").replace("match =", "no_match =").replace("other", "match")
    wrong = wrong.replace('match = [["acme_", "a1b2c3d4"]]\n', 'match = [["acme_", "a1b2c3d4"], "nothing"]\n', 1)
    problems = check_samples(parse(wrong))
    assert problems
    assert all("acme-token" in line and "a1b2" not in line for line in problems)
    assert check_samples(parse(ACME)) == []


def test_a_file_can_extend_another_and_overrule_and_disable_its_rules() -> None:
    base = ACME + "\n[[rules]]\nid = 'old'\nregex = 'old'\n[[rules]]\nid = 'kept'\nregex = 'kept'\n"
    own = (
        "[extend]\npath = 'base.toml'\ndisabledRules = ['old']\n"
        "[[rules]]\nid = 'acme-token'\nregex = '''acme_([0-9]{4})'''\n"
    )
    asked = []

    def extends(name: str) -> str:
        asked.append(name)
        return base

    rules = {rule.id: rule for rule in parse_rules(own, source="own.toml", extends=extends).rules}
    assert asked == ["base.toml"]
    assert set(rules) == {"acme-token", "kept"}
    assert rules["acme-token"].regex == "acme_([0-9]{4})"
    assert rules["acme-token"].keywords == ("acme_",)


def test_use_default_asks_for_the_default_rules() -> None:
    found = parse_rules("[extend]\nuseDefault = true", source="own.toml", extends={"default": ACME}.__getitem__)
    assert [rule.id for rule in found.rules] == ["acme-token"]


def test_merged_sets_keep_their_global_allowlists_to_their_own_rules() -> None:
    first = parse(
        "[allowlist]\nstopwords = ['example']\n[[rules]]\nid = 'a'\nregex = 'a+'\n[[rules]]\nid = 'b'\nregex = 'b'"
    )
    second = parse("[[rules]]\nid = 'b'\nregex = 'bb'")
    merged = merge(first, second)
    assert [(rule.id, rule.regex, len(rule.allowlists)) for rule in merged.rules] == [("a", "a+", 1), ("b", "bb", 0)]
    assert merged.allowlists == ()


def test_an_allowlist_for_some_rules_goes_to_those() -> None:
    found = parse(
        "[[rules]]\nid = 'a'\nregex = 'a'\n[[rules]]\nid = 'b'\nregex = 'b'\n"
        "[[allowlists]]\nregexes = ['x']\ntargetRules = ['b']\n"
    )
    assert [len(rule.allowlists) for rule in found.rules] == [0, 1]
    assert found.allowlists == ()
