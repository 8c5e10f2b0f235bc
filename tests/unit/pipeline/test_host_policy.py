"""Which rule decides: the most specific, and between equals the one that denies."""

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.host_policy import Dial, HostPolicy, Route
from pipeline.hosts import HostError, canonical_host
from pipeline.patterns import Pattern, parse_pattern


def patterns(*texts: str) -> list[Pattern]:
    return [parse_pattern(text, source="list:1") for text in texts]


def policy(allow: str = "", deny: str = "") -> HostPolicy:
    return HostPolicy(
        allow=patterns(*allow.split("|") if allow else ()), deny=patterns(*deny.split("|") if deny else ())
    )


@pytest.mark.parametrize(
    ("allow", "deny", "host", "verdict"),
    [
        ("a.test", "*", "a.test", "allow"),
        ("a.test", "*", "b.test", "deny"),
        ("*.test", "b.test", "b.test", "deny"),
        ("*.test", "b.test", "a.test", "allow"),
        ("b.test", "*.test", "b.test", "allow"),
        ("a.test", "a.test", "a.test", "deny"),
        ("*.a.test", "*.test", "x.a.test", "allow"),
        ("*.test", "*.a.test", "x.a.test", "deny"),
        ("10.0.0.0/8", "10.1.0.0/16", "10.1.2.3", "deny"),
        ("10.1.2.3", "10.1.0.0/16", "10.1.2.3", "allow"),
        ("10.0.0.0/8", "*", "10.1.2.3", "allow"),
        ("", "", "a.test", "deny"),
    ],
)
def test_most_specific_rule_wins_and_denying_wins_ties(allow: str, deny: str, host: str, verdict: str) -> None:
    assert policy(allow, deny).decide(host, 443).verdict == verdict


def test_reason_and_rule_explain_the_verdict() -> None:
    rules = policy("a.test|GET api.test/repos/**", "b.test|*.c.test")
    assert rules.decide("a.test", 443).rule == "list:1 a.test"
    assert rules.decide("a.test", 443).reason == "listed"
    assert rules.decide("b.test", 443).reason == "denied-by-rule"
    assert rules.decide("x.c.test", 443).rule == "list:1 *.c.test"
    assert rules.decide("z.test", 443).reason == "not-listed"
    wrong = rules.decide("api.test", 443, "POST", "/repos/x")
    assert (wrong.reason, wrong.rule) == ("method-or-path-not-listed", "list:1 GET api.test/repos/**")


def test_wrong_path_is_named_as_such_even_where_everything_else_is_denied() -> None:
    assert policy("a.test/x/", "*").decide("a.test", 443, "GET", "/y").reason == "method-or-path-not-listed"


def test_listed_address_and_port_are_allowed_and_its_other_ports_are_not() -> None:
    rules = policy("192.0.2.10:1234")
    assert rules.decide("192.0.2.10", 1234).verdict == "allow"
    assert rules.decide("192.0.2.10", 443).reason == "not-listed"


def test_host_with_a_path_rule_can_be_connected_to_and_other_paths_are_denied() -> None:
    rules = policy("good.test/mine/")
    assert rules.decide("good.test", 443).verdict == "allow"
    assert rules.decide("good.test", 443, "GET", "/mine/a").verdict == "allow"
    for path in ("/other/a", "/mine/../other", "/mine%2f..%2fother", "//other", "", "*"):
        assert rules.decide("good.test", 443, "GET", path).verdict == "deny"


def test_denied_path_does_not_deny_the_connection_but_every_spelling_of_the_path() -> None:
    rules = policy("a.test", "a.test/admin/")
    assert rules.decide("a.test", 443).verdict == "allow"
    assert rules.decide("a.test", 443, "GET", "/x").verdict == "allow"
    for path in ("/admin/", "/%61dmin/", "/x/../admin/y", "//admin/", ""):
        assert rules.decide("a.test", 443, "GET", path).reason == "denied-by-rule"


def test_star_can_only_deny() -> None:
    with pytest.raises(ValueError, match="can only deny"):
        policy("*")
    with pytest.raises(ValueError, match="can only deny"):
        policy().allowing(patterns("*"))


def test_allowing_for_the_session_makes_a_new_policy_and_leaves_the_old_one() -> None:
    before = policy("a.test", "*")
    after = before.allowing(patterns("b.test"))
    assert after.decide("b.test", 443).verdict == "allow"
    assert before.decide("b.test", 443).verdict == "deny"
    assert after.allowing(patterns("c.test")).decide("b.test", 443).verdict == "allow"


