"""How the local runtime judges its own self-test."""

import pytest

from vibedom.errors import LockdownError
from vibedom.sandbox import local_selftest
from vibedom.sandbox.selftest import Attempt

REFUSED = Attempt("no:111", 0)
RESOLVER = Attempt("5644" + "8185" + "0001" + "0000" + "0000" + "0000", 1)

GOOD = {
    "proxy": Attempt("session-1", 2),
    "resolver": RESOLVER,
    "interfaces": Attempt("lo", 0),
    "public-tcp": REFUSED,
    "public-udp": REFUSED,
    "public-ipv6": Attempt("no:97", 0),
    "loopback-tcp": REFUSED,
}


def test_a_closed_sandbox_with_our_proxy_passes() -> None:
    local_selftest.judge(GOOD, "session-1")


@pytest.mark.parametrize("name", sorted(GOOD))
def test_an_attempt_that_is_missing_fails(name: str) -> None:
    with pytest.raises(LockdownError, match=f"not complete .*{name}"):
        local_selftest.judge({key: value for key, value in GOOD.items() if key != name}, "session-1")


@pytest.mark.parametrize(
    ("name", "attempt", "words"),
    [
        ("proxy", REFUSED, "cannot reach proxy"),
        ("proxy", Attempt("session-2", 1), "something else answers"),
        ("proxy", Attempt("nothing", 1), "something else answers"),
        ("resolver", Attempt("no:11", 2000), "cannot reach resolver"),
        ("resolver", Attempt("", 1), "cannot reach resolver"),
        ("resolver", Attempt("56440100" + "00010000" + "00000000", 1), "cannot reach resolver"),
        ("resolver", Attempt("56448180" + "00010001" + "00000000", 1), "not listed"),
        ("interfaces", Attempt("lo,eth0", 0), "eth0"),
        ("public-tcp", Attempt("open", 1), "does not hold"),
        ("public-udp", Attempt("sent", 2000), "does not hold"),
        ("public-ipv6", Attempt("no:110", 2000), "does not reject"),
        ("loopback-tcp", Attempt("open", 1), "does not hold"),
    ],
)
def test_an_attempt_that_ends_otherwise_fails_with_its_name(name: str, attempt: Attempt, words: str) -> None:
    with pytest.raises(LockdownError, match=words):
        local_selftest.judge(GOOD | {name: attempt}, "session-1")
