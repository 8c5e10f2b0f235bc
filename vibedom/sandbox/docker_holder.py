"""The holder: a container of vibedom's own image that owns the sandbox's network namespace and locks it down."""

import math
import select
import socket
from collections.abc import Mapping
from typing import Any

import aiodocker
from aiodocker.containers import DockerContainer

from vibedom.errors import LockdownError, SandboxError
from vibedom.sandbox import image, lockdown, selftest
from vibedom.sandbox.docker_endpoint import one_line
from vibedom.sandbox.docker_engine import asking
from vibedom.sandbox.docker_network import Bridge, bind, port
from vibedom.sandbox.docker_permit import Permit
from vibedom.sandbox.docker_stream import STDOUT, Attached
from vibedom.sandbox.lockdown import Lockdown
from vibedom.sandbox.runtime import Listeners

READY_SECONDS = 30.0
SELFTEST_SECONDS = 30.0

HOSTNAME = "sandbox"
"""The agent's container takes it over with the network namespace."""

_NOBODY = "65534:65534"
_OUTPUT_BYTES = 64 << 10


async def create(
    docker: aiodocker.Docker, name: str, *, bridge: Bridge, rules: Lockdown, permit: Permit, labels: Mapping[str, str]
) -> DockerContainer:
    """Make the holder, not yet started; `permit` is given. The rules are part of its configuration."""
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
    with asking("create the holder container", shield=True):
        return await docker.containers.create(config, name=name)


async def start(container: DockerContainer, seconds: float = READY_SECONDS) -> str:
    """Start the holder, wait until it has locked the namespace, and return its IPv4 address.

    Raises `LockdownError` where it says it could not, ends, or is silent for so many seconds.
    """
    try:
        with asking("lock the sandbox's network", seconds):
            async with Attached(container.attach(stdout=True, stderr=True)) as attached:
                await container.start()
                await _ready(attached)
            shown = await container.show()
    except SandboxError as exc:
        raise LockdownError(str(exc)) from exc
    networks = shown["NetworkSettings"]["Networks"].values()
    address = next((network["IPAddress"] for network in networks if network["IPAddress"]), None)
    if address is None:
        raise LockdownError("the engine gave the sandbox no address; see `docker network inspect`")
    return str(address)


async def _ready(attached: Attached) -> None:
    said = ""
    while (data := await attached.read(STDOUT)) is not None:
        said = (said + data.decode("utf-8", "replace"))[-_OUTPUT_BYTES:]
        if lockdown.READY in said.splitlines():
            return
    raise LockdownError(f"the lockdown could not be applied: {_reason(said)}; try `vibedom image build --force`")


def _reason(said: str) -> str:
    """What the holder gives as the reason, or its last words."""
    lines = [line for line in said.splitlines() if line.strip()] or ["the holder ended without a word"]
    named = [line.removeprefix(lockdown.FAILED).lstrip(": ") for line in lines if line.startswith(lockdown.FAILED)]
    return one_line((named or lines)[-1])


async def lost(container: DockerContainer) -> None:
    """Wait for the holder's end, which is never vibedom's own doing while an agent runs. Raises `SandboxError`."""
    with asking("watch the holder of the sandbox's network", math.inf, missing_ok=True):
        await container.wait()
    raise SandboxError(
        "the sandbox's network is gone: somebody stopped or restarted its holder in the engine; the work is kept, "
        "go on with `vibedom resume`"
    )


async def prove(container: DockerContainer, *, bridge: Bridge, listeners: Listeners, session: str) -> None:
    """Make the self-test's attempts inside the namespace. Raises `LockdownError` where they prove too little."""
    with bind(bridge, socket.SOCK_STREAM) as tcp, bind(bridge, socket.SOCK_DGRAM) as udp:
        tcp.listen()
        environment = selftest.environment(
            proxy_url=listeners.proxy_url, gateway=bridge.gateway, bait_tcp=port(tcp), bait_udp=port(udp)
        )
        try:
            with asking("run the self-test", SELFTEST_SECONDS):
                await _attempt_twice(container, environment, session)
        except LockdownError:
            raise
        except SandboxError as exc:
            raise LockdownError(str(exc)) from exc
        for bait, what in ((tcp, "TCP connection"), (udp, "UDP packet")):
            if _is_touched(bait):
                raise LockdownError(f"the lockdown does not hold: a {what} reached another port of the host")


async def _attempt_twice(container: DockerContainer, environment: Mapping[str, str], session: str) -> None:
    """A machine under load may be slow once; a packet that is dropped hangs again."""
    try:
        selftest.judge(selftest.parse(await _run(container, selftest.script(), environment)), session)
    except selftest.HungError:
        selftest.judge(selftest.parse(await _run(container, selftest.script(), environment)), session)


async def _run(container: DockerContainer, script: str, environment: Mapping[str, str]) -> str:
    execution = await container.exec(["bash", "-c", script], user=_NOBODY, environment=environment)
    output = bytearray()
    async with Attached(execution.start()) as attached:
        while (data := await attached.read(STDOUT)) is not None and len(output) < _OUTPUT_BYTES:
            output += data
    return output.decode("utf-8", "replace")


def _is_touched(bait: socket.socket) -> bool:
    """Whether anything has arrived at a non-blocking socket that nobody serves."""
    return bool(select.select([bait], [], [], 0)[0])
