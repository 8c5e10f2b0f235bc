"""Judges the attempts of `local_probe.py`: the proxy answers as ours, the resolver refuses, and nothing else goes."""

from collections.abc import Mapping

from vibedom.errors import LockdownError
from vibedom.sandbox.selftest import FAST_MS, Attempt

_BLOCKED = {
    "public-tcp": "a TCP connection to a public address",
    "public-udp": "a UDP packet to a public address",
    "public-ipv6": "a connection to a public IPv6 address",
    "loopback-tcp": "a TCP connection to a port of this machine",
}


def judge(attempts: Mapping[str, Attempt], session: str) -> None:
    """Return if every attempt ended as it must; else raise `LockdownError` that names the first that did not."""
    missing = {"proxy", "resolver", "interfaces", *_BLOCKED} - attempts.keys()
    if missing:
        raise LockdownError(f"the self-test is not complete ({', '.join(sorted(missing))} missing); retry")
    if attempts["interfaces"].outcome != "lo":
        raise LockdownError(f"the sandbox has other interfaces than lo: {attempts['interfaces'].outcome}")
    _judge_proxy(attempts["proxy"].outcome, session)
    _judge_resolver(attempts["resolver"].outcome)
    for name, what in _BLOCKED.items():
        _judge_blocked(attempts[name], what)


def _judge_proxy(outcome: str, session: str) -> None:
    if outcome.startswith("no:"):
        raise LockdownError(f"sandbox cannot reach proxy (error {outcome[3:]}); see the session log")
    if outcome != session:
        raise LockdownError("sandbox cannot reach proxy: something else answers at its address; see `vibedom doctor`")


def _judge_resolver(header: str) -> None:
    """The answer's header: the response bit, and no answer record for a name that nobody listed."""
    if len(header) != 24 or not int(header[4:6], 16) & 0x80:
        raise LockdownError("sandbox cannot reach resolver; see the session log")
    if header[12:16] != "0000":
        raise LockdownError("the resolver answers a name that is not listed; check the whitelist for `*`")


def _judge_blocked(attempt: Attempt, what: str) -> None:
    if not attempt.outcome.startswith("no:"):
        raise LockdownError(f"the lockdown does not hold: {what} got out; see `vibedom doctor`")
    if attempt.milliseconds >= FAST_MS:
        raise LockdownError(
            f"the lockdown does not reject: {what} hung for {attempt.milliseconds} ms; see `vibedom doctor`"
        )
