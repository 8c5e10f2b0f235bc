"""The proof, from inside, that a holder's network is locked, and the watch over what was proved."""

import math
from collections.abc import Mapping
from contextlib import suppress

import anyio
import anyio.to_thread

from vibedom.errors import LockdownError, SandboxError
from vibedom.sandbox import docker_http, selftest
from vibedom.sandbox.docker_baits import Baits
from vibedom.sandbox.docker_client import EngineClient
from vibedom.sandbox.docker_foundation import Foundation
from vibedom.sandbox.docker_http import MissingError
from vibedom.sandbox.docker_network import Bridge
from vibedom.sandbox.docker_process import start_exec
from vibedom.sandbox.docker_stream import STDOUT
from vibedom.sandbox.runtime import Listeners

SELFTEST_SECONDS = 30.0
PATIENCE_SECONDS = 5
"""What proxy and resolver may take to answer."""
ANSWER_SECONDS = 3.0
"""The same for attempts that have been waiting for them."""

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
    with Baits(bridge) as baits:
        environment = selftest.environment(
            proxy_url=listeners.proxy_url,
            gateway=bridge.gateway,
            bait_tcp=baits.tcp,
            bait_udp=baits.udp,
            patience_seconds=PATIENCE_SECONDS,
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
        baits.check()


async def prove_at_once(foundation: Foundation, session: str) -> bool:
    """Judge the attempts that the holder has made by itself once it had locked its network: only the answers of proxy
    and resolver are waited for. False where they prove too little, and `prove` has to make them again.

    Raises `LockdownError` where something got out, or where proxy or resolver is somebody else's.
    """
    with anyio.move_on_after(ANSWER_SECONDS):
        await anyio.to_thread.run_sync(foundation.settle, abandon_on_cancel=True)
    attempts = selftest.parse(foundation.report)
    if not attempts.keys() >= selftest.BLOCKED.keys():
        return False
    try:
        selftest.judge({**dict.fromkeys(selftest.ANSWERED, selftest.UNANSWERED), **attempts}, session)
        foundation.baits.check()
    except (selftest.HungError, selftest.UnansweredError):
        return False
    return True


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
