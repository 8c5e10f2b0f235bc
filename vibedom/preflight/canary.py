"""Canary tokens: fake credentials that an honest agent has no reason to send anywhere.

They are put where stolen credentials are looked for, and the proxy knows them by value: one that shows up in traffic
means that something in the sandbox collects secrets.
"""

import os
import secrets
import string
from collections.abc import Sequence
from pathlib import Path

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


PLACES = (".aws/credentials", ".config/deploy/credentials.env")
"""Where in the agent's home they are planted: the cloud pair, and a file of variables."""


def canary_file(canaries: Sequence[Canary]) -> str:
    """The text of a file of credentials that holds them, for the agent's home."""
    return "".join(f"{canary.variable}={canary.value}\n" for canary in canaries)


def plant_canaries(canaries: Sequence[Canary], home: Path, *, uid: int, gid: int) -> None:
    """Write them into the agent's home, which no diff looks at, as its own files. Raises `OSError`; before the sandbox
    starts, as links that are there could lead out of the home."""
    cloud = "[default]\n" + "".join(
        f"{canary.variable.lower()} = {canary.value}\n" for canary in canaries if canary.variable.startswith("AWS_")
    )
    for place, text in zip(PLACES, (cloud, canary_file(canaries)), strict=True):
        _write(home, place, text.encode(), uid, gid)


def _write(home: Path, place: str, data: bytes, uid: int, gid: int) -> None:
    """Step by step without following a link: in a session that goes on, the home is what the agent left."""
    *directories, name = place.split("/")
    at = os.open(home, os.O_RDONLY | os.O_DIRECTORY)
    try:
        for directory in directories:
            if not _exists(at, directory):
                os.mkdir(directory, 0o700, dir_fd=at)
                os.chown(directory, uid, gid, dir_fd=at, follow_symlinks=False)
            inner = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=at)
            os.close(at)
            at = inner
        if _exists(at, name):
            os.unlink(name, dir_fd=at)
        fd = os.open(name, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600, dir_fd=at)
        with os.fdopen(fd, "wb") as file:
            file.write(data)
            os.fchown(fd, uid, gid)
    finally:
        os.close(at)


def _exists(directory: int, name: str) -> bool:
    try:
        os.stat(name, dir_fd=directory, follow_symlinks=False)
    except FileNotFoundError:
        return False
    return True


def canary_values(canaries: Sequence[Canary]) -> tuple[Value, ...]:
    """For the proxy's exact matcher, next to the known values."""
    return tuple((canary.name, canary.value.encode()) for canary in canaries)
