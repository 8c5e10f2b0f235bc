"""The proof, from inside, that a holder's network is locked, and the watch over what was proved."""

import math
import select
import socket
from collections.abc import Mapping
from contextlib import suppress

import anyio

from vibedom.errors import LockdownError, SandboxError
from vibedom.sandbox import docker_http, selftest
from vibedom.sandbox.docker_client import EngineClient
from vibedom.sandbox.docker_http import MissingError
from vibedom.sandbox.docker_network import Bridge, bind, port
from vibedom.sandbox.docker_process import start_exec
from vibedom.sandbox.docker_stream import STDOUT
from vibedom.sandbox.runtime import Listeners

SELFTEST_SECONDS = 30.0

_WHAT = "run the self-test"
_NOBODY = "65534:65534"
_OUTPUT_BYTES = 64 << 10


async def lost(engine: EngineClient, holder: str) -> None:
    """Wait for the holder's end, which is never vibedom's own doing while an agent runs. Raises `SandboxError`."""
    with suppress(MissingError):
        what = "watch the holder of the sandbox's network"
        await engine.call(what, "POST", f"/containers/{holder}/wait", seconds=math.inf)
    raise SandboxError(
        "the sandbox's network is gone: somebody stopped or restarted its holder in the engine; the work is kept, "
        "go on with `vibedom resume`"
    )


async def prove(engine: EngineClient, holder: str, *, bridge: Bridge, listeners: Listeners, session: str) -> None:
    """Make the self-test's attempts inside the namespace. Raises `LockdownError` where they prove too little."""
    with bind(bridge, socket.SOCK_STREAM) as tcp, bind(bridge, socket.SOCK_DGRAM) as udp:
        tcp.listen()
        environment = selftest.environment(
            proxy_url=listeners.proxy_url, gateway=bridge.gateway, bait_tcp=port(tcp), bait_udp=port(udp)
        )
        try:
            with anyio.fail_after(SELFTEST_SECONDS):
                await _attempt_twice(engine, holder, environment, session)
        except LockdownError:
            raise
        except TimeoutError as exc:
            raise LockdownError(str(docker_http.silent(_WHAT, SELFTEST_SECONDS))) from exc
        except SandboxError as exc:
            raise LockdownError(str(exc)) from exc
        for bait, what in ((tcp, "TCP connection"), (udp, "UDP packet")):
            if _is_touched(bait):
                raise LockdownError(f"the lockdown does not hold: a {what} reached another port of the host")


async def _attempt_twice(engine: EngineClient, holder: str, environment: Mapping[str, str], session: str) -> None:
    """A machine under load may be slow once; a packet that is dropped hangs again."""
    try:
        selftest.judge(selftest.parse(await _run(engine, holder, environment)), session)
    except selftest.HungError:
        selftest.judge(selftest.parse(await _run(engine, holder, environment)), session)


async def _run(engine: EngineClient, holder: str, environment: Mapping[str, str]) -> str:
    wanted = {
        "Cmd": ["bash", "-c", selftest.script()],
        "User": _NOBODY,
        "Env": [f"{name}={value}" for name, value in environment.items()],
        "AttachStdout": True,
        "AttachStderr": True,
    }
    output = bytearray()
    _, attached = await start_exec(engine, _WHAT, holder, wanted)
    async with attached:
        while (data := await attached.read(STDOUT)) is not None and len(output) < _OUTPUT_BYTES:
            output += data
    return output.decode("utf-8", "replace")


def _is_touched(bait: socket.socket) -> bool:
    """Whether anything has arrived at a non-blocking socket that nobody serves."""
    return bool(select.select([bait], [], [], 0)[0])
