"""The holder: a container of vibedom's own image that owns the sandbox's network namespace and locks it down."""

import itertools
from collections.abc import Iterator, Mapping
from typing import Any, Protocol

from vibedom.errors import LockdownError, SandboxError
from vibedom.sandbox import image, lockdown, selftest
from vibedom.sandbox.docker_caller import Caller
from vibedom.sandbox.docker_endpoint import one_line
from vibedom.sandbox.docker_network import Bridge
from vibedom.sandbox.docker_permit import Permit
from vibedom.sandbox.lockdown import Lockdown

READY_SECONDS = 30.0
REPORT_SECONDS = 600
"""How long the self-test waits for those who are to answer it: somebody may be asked something meanwhile."""

HOSTNAME = "sandbox"
"""The agent's container takes it over with the network namespace."""

_OUTPUT_BYTES = 64 << 10


def create(
    caller: Caller,
    name: str,
    *,
    bridge: Bridge,
    rules: Lockdown,
    attempts: Mapping[str, str],
    permit: Permit,
    labels: Mapping[str, str],
) -> str:
    """Make the holder, not yet started, and return its id; `permit` is given. The rules, and what its self-test
    attempts (`selftest.environment`), are part of its configuration. Blocking. Raises `SandboxError`.
    """
    variables = {**rules.environment(), **attempts, "VIBEDOM_SELFTEST": selftest.script()}
    config: dict[str, Any] = {
        "Image": image.NAME,
        "Entrypoint": ["/bin/sh", "-c", lockdown.script()],
        "Cmd": [],
        "Env": [f"{key}={value}" for key, value in variables.items()],
        "User": "0:0",
        "WorkingDir": "/",
        "Labels": dict(labels),
        "Hostname": HOSTNAME,
        "StopSignal": "SIGKILL",
        "HostConfig": {
            "NetworkMode": bridge.name,
            "UsernsMode": "host",
            "CapDrop": ["ALL"],
            # SETPCAP only lets it empty its own bounding set, once the rules stand.
            "CapAdd": ["NET_ADMIN", "SETPCAP"],
            "SecurityOpt": ["no-new-privileges"],
            "ReadonlyRootfs": True,
            "Tmpfs": {"/run": "rw,nosuid,nodev,noexec,size=64k"},
            "Mounts": [permit.mount()],
            "PidsLimit": 64,
            "Memory": 64 << 20,
            "RestartPolicy": {"Name": "no"},
            "LogConfig": {"Type": "none", "Config": {}},
        },
    }
    made = caller.call("create the holder container", "POST", "/containers/create", config, name=name)
    return str(made["Id"])


class Observer(Protocol):
    """Who is told what the holder does, in this order."""

    def running(self, address: str) -> None:
        """There is a namespace to join, with this IPv4 address; it is not locked yet."""
        ...

    def locked(self) -> None: ...

    def reported(self, text: str) -> None:
        """The self-test's lines so far, the last one perhaps in part."""
        ...


def start(caller: Caller, container: str, observer: Observer, seconds: float = READY_SECONDS) -> None:
    """Start the holder, wait until it has locked the namespace, and read the report of its self-test, which waits for
    those who are to answer. Blocking.

    Raises `LockdownError` where it says it could not lock it, ends, or is silent for so many seconds, and where the
    report breaks off.
    """
    try:
        _start(caller, container, observer, seconds)
    except LockdownError:
        raise
    except SandboxError as exc:
        raise LockdownError(str(exc)) from exc


def _start(caller: Caller, container: str, observer: Observer, seconds: float) -> None:
    what = "lock the sandbox's network"
    with caller.output(what, container, seconds=seconds) as wire:
        caller.call(what, "POST", f"/containers/{container}/start", seconds=seconds)
        address = _address(caller.call(what, "GET", f"/containers/{container}/json"))
        if address is not None:
            observer.running(address)
        output = wire.frames()
        said = _ready(output)
        if address is None:
            raise LockdownError("the engine gave the sandbox no address; see `docker network inspect`")
        observer.locked()
        wire.extend(REPORT_SECONDS)
        for data in itertools.chain([b""], output):
            said = (said + data.decode("utf-8", "replace"))[-_OUTPUT_BYTES:]
            observer.reported(said)
            if lockdown.TESTED in said.splitlines():
                return


def _address(shown: Mapping[str, Any]) -> str | None:
    """None also where the holder has ended already."""
    networks = shown["NetworkSettings"]["Networks"].values()
    return next((str(network["IPAddress"]) for network in networks if network["IPAddress"]), None)


def _ready(output: Iterator[bytes]) -> str:
    """What follows the word that the rules stand."""
    said = ""
    for data in output:
        said = (said + data.decode("utf-8", "replace"))[-_OUTPUT_BYTES:]
        before, ready, after = said.partition(f"{lockdown.READY}\n")
        if ready and (not before or before.endswith("\n")):
            return after
        if said.endswith("\n") and any(line.startswith(lockdown.FAILED) for line in said.splitlines()):
            break
    raise LockdownError(f"the lockdown could not be applied: {_reason(said)}; try `vibedom image build --force`")


def _reason(said: str) -> str:
    """What the holder gives as the reason, or its last words."""
    lines = [line for line in said.splitlines() if line.strip()] or ["the holder ended without a word"]
    named = [line.removeprefix(lockdown.FAILED).lstrip(": ") for line in lines if line.startswith(lockdown.FAILED)]
    return one_line((named or lines)[-1])
