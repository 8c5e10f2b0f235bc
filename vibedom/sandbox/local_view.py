"""What a local sandbox sees of the files: a list of steps for `local_mounts.py`, written from the specification.

It is a list of what is visible. Nothing of the host is there unless a step names it.
"""

import os
import stat
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from vibedom.errors import SandboxError
from vibedom.sandbox import local_etc
from vibedom.sandbox.local_kernel import (
    MOUNT_NO_DEVICES,
    MOUNT_NO_EXEC,
    MOUNT_NO_SUID,
    MOUNT_READ_ONLY,
)
from vibedom.sandbox.local_lookup import find_inside
from vibedom.sandbox.runtime import HOME_MOUNT, TRUST_MOUNT, WORK_MOUNT, WORKSPACE_MOUNT, SandboxSpec
from vibedom.sandbox.trust import BUNDLE_FILE, SYSTEM_BUNDLES

Step = Sequence[Any]

_WRITABLE = MOUNT_NO_SUID | MOUNT_NO_DEVICES
_READ_ONLY = _WRITABLE | MOUNT_READ_ONLY
_DEVICE = MOUNT_NO_SUID | MOUNT_NO_EXEC

_TOOLS = ("usr", "bin", "sbin", "lib", "lib32", "lib64", "libx32")
_DEVICES = ("null", "zero", "full", "random", "urandom", "tty")
_DEVICE_LINKS = {
    "/dev/fd": "/proc/self/fd",
    "/dev/stdin": "/proc/self/fd/0",
    "/dev/stdout": "/proc/self/fd/1",
    "/dev/stderr": "/proc/self/fd/2",
    "/dev/ptmx": "pts/ptmx",
}
_PROC_FROZEN = ("sys", "sysrq-trigger", "irq", "bus", "fs")
"""Files here change the kernel, and some ask only for uid 0, not for a capability."""
_PROC_HIDDEN = (
    "acpi",
    "kallsyms",
    "kcore",
    "keys",
    "kmsg",
    "latency_stats",
    "sched_debug",
    "scsi",
    "timer_list",
)


def steps(spec: SandboxSpec, root: Path | None) -> list[Step]:
    """The agent's view for `spec`, on the host's tools or on the foreign root file system `root` (a directory)."""
    view = [*_common(spec)]
    system = _host_system(spec) if root is None else _foreign_system(spec, root)
    return [*system, *view]


def login_shell(root: Path | None) -> str:
    """The first shell there is."""
    base = root or Path("/")
    shells = ("/bin/bash", "/usr/bin/bash", "/bin/sh")
    return next((shell for shell in shells if find_inside(base, shell) is not None), "/bin/sh")


def _host_system(spec: SandboxSpec) -> Iterator[Step]:
    for name in _TOOLS:
        path = Path("/", name)
        if path.is_symlink():
            yield ("link", str(path), os.readlink(path))
        elif path.is_dir():
            yield ("bind", str(path), str(path), _READ_ONLY)
    for name in local_etc.VISIBLE:
        path = Path("/etc", name)
        if path.exists():
            yield ("bind", str(path), str(path), _READ_ONLY)
    for target, text in local_etc.written(spec.uid, spec.gid, login_shell(None)).items():
        yield ("file", target, text)
    yield ("links", local_etc.CERTIFICATES, local_etc.certificate_links(spec.trust))
    for bundle in SYSTEM_BUNDLES:
        if bundle.startswith("/etc/") and bundle != "/etc/ssl/certs/ca-certificates.crt":
            yield ("link", bundle, BUNDLE_FILE)
    yield ("link", "/etc/mtab", "/proc/self/mounts")
    for directory in ("/var/lib", "/var/cache", "/var/log", "/opt", "/srv", "/sys", "/media"):
        yield ("dir", directory, 0o755)


def _foreign_system(spec: SandboxSpec, root: Path) -> Iterator[Step]:
    made: list[Step] = []
    for target, text in local_etc.network_files().items():
        made.append(("file", target, text))
    for name, line in (
        ("passwd", f"{local_etc.AGENT}:x:{spec.uid}:{spec.gid}::{HOME_MOUNT}:{login_shell(root)}\n"),
        ("group", f"{local_etc.AGENT}:x:{spec.gid}:\n"),
    ):
        made.append(("file", f"/etc/{name}", line + _read_inside(root, f"/etc/{name}")))
    for bundle in SYSTEM_BUNDLES:
        if find_inside(root, bundle) is not None:
            made.append(("link", bundle, BUNDLE_FILE))
    targets = [step[1] for step in (*made, *_common(spec))]
    wanted = sorted({str(parent) for target in targets for parent in Path(target).parents})
    yield ("root", "/", str(root), [parent for parent in wanted if parent != "/"])
    yield from made


def _read_inside(root: Path, path: str) -> str:
    """Text of a file of a foreign root; empty where there is none."""
    found = find_inside(root, path)
    return "" if found is None else found.read_text("utf-8", "replace")


def _common(spec: SandboxSpec) -> Iterator[Step]:
    yield from _devices()
    for name in _PROC_FROZEN:
        yield ("freeze", f"/proc/{name}")
    for name in _PROC_HIDDEN:
        yield ("hide", f"/proc/{name}")
    yield from _scratch(spec)
    yield ("bind", TRUST_MOUNT, str(spec.trust), _READ_ONLY)
    yield ("shield", WORKSPACE_MOUNT, str(spec.workspace), _READ_ONLY)
    if spec.is_read_only:
        yield ("shield", WORK_MOUNT, str(spec.workspace), _READ_ONLY)
    else:
        yield ("overlay", WORK_MOUNT, str(spec.workspace), str(spec.upper), str(spec.work))
    yield ("bind", HOME_MOUNT, str(spec.agent_home), _WRITABLE)
    for mount in spec.mounts:
        _check_source(mount.source)
        if mount.read_only:
            yield ("shield", mount.target, str(mount.source), _READ_ONLY)
        else:
            yield ("bind", mount.target, str(mount.source), _WRITABLE)


def _devices() -> Iterator[Step]:
    yield ("tmpfs", "/dev", "mode=755,size=1m")
    for name in _DEVICES:
        yield ("bind", f"/dev/{name}", f"/dev/{name}", _DEVICE)
    yield ("devpts", "/dev/pts")
    for target, points_to in _DEVICE_LINKS.items():
        yield ("link", target, points_to)
    yield ("tmpfs", "/dev/shm", "mode=1777,size=25%")  # noqa: S108
    yield ("seal", "/dev")


def _scratch(spec: SandboxSpec) -> Iterator[Step]:
    """Memory file systems. Bounded, because not every machine lets us bound the sandbox's memory as a whole."""
    size = "50%" if spec.limits.memory_bytes is None else str(spec.limits.memory_bytes)
    yield ("tmpfs", "/tmp", f"mode=1777,size={size}")  # noqa: S108
    yield ("tmpfs", "/run", "mode=755,size=16m")
    yield ("tmpfs", "/var/tmp", f"mode=1777,size={size}")  # noqa: S108


def _check_source(source: Path) -> None:
    """A socket bound into the sandbox is a way out, read-only or not."""
    try:
        mode = source.stat().st_mode
    except OSError as exc:
        raise SandboxError(f"cannot mount {source}: {exc.strerror}; correct the mounts in the settings") from exc
    if stat.S_ISSOCK(mode):
        raise SandboxError(f"cannot mount {source}: it is a socket; remove it from the mounts in the settings")