@pytest.mark.parametrize(
    ("allow", "deny", "host", "is_resolvable"),
    [
        ("a.test", "", "a.test", True),
        ("a.test:8443", "", "a.test", True),
        ("GET a.test/x/", "", "a.test", True),
        ("a.test", "a.test/admin/", "a.test", True),
        ("a.test", "a.test:8080", "a.test", True),
        ("a.test:8443", "*", "a.test", True),
        ("a.test", "a.test", "a.test", False),
        ("*.test", "a.test", "a.test", False),
        ("a.test", "", "b.test", False),
        ("10.0.0.0/8", "", "10.0.0.1", False),
        ("", "", "a.test", False),
    ],
)
def test_name_is_resolvable_where_some_port_of_it_can_be_reached(
    allow: str, deny: str, host: str, is_resolvable: bool
) -> None:
    assert policy(allow, deny).is_resolvable(host) is is_resolvable


def test_address_that_is_not_public_needs_a_rule_that_names_it() -> None:
    rules = policy("a.test|10.0.0.0/8|192.168.1.5:8443", "10.1.0.0/16")
    assert rules.allows_address("a.test", "93.184.215.14")
    assert rules.allows_address("a.test", "10.2.3.4")
    assert not rules.allows_address("a.test", "10.1.2.3")
    assert not rules.allows_address("a.test", "127.0.0.1")
    assert not rules.allows_address("a.test", "169.254.169.254")
    assert rules.allows_address("192.168.1.5", "192.168.1.5", 8443)
    assert not rules.allows_address("a.test", "192.168.1.5", 443)
    assert not rules.allows_private("a.test", "not an address")


def test_public_address_in_a_denied_network_is_not_dialled_whatever_its_name() -> None:
    rules = policy("a.test", "93.184.0.0/16|*")
    assert not rules.allows_address("a.test", "93.184.215.14")
    assert rules.allows_address("a.test", "1.1.1.1")


def test_dial_entry_names_the_one_place_that_is_dialled() -> None:
    origin = parse_pattern("origin.test")
    dial = Dial(address="127.0.0.1", port=9443, ca="/ca.pem")
    rules = HostPolicy(allow=[origin], routes=[Route(pattern=origin, dial=dial)])
    assert rules.dial("origin.test", 443) == dial
    assert rules.dial("origin.test", 8443) is None
    assert rules.dial("other.test", 443) is None
    assert rules.allows_private("origin.test", "127.0.0.1", 9443)
    assert not rules.allows_private("origin.test", "127.0.0.1", 22)
    assert not rules.allows_private("other.test", "127.0.0.1", 9443)
    assert not rules.allows_private("origin.test", "127.0.0.2", 9443)


def test_entry_may_name_the_networks_its_host_resolves_into() -> None:
    corp = parse_pattern("*.corp.test")
    rules = HostPolicy(allow=[corp], routes=[Route(pattern=corp, networks=(ipaddress.ip_network("10.0.0.0/8"),))])
    assert rules.allows_address("git.corp.test", "10.9.8.7")
    assert not rules.allows_address("git.corp.test", "192.168.0.1")
    assert not rules.allows_address("git.test", "10.9.8.7")


def test_passthrough_is_for_the_hosts_of_the_entry_alone() -> None:
    pinned = parse_pattern("pinned.test")
    rules = HostPolicy(allow=[pinned], routes=[Route(pattern=pinned, is_passthrough=True)])
    assert rules.is_passthrough("pinned.test", 443)
    assert not rules.is_passthrough("other.test", 443)


HOSTS = st.from_regex(r"([a-c]\.){0,3}(good|evilgood|bad)\.(test|test\.evil)", fullmatch=True) | st.text(max_size=30)


@given(HOSTS, st.integers(1, 65535), st.sampled_from([None, "GET", "POST"]), st.text(max_size=20))
def test_unlisted_host_is_never_allowed(raw: str, port: int, method: str | None, path: str) -> None:
    try:
        host = canonical_host(raw)
    except HostError:
        return
    rules = policy("good.test|*.b.good.test|GET bad.test/x/", "*")
    decision = rules.decide(host, port, method, path)
    is_listed = host in ("good.test", "bad.test") or host.endswith(".b.good.test")
    if not is_listed or port not in (80, 443):
        assert decision.verdict == "deny"
    assert rules.is_resolvable(host) is is_listed
