"""The holder: a container of vibedom's own image that owns the sandbox's network namespace and locks it down."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from vibedom.errors import LockdownError, SandboxError
from vibedom.sandbox import image, lockdown
from vibedom.sandbox.docker_caller import Caller
from vibedom.sandbox.docker_endpoint import one_line
from vibedom.sandbox.docker_network import Bridge
from vibedom.sandbox.docker_permit import Permit
from vibedom.sandbox.lockdown import Lockdown

READY_SECONDS = 30.0

HOSTNAME = "sandbox"
"""The agent's container takes it over with the network namespace."""

_OUTPUT_BYTES = 64 << 10


def create(
    caller: Caller, name: str, *, bridge: Bridge, rules: Lockdown, permit: Permit, labels: Mapping[str, str]
) -> str:
    """Make the holder, not yet started, and return its id; `permit` is given. The rules are part of its configuration.
    Blocking. Raises `SandboxError`.
    """
    config: dict[str, Any] = {
        "Image": image.NAME,
        "Entrypoint": ["/bin/sh", "-c", lockdown.script()],
        "Cmd": [],
        "Env": [f"{key}={value}" for key, value in rules.environment().items()],
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


def start(
    caller: Caller, container: str, seconds: float = READY_SECONDS, *, running: Callable[[], object] = lambda: None
) -> str:
    """Start the holder, wait until it has locked the namespace, and return its IPv4 address. Blocking. `running` is
    called in between: the namespace is there, and not locked yet.

    Raises `LockdownError` where it says it could not, ends, or is silent for so many seconds.
    """
    what = "lock the sandbox's network"
    try:
        with caller.output(what, container, seconds=seconds) as output:
            caller.call(what, "POST", f"/containers/{container}/start", seconds=seconds)
            running()
            _ready(output)
        shown = caller.call(what, "GET", f"/containers/{container}/json")
    except LockdownError:
        raise
    except SandboxError as exc:
        raise LockdownError(str(exc)) from exc
    networks = shown["NetworkSettings"]["Networks"].values()
    address = next((network["IPAddress"] for network in networks if network["IPAddress"]), None)
    if address is None:
        raise LockdownError("the engine gave the sandbox no address; see `docker network inspect`")
    return str(address)


def _ready(output: Iterator[bytes]) -> None:
    said = ""
    for data in output:
        said = (said + data.decode("utf-8", "replace"))[-_OUTPUT_BYTES:]
        lines = said.splitlines()
        if lockdown.READY in lines:
            return
        if said.endswith("\n") and any(line.startswith(lockdown.FAILED) for line in lines):
            break
    raise LockdownError(f"the lockdown could not be applied: {_reason(said)}; try `vibedom image build --force`")


def _reason(said: str) -> str:
    """What the holder gives as the reason, or its last words."""
    lines = [line for line in said.splitlines() if line.strip()] or ["the holder ended without a word"]
    named = [line.removeprefix(lockdown.FAILED).lstrip(": ") for line in lines if line.startswith(lockdown.FAILED)]
    return one_line((named or lines)[-1])
