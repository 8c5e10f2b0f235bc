"""Canary tokens: fake credentials that an honest agent has no reason to send anywhere.

They are put where stolen credentials are looked for, and the proxy knows them by value: one that shows up in traffic
means that something in the sandbox collects secrets.
"""

import secrets
import string
from collections.abc import Sequence

import msgspec

from vibedom.preflight.known_values import Value

_UPPER = string.ascii_uppercase + "234567"
_MIXED = string.ascii_letters + string.digits


class Canary(msgspec.Struct, frozen=True, kw_only=True):
    """One fake credential. The representation does not show its value: a log would look like a leak."""

    name: str
    variable: str
    """Environment variable that a file of credentials would set."""
    value: str

    def __repr__(self) -> str:
        return f"Canary({self.name})"


def new_canaries() -> tuple[Canary, ...]:
    """A set for one session, never the same twice. None of them opens anything."""
    return (
        Canary(name="canary cloud key", variable="AWS_ACCESS_KEY_ID", value="AKIA" + _random(_UPPER, 16)),
        Canary(name="canary cloud secret", variable="AWS_SECRET_ACCESS_KEY", value=_random(_MIXED + "+/", 40)),
        Canary(name="canary deploy token", variable="DEPLOY_TOKEN", value="ghp_" + _random(_MIXED, 36)),
    )


def _random(alphabet: str, length: int) -> str:
    return "".join(secrets.choice(alphabet) for _ in range(length))


def canary_file(canaries: Sequence[Canary]) -> str:
    """The text of a file of credentials that holds them, for the agent's home."""
    return "".join(f"{canary.variable}={canary.value}\n" for canary in canaries)


def canary_values(canaries: Sequence[Canary]) -> tuple[Value, ...]:
    """For the proxy's exact matcher, next to the known values."""
    return tuple((canary.name, canary.value.encode()) for canary in canaries)
