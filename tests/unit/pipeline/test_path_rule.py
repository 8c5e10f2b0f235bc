"""Path rules hold for every reading a server might give a path."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.path_rule import PathRuleError, parse_path
from pipeline.url_path import readings

INSIDE = (
    "/mine/a",
    "/mine/",
    "/mine/a/b",
    "/mine/a%20b",
    "/mine/./a",
    "/mine/x/../a",
    "/mine/a?x=/../other",
    "/mine//a",
)
OUTSIDE = (
    "/mine/..%c0%afother",
    "/mine/%c0%ae%c0%ae/other",
    "/mine/..%e0%80%afother",
    "/mine/..%25c0%25afother",
    "/other/a",
    "/mine",
    "/min",
    "/minecraft/a",
    "/mine/../other",
    "/mine/..",
    "/mine/x/../../other",
    "/mine/%2e%2e/other",
    "/mine/%2E%2e/other",
    "/mine%2f..%2fother",
    "/mine/%2f..%2f..%2fother",
    "/mine/..%2fother",
    "/mine/%252e%252e/other",
    "/mine/%25252e%25252e%25252fother",
    "/mine/..;/other",
    "/mine/..;x=y/other",
    "/mine/..\\other",
    "/mine\\..\\other",
    "/mine/%5c..%5c..%5cother",
    "/mine/..%00/other",
    "/mine/%0d%0aother",
    "//other",
    "//mine/a",
    "//other/mine/a",
    "/other//mine/a",
    "/./other",
    "/MINE/a",
    "mine/a",
    "*",
    "",
    "http://good.test/mine/a",
)


@pytest.mark.parametrize("target", INSIDE)
def test_rule_that_allows_covers_what_lies_below(target: str) -> None:
    assert parse_path("/mine/").matches_always(target)


@pytest.mark.parametrize("target", OUTSIDE)
def test_no_spelling_leads_a_rule_that_allows_elsewhere(target: str) -> None:
    assert not parse_path("/mine/").matches_always(target)


@pytest.mark.parametrize(
    "target",
    [
        "/admin/x",
        "/x/../admin/x",
        "/%61dmin/x",
        "/a%2f..%2fadmin%2fx",
        "//admin/x",
        "/x\\..\\admin/x",
        "/x/..;/admin/x",
        "*",
    ],
)
def test_rule_that_denies_covers_every_spelling_that_might_lead_there(target: str) -> None:
    assert parse_path("/admin/").matches_ever(target)


def test_rule_that_denies_leaves_the_rest_alone() -> None:
    assert not parse_path("/admin/").matches_ever("/administrators")


@pytest.mark.parametrize(
    ("rule", "target", "is_inside"),
    [
        ("/a", "/a", True),
        ("/a", "/a?q=1", True),
        ("/a", "/a/", False),
        ("/a", "/a/b", False),
        ("/repos/*/issues", "/repos/x/issues", True),
        ("/repos/*/issues", "/repos/x/y/issues", False),
        ("/repos/*/issues", "/repos/x%2fy/issues", False),
        ("/repos/**", "/repos/x/y/z", True),
        ("/repos/**", "/repos", False),
        ("/**/info/refs", "/me/repo.git/info/refs?service=git-upload-pack", True),
        ("/@scope%2fname", "/@scope%2Fname", True),
        ("/@scope%2fname", "/@scope/name", False),
        ("/caf%C3%A9/", "/caf%c3%a9/menu", True),
        ("/café/", "/caf%C3%A9/menu", True),
        ("/a.b", "/aXb", False),
        ("/a+b", "/aab", False),
        ("/~me", "/%7Eme", True),
    ],
)
def test_globs_mean_what_they_say(rule: str, target: str, is_inside: bool) -> None:
    assert parse_path(rule).matches_always(target) is is_inside


@pytest.mark.parametrize("rule", ["mine/", "/a?b", "/a#b", "/a\\b", "/a b", "/a;b", "/./a", "/a/..", "//a", "/%2a"])
def test_rule_that_is_not_in_normal_form_is_refused(rule: str) -> None:
    with pytest.raises(PathRuleError):
        parse_path(rule)


@given(st.text(alphabet="/.%25eEfF2;\\mine", max_size=40))
def test_always_implies_ever_and_allowed_paths_decode_to_inside(target: str) -> None:
    rule = parse_path("/mine/")
    if rule.matches_always(target):
        assert rule.matches_ever(target)
        for spellings in readings(target):
            assert all(path.startswith(b"/mine/") for path in spellings)


def test_many_wildcards_cost_linear_time() -> None:
    rule = parse_path("/" + "**a" * 20 + "b")
    began = time.perf_counter()
    assert not rule.matches_always("/" + "a" * 60_000)
    assert time.perf_counter() - began < 5
