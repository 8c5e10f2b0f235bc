"""Finds out whether this machine lets this user make a local sandbox: by making a small one."""

import os
import shutil
import sys
import tempfile
from pathlib import Path

import anyio

from vibedom.errors import SandboxError
from vibedom.sandbox.local_cgroup import Group
from vibedom.sandbox.local_launch import bring_up, plan, spawn
from vibedom.sandbox.local_orphans import clear_work
from vibedom.sandbox.local_remedy import forbidden_by


async def unavailable(directory: Path) -> str | None:
    """None, or the reason and what to do. Works in `directory`, which is on the file system of the sessions."""
    if sys.platform != "linux":
        return "the local runtime needs Linux; use --runtime docker"
    forbidding = forbidden_by()
    if forbidding is not None:
        return forbidding
    trial = Path(tempfile.mkdtemp(prefix="trial-", dir=directory))
    try:
        await _try(trial)
    except SandboxError as exc:
        return str(exc)
    finally:
        clear_work(trial / "work")
        shutil.rmtree(trial)
    return None


async def _try(trial: Path) -> None:
    """Make namespaces, network and overlay, and end them."""
    uid, gid = os.geteuid(), os.getegid()
    layers = [trial / name for name in ("lower", "upper", "work")]
    for layer in layers:
        layer.mkdir()
    launched = spawn(Group())
    try:
        launched.order(plan(uid, gid, [("overlay", "/work", *map(str, layers))], Group()))
        listeners = await bring_up(launched, uid=uid, gid=gid, group=Group())
        opened = (listeners.proxy, *listeners.http, *listeners.https, *listeners.dns_udp, *listeners.dns_tcp)
        for bound in opened:
            bound.close()
    finally:
        with anyio.CancelScope(shield=True):
            await launched.kill()
