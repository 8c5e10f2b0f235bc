"""Which runtime a session uses: what was asked for, or the best that works here."""

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import msgspec

from vibedom.errors import RuntimeUnavailableError, UsageError
from vibedom.paths import Home
from vibedom.sandbox.runtime import Runtime, RuntimeName

if TYPE_CHECKING:
    from vibedom.sandbox.docker_foundation import Foundation

Choice = Literal["auto", "docker", "local", "apple"]
CHOICES: tuple[Choice, ...] = ("auto", "docker", "local")


class Tried(msgspec.Struct, frozen=True, kw_only=True):
    """One runtime that was looked at, and why it cannot be used (None: it can)."""

    name: RuntimeName
    reason: str | None


def make(name: RuntimeName, home: Home, begun: "Foundation | None" = None) -> Runtime:
    """The runtime itself; nothing is contacted. Its module is imported here: each brings its own libraries. `begun` is
    what an engine has begun with for one session."""
    if name == "docker":
        from vibedom.sandbox.docker import DockerRuntime

        return DockerRuntime(home.root, environment=os.environ, user_home=Path.home(), begun=begun)
    if name == "local":
        from vibedom.sandbox.local import LocalRuntime

        return LocalRuntime(home)
    raise UsageError(f"runtime {name}: not in this version; use one of {', '.join(CHOICES)}")


def candidates(choice: Choice) -> tuple[RuntimeName, ...]:
    """In the order they are tried."""
    if choice != "auto":
        return (choice,)
    return ("docker",) if sys.platform == "darwin" else ("docker", "local")


async def choose(choice: Choice, home: Home, tell: Callable[[str], None], begun: "Foundation | None" = None) -> Runtime:
    """The first usable runtime. With `auto`, `tell` gets the reason why a better one was passed over.

    Raises `RuntimeUnavailableError` with the reason of each.
    """
    tried: list[Tried] = []
    for name in candidates(choice):
        runtime = make(name, home, begun)
        reason = await runtime.available()
        if reason is None:
            for other in tried:
                tell(f"runtime {name}; {other.name} cannot be used: {other.reason}")
            return runtime
        await runtime.aclose()
        tried.append(Tried(name=name, reason=reason))
    raise RuntimeUnavailableError("; ".join(f"{other.name}: {other.reason}" for other in tried))


async def survey(home: Home) -> list[Tried]:
    """Every runtime of this platform, with its state."""
    found = []
    for name in candidates("auto"):
        runtime = make(name, home)
        found.append(Tried(name=name, reason=await runtime.available()))
        await runtime.aclose()
    return found
