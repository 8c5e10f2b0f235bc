"""One canonical form for every spelling of a host, or a refusal."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.hosts import HostError, PortError, canonical_host, is_ip_literal, split_authority

SAME_AS_GOOD = (
    "good.test",
    "GOOD.TEST",
    "gOoD.tEsT",
    "good.test.",
    "good\u3002test",  # ideographic full stop
    "good\uff0etest",  # full-width full stop
    "good\uff61test",  # half-width ideographic full stop
    "\uff47ood.test",  # full-width g
    "good\u00ad.test",  # soft hyphen, which IDNA drops
    b"good.test",
    b"GOOD.test.",
)
REFUSED = (
    "",
    ".",
    "..",
    ".good.test",
    "good..test",
    "good.test..",
    "good.test\0",
    "good.test\n",
    "good.test\r\nx: y",
    "good.test\t",
    " good.test",
    "good.test ",
    "good .test",
    "good.test%00",
    "good%2etest",
    "good.test/",
    "good.test\\evil.test",
    "good.test#evil.test",
    "good.test?evil.test",
    "good.test@evil.test",
    "good.test:443",
    "-good.test",
    "good-.test",
    "g\u2044ood.test",  # fraction slash
    "\u2100.test",  # becomes a/c
    "good\u202e.test",
    "x" * 64 + ".test",
    "a." * 127 + "test",
    "x" * 5000,
    b"\xff.test",
    "[good.test]",
    "*.good.test",
)
REFUSED_ADDRESSES = (
    "127.1",
    "127.0.1",
    "2130706433",
    "0x7f000001",
    "0x7f.0.0.1",
    "0177.0.0.1",
    "127.0.0.01",
    "127.0.0.256",
    "1.2.3.4.5",
    "good.0x7f",
    "good.127",
    "[127.0.0.1]",
    "[::1",
    "::1]",
    "[[::1]]",
    "fe80::1%eth0",
    "[fe80::1%25eth0]",
    ":::",
    "1::2::3",
    "::ffff:1.2.3.4.5",
)


@pytest.mark.parametrize("spelling", SAME_AS_GOOD)
def test_every_spelling_of_a_host_has_one_form(spelling: str | bytes) -> None:
    assert canonical_host(spelling) == "good.test"


@pytest.mark.parametrize("text", REFUSED)
def test_what_is_no_host_is_refused(text: str | bytes) -> None:
    with pytest.raises(HostError):
        canonical_host(text)


@pytest.mark.parametrize("text", REFUSED_ADDRESSES)
def test_addresses_that_resolvers_read_in_two_ways_are_refused(text: str) -> None:
    with pytest.raises(HostError):
        canonical_host(text)


@pytest.mark.parametrize(
    ("raw", "canonical"),
    [
        ("münchen.example", "xn--mnchen-3ya.example"),
        ("MÜNCHEN.example.", "xn--mnchen-3ya.example"),
        ("xn--mnchen-3ya.example", "xn--mnchen-3ya.example"),
        ("straße.example", "xn--strae-oqa.example"),
        ("_dmarc.good.test", "_dmarc.good.test"),
        ("localhost", "localhost"),
        ("192.0.2.10", "192.0.2.10"),
        ("192.0.2.10.", "192.0.2.10"),
        ("[2001:DB8:0:0::1]", "2001:db8::1"),
        ("2001:db8::1", "2001:db8::1"),
        ("[::ffff:127.0.0.1]", "127.0.0.1"),
        ("::ffff:7f00:1", "127.0.0.1"),
    ],
)
def test_names_and_addresses_have_their_standard_form(raw: str, canonical: str) -> None:
    assert canonical_host(raw) == canonical


def test_full_width_digits_are_the_address_they_look_like() -> None:
    assert canonical_host("\uff11\uff12\uff17.0.0.1") == "127.0.0.1"


@given(st.text(max_size=80) | st.from_regex(r"[a-zA-Zäöü0-9._-]{1,40}", fullmatch=True))
def test_canonical_form_of_the_canonical_form_is_itself(text: str) -> None:
    try:
        host = canonical_host(text)
    except HostError:
        return
    assert canonical_host(host) == host
    assert host.isascii()
    assert host == host.lower()
    assert not host.endswith(".")


@given(st.binary(max_size=300))
def test_no_bytes_raise_anything_but_a_host_error(raw: bytes) -> None:
    for read in (canonical_host, split_authority):
        with suppress(HostError):
            read(raw)


def test_error_never_repeats_what_was_given() -> None:
    with pytest.raises(HostError) as caught:
        canonical_host("canary secret")
    assert "canary" not in str(caught.value)


@pytest.mark.parametrize(
    ("raw", "host", "port"),
    [
        ("good.test", "good.test", None),
        ("Good.Test:8443", "good.test", 8443),
        ("good.test:", "good.test", None),
        ("[::1]:8443", "::1", 8443),
        ("[::1]", "::1", None),
        (b"good.test:443", "good.test", 443),
    ],
)
def test_authority_is_split_into_host_and_port(raw: str | bytes, host: str, port: int | None) -> None:
    assert split_authority(raw) == (host, port)


@pytest.mark.parametrize(
    "port", ["0", "65536", "99999999999", "+443", "-1", "0443", "4 43", "443 ", "0x1bb", "\uff14\uff14\uff13", "443a"]
)
def test_port_that_is_not_plain_decimal_is_a_port_error(port: str) -> None:
    with pytest.raises(PortError) as caught:
        split_authority(f"good.test:{port}")
    assert caught.value.reason == "bad-port"


@pytest.mark.parametrize("raw", ["user@good.test", "user:word@good.test:443", "::1", "::1:443", "good.test:443:443"])
def test_user_information_and_bare_ipv6_are_no_authority(raw: str) -> None:
    with pytest.raises(HostError):
        split_authority(raw)


def test_literals_are_told_from_names() -> None:
    assert is_ip_literal("192.0.2.1")
    assert is_ip_literal("2001:db8::1")
    assert not is_ip_literal("good.test")
    assert not is_ip_literal("1.2.3.4.test")
