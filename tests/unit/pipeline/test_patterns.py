"""One line of the whitelist: what it matches, and what is refused when it is loaded."""

import pytest

from pipeline.patterns import PatternError, parse_pattern

GOOD_TEST_MISSES = (
    "evilgood.test",
    "good.test.evil",
    "goodxtest",
    "good.test-evil",
    "a.good.test",
    "good.tes",
    "ood.test",
    "test",
)


def test_exact_pattern_matches_that_host_alone() -> None:
    pattern = parse_pattern("good.test")
    assert pattern.matches_host("good.test")
    assert not [host for host in GOOD_TEST_MISSES if pattern.matches_host(host)]


def test_wildcard_matches_subdomains_at_any_depth_but_not_the_apex() -> None:
    pattern = parse_pattern("*.good.test")
    assert pattern.matches_host("a.good.test")
    assert pattern.matches_host("a.b.c.good.test")
    for host in ("good.test", "evilgood.test", "good.test.evil", "a.good.test.evil", "agood.test"):
        assert not pattern.matches_host(host)


@pytest.mark.parametrize(
    ("line", "host"),
    [
        ("GitHub.com.", "github.com"),
        ("  github.com  ", "github.com"),
        ("münchen.example", "xn--mnchen-3ya.example"),
        ("github\u3002com", "github.com"),
        ("[::FFFF:192.0.2.1]", "192.0.2.1"),
        ("2001:DB8::1", "2001:db8::1"),
    ],
)
def test_entries_are_normalised_the_way_hosts_are(line: str, host: str) -> None:
    assert parse_pattern(line).matches_host(host)


@pytest.mark.parametrize(
    ("line", "advice"),
    [
        ("https://github.com/x", "write 'github.com'"),
        ("HTTP://github.com", "write 'github.com'"),
        (".github.com", "write '*.github.com'"),
        ("github.com github.org", "METHOD host/path"),
        ("get github.com", "upper case"),
        ("GET,github.com", "not a host name"),
        ("", "write 'host'"),
        ("git*.com", "not a host name"),
        ("*.*.com", "not a host name"),
        ("*.10.0.0.1", "network"),
        ("github.com:", "port"),
        ("github.com:https", "port"),
        ("github.com:0", "port"),
        ("github.com:70000", "port"),
        ("user@github.com", "not a host name"),
        ("github..com", "not a host name"),
        ("10.0.0.1/8", "host bits"),
        ("10.0.0.0/33", "wrong length"),
        ("127.1", "IPv4"),
        ("github.com/a?b=c", "percent-encode"),
        ("github.com/a b", "METHOD host/path"),
        ("github.com/a/../b", "dot segments"),
        ("github.com//a", "empty or dot"),
        ("github.com/a;b", "percent-encode"),
        ("github.com/%2A", "escaped '*'"),
    ],
)
def test_line_that_cannot_mean_anything_is_refused_with_what_to_write(line: str, advice: str) -> None:
    with pytest.raises(PatternError) as caught:
        parse_pattern(line)
    assert advice in str(caught.value)
    assert "\n" not in str(caught.value)


def test_without_a_port_allowing_covers_http_and_https_and_denying_covers_all() -> None:
    pattern = parse_pattern("good.test")
    assert [pattern.allows_port(port) for port in (80, 443, 22, 8443)] == [True, True, False, False]
    assert all(pattern.denies_port(port) for port in (80, 443, 22, 8443))


def test_port_and_any_port_are_explicit() -> None:
    assert parse_pattern("good.test:8443").allows_port(8443)
    assert not parse_pattern("good.test:8443").allows_port(443)
    assert not parse_pattern("good.test:8443").denies_port(443)
    assert parse_pattern("good.test:*").allows_port(22)


def test_addresses_networks_and_their_ports() -> None:
    assert parse_pattern("192.0.2.10:1234").matches_host("192.0.2.10")
    assert parse_pattern("[2001:db8::1]:8443").port == 8443
    network = parse_pattern("10.0.0.0/8")
    assert network.matches_host("10.200.0.1")
    assert not network.matches_host("11.0.0.1")
    assert not network.matches_host("10.test")
    assert parse_pattern("[fd00::]/8").matches_host("fd12::1")
    assert parse_pattern("fd00::/8").matches_host("fd12::1")
    assert not parse_pattern("*.test").matches_host("10.0.0.1")


def test_methods_are_a_list_in_upper_case() -> None:
    pattern = parse_pattern("GET,HEAD api.test/repos/**")
    assert pattern.covers_method("HEAD")
    assert not pattern.covers_method("POST")
    assert not pattern.covers_method("get")
    assert parse_pattern("api.test").covers_method("ANY-THING")


@pytest.mark.parametrize(
    ("less", "more"),
    [
        ("*", "*.test"),
        ("*.test", "*.a.test"),
        ("*.a.test", "b.a.test"),
        ("10.0.0.0/8", "10.1.0.0/16"),
        ("10.1.0.0/16", "10.1.2.3"),
        ("a.test", "a.test:443"),
        ("a.test", "a.test/x/"),
        ("a.test/x/", "a.test/x/y/"),
        ("a.test/x/**", "a.test/x/y"),
        ("a.test/x/", "GET a.test/x/"),
        ("GET a.test", "a.test/x/"),
        ("a.test/x/", "a.test:443"),
        ("*.a.test:443/x", "b.a.test"),
    ],
)
def test_specificity_orders_host_port_path_method(less: str, more: str) -> None:
    assert parse_pattern(less).specificity < parse_pattern(more).specificity


def test_label_shows_where_a_pattern_is_from() -> None:
    assert parse_pattern(" a.test ", source="trusted_domains.txt:12").label == "trusted_domains.txt:12 a.test"
