"""The self-test: attempts made from inside a locked sandbox, and what they must prove before the agent starts."""

from collections.abc import Mapping
from pathlib import Path

import msgspec

from vibedom.errors import LockdownError

SELFTEST_URL = "http://vibedom.invalid/selftest"
"""What the proxy answers with the session's id: nobody else can, so the answer shows whose proxy it is."""

FAST_MS = 1000
"""A refusal slower than this is a dropped packet, and an agent that hangs."""

BLOCKED = {
    "public-tcp": "a TCP connection to a public address",
    "public-udp": "a UDP packet to a public address",
    "public-ipv6": "a connection to a public IPv6 address",
    "gateway-tcp": "a TCP connection to another port of the host",
    "gateway-udp": "a UDP packet to another port of the host",
    "engine-resolver-tcp": "a TCP connection to the engine's resolver 127.0.0.11",
    "engine-resolver-udp": "a UDP packet to the engine's resolver 127.0.0.11",
}
"""Attempts that must fail, and fast: name in selftest.sh -> what it is."""

ANSWERED = ("proxy", "resolver")
"""Attempts that must be answered."""

_DNS_ID = "5644"
_QUIET = "look at the host's firewall (rules for the bridge's interface), then `vibedom doctor`"


class HungError(LockdownError):
    """An attempt was not refused at once: its packets are dropped, or the machine was slow."""


class UnansweredError(LockdownError):
    """Proxy or resolver did not answer in time: it is not served, or was served too late."""


class Attempt(msgspec.Struct, frozen=True):
    """One line of the self-test's output."""

    outcome: str
    """`open`, `sent`, `no:EXITCODE`, or what the proxy or the resolver answered."""
    milliseconds: int


UNANSWERED = Attempt("no:28", 0)
"""What an attempt is that nobody answers; curl has the number for it."""


def script() -> str:
    """The attempts, for bash."""
    return Path(__file__).with_name("image").joinpath("selftest.sh").read_text("utf-8")


def environment(
    *, proxy_url: str, gateway: str, bait_tcp: int, bait_udp: int, patience_seconds: int
) -> Mapping[str, str]:
    """What `selftest.sh` reads. The baits are ports of the gateway where somebody listens who must not be reached;
    proxy and resolver have `patience_seconds` for their answers."""
    return {
        "VIBEDOM_PROXY": proxy_url,
        "VIBEDOM_GATEWAY": gateway,
        "VIBEDOM_BAIT_TCP": str(bait_tcp),
        "VIBEDOM_BAIT_UDP": str(bait_udp),
        "VIBEDOM_PATIENCE": str(patience_seconds),
    }


def parse(output: str) -> dict[str, Attempt]:
    """The attempts by name. Lines that are none are left out; `judge` misses them then."""
    attempts = {}
    for line in output.splitlines():
        words = line.split(" ")
        if len(words) == 3 and words[2].isdecimal():
            attempts[words[0]] = Attempt(words[1], int(words[2]))
    return attempts


def judge(attempts: Mapping[str, Attempt], session: str) -> None:
    """Return if every attempt ended as it must; else raise `LockdownError` that names the first that did not."""
    missing = sorted({*ANSWERED, *BLOCKED} - attempts.keys())
    if missing:
        raise LockdownError(
            f"the self-test is not complete ({', '.join(missing)} missing): is the sandbox image current?"
        )
    # First what nothing makes good: the rest may be tried again.
    for name, what in BLOCKED.items():
        _judge_blocked(attempts[name], what)
    _judge_proxy(attempts["proxy"], session)
    _judge_resolver(attempts["resolver"])
    for name, what in BLOCKED.items():
        _judge_quick(attempts[name], what)


def _judge_proxy(attempt: Attempt, session: str) -> None:
    if attempt.outcome == session:
        return
    if attempt.outcome.startswith("no:"):
        raise UnansweredError(f"sandbox cannot reach proxy (curl exit code {attempt.outcome[3:]}); {_QUIET}")
    raise LockdownError("sandbox cannot reach proxy: something else answers at its address; see `vibedom doctor`")


def _judge_resolver(attempt: Attempt) -> None:
    """The answer's header: our id, the response bit, and no answer record for a name that nobody listed."""
    header = attempt.outcome
    if len(header) != 24 or not header.startswith(_DNS_ID) or not int(header[4:6], 16) & 0x80:
        raise UnansweredError(f"sandbox cannot reach resolver; {_QUIET}")
    if header[12:16] != "0000":
        raise LockdownError("the resolver answers a name that is not listed; check the whitelist for `*`")


def _judge_blocked(attempt: Attempt, what: str) -> None:
    if not attempt.outcome.startswith("no:"):
        raise LockdownError(f"the lockdown does not hold: {what} got out; see `vibedom doctor`")


def _judge_quick(attempt: Attempt, what: str) -> None:
    if attempt.milliseconds >= FAST_MS:
        raise HungError(
            f"the lockdown does not reject: {what} hung for {attempt.milliseconds} ms; see `vibedom doctor`"
        )
