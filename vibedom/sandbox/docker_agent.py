"""The agent's container: what it sees, what it may use, and as whom it runs."""

import itertools
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from vibedom.errors import SandboxError
from vibedom.sandbox import docker_seccomp, image, trust
from vibedom.sandbox.docker_client import EngineClient
from vibedom.sandbox.docker_endpoint import one_line
from vibedom.sandbox.docker_gate import Gate
from vibedom.sandbox.docker_holder import HOSTNAME
from vibedom.sandbox.docker_permit import Permit
from vibedom.sandbox.runtime import HOME_MOUNT, TRUST_MOUNT, WORK_MOUNT, WORKSPACE_MOUNT, Command, SandboxSpec

LOGIN_SHELL = ("/bin/sh", "-c", "if command -v bash >/dev/null; then exec bash -l; else exec sh -l; fi")
"""What runs where the user names no command."""

SCRATCH = ("/tmp", "/var/tmp")  # noqa: S108  # directories every Linux has
"""Memory file systems."""
_USERXATTR_KERNEL = (5, 11)
_PROBE = "user.vibedom.probe"


def overlay_options(spec: SandboxSpec, kernel: str, *, is_root: bool) -> str:
    """Mount options of the overlay volume for an engine on `kernel` (`6.1.0-18-amd64`).

    With `userxattr` the marks in the upper directory are readable without privileges; without it only for root
    (`is_root`: this process is). Raises `SandboxError` for a path that mount options cannot hold, and where the marks
    could not be read: a replaced directory would look like an untouched one, and the diff would be wrong.
    """
    for path in (spec.lower, spec.upper, spec.work):
        if set(str(path)) & set(',:\\"'):
            raise SandboxError(f"{path} has a character that mount options cannot hold; move VIBEDOM_HOME elsewhere")
    options = f"lowerdir={spec.lower},upperdir={spec.upper},workdir={spec.work}"
    if _version(kernel) >= _USERXATTR_KERNEL and _takes_user_attributes(spec.upper):
        return f"{options},userxattr"
    if not is_root:
        raise SandboxError(
            f"the engine's kernel {one_line(kernel, 40)} or the file system of {spec.upper} takes no user attributes, "
            "so only root could read which directories the agent replaced; use Linux 5.11 or later and a disk file "
            "system for VIBEDOM_HOME, or run vibedom as root"
        )
    return options


def _takes_user_attributes(directory: Path) -> bool:
    """A tmpfs before Linux 6.6 does not, for one; then the marks go where only root can read them."""
    try:
        os.setxattr(directory, _PROBE, b"1")
        os.removexattr(directory, _PROBE)
    except OSError:
        return False
    return True


def project_options(spec: SandboxSpec) -> str:
    """Mount options of the project's read-only side: an overlay without an upper layer. A read-only bind would do for
    files, but a socket or a pipe in the project could be connected to through it."""
    nothing = spec.trust / "nothing"
    nothing.mkdir(exist_ok=True)
    return f"lowerdir={spec.lower}:{nothing}"


def project_volume(name: str) -> str:
    """The name of the volume with the read-only side, beside that of the writable one."""
    return f"{name}-project"


def _version(kernel: str) -> tuple[int, ...]:
    parts = kernel.split("-")[0].split(".")
    return tuple(int("".join(itertools.takewhile(str.isdecimal, part)) or 0) for part in parts[:2])


def write_files(spec: SandboxSpec, gateway: str) -> None:
    """Write the small public files that are mounted over the image's, beside the certificates."""
    names = f"127.0.0.1 localhost {HOSTNAME}\n::1 localhost ip6-localhost\n"
    # Whatever address is asked, the lockdown leads port 53 to vibedom's resolver.
    resolver = f"nameserver {gateway}\noptions timeout:3 attempts:2\n"
    user = f"agent:x:{spec.uid}:{spec.gid}:agent:{HOME_MOUNT}:/bin/sh\n" if spec.uid else ""
    root_home = "/root" if spec.uid else HOME_MOUNT
    group = f"agent:x:{spec.gid}:\n" if spec.gid else ""
    contents = {
        "hosts": names,
        "resolv.conf": resolver,
        "passwd": f"root:x:0:0:root:{root_home}:/bin/sh\n{user}nobody:x:65534:65534:nobody:/:/sbin/nologin\n",
        "group": f"root:x:0:\n{group}nogroup:x:65534:\n",
    }
    for name, content in contents.items():
        trust.write_public(spec.trust / name, content.encode())


def mounts(spec: SandboxSpec, volume: str) -> list[dict[str, Any]]:
    """Mounts of the container in the engine's form: the project twice, the home, the trust, the user's own."""
    found: list[dict[str, Any]] = [
        {
            "Type": "volume",
            "Source": volume,
            "Target": WORK_MOUNT,
            "ReadOnly": spec.is_read_only,
            "VolumeOptions": {"NoCopy": True},
        },
        {
            "Type": "volume",
            "Source": project_volume(volume),
            "Target": WORKSPACE_MOUNT,
            "ReadOnly": True,
            "VolumeOptions": {"NoCopy": True},
        },
        _bind(spec.agent_home, HOME_MOUNT, read_only=False),
        _bind(spec.trust, TRUST_MOUNT, read_only=True),
    ]
    found += [_bind(spec.trust / name, f"/etc/{name}") for name in ("hosts", "resolv.conf", "passwd", "group")]
    # Also where the image has no such file: an image without roots then trusts what every other one does.
    found += [_bind(spec.trust / trust.BUNDLE_NAME, path) for path in trust.SYSTEM_BUNDLES]
    found += [_bind(mount.source, mount.target, read_only=mount.read_only) for mount in spec.mounts]
    return found


def _bind(source: Path, target: str, *, read_only: bool = True) -> dict[str, Any]:
    """A bind mount. Not recursive: engines before 25 leave what is mounted below a read-only bind writable."""
    return {
        "Type": "bind",
        "Source": str(source),
        "Target": target,
        "ReadOnly": read_only,
        "BindOptions": {"Propagation": "rprivate", "NonRecursive": True},
    }


def environment(spec: SandboxSpec, command: Command, proxy_url: str) -> list[str]:
    """`NAME=value` for the main process and for every exec; the user's own variables come last."""
    own = {"HOME": HOME_MOUNT, "USER": "agent" if spec.uid else "root", "LANG": "C.UTF-8"}
    terminal = {"TERM": "xterm-256color"} if command.tty else {}
    merged = own | trust.environment(proxy_url) | terminal | dict(spec.environment) | dict(command.environment)
    return [f"{name}={value}" for name, value in merged.items()]


def argv(command: Command) -> list[str]:
    return list(command.argv or LOGIN_SHELL)


async def create(
    engine: EngineClient,
    name: str,
    *,
    spec: SandboxSpec,
    command: Command,
    gate: Gate | None,
    holder: str,
    volume: str,
    proxy_url: str,
    permit: Permit,
    labels: Mapping[str, str],
) -> str:
    """Make the agent's container in the holder's network namespace, not yet started, and return its id; `permit` is
    given. With a `gate` its command waits until that is opened."""
    config: dict[str, Any] = {
        "Image": spec.image or image.NAME,
        # The whole command as the entry point: an image's own is never run.
        "Entrypoint": argv(command) if gate is None else gate.held(argv(command)),
        "Cmd": [],
        "Env": environment(spec, command, proxy_url),
        "User": f"{spec.uid}:{spec.gid}",
        "WorkingDir": command.working_directory,
        "Labels": dict(labels),
        "Tty": command.tty,
        "OpenStdin": True,
        "StdinOnce": True,
        # An image may have chosen another one that only its own entry point understands.
        "StopSignal": "SIGTERM",
        "Healthcheck": {"Test": ["NONE"]},
        "HostConfig": host_config(spec, holder, [*mounts(spec, volume), permit.mount()]),
    }
    what = "create the agent's container"
    return str((await engine.call(what, "POST", "/containers/create", config, shield=True, name=name))["Id"])


def host_config(spec: SandboxSpec, holder: str, mounted: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    limits = spec.limits
    scratch = "50%" if limits.memory_bytes is None else str(limits.memory_bytes)
    return {
        "NetworkMode": f"container:{holder}",
        "Mounts": list(mounted),
        "Init": True,
        "CapDrop": ["ALL"],
        "SecurityOpt": ["no-new-privileges", f"seccomp={docker_seccomp.profile()}"],
        "Privileged": False,
        # The agent's uid is the workspace owner's: with remapped ids it could not write its own files.
        "UsernsMode": "host",
        "IpcMode": "private",
        "CgroupnsMode": "private",
        "PidsLimit": limits.pids,
        "Memory": limits.memory_bytes or 0,
        # No swap beside it: the limit is what the agent gets.
        "MemorySwap": limits.memory_bytes or 0,
        "NanoCpus": int((limits.cpus or 0) * 1_000_000_000),
        # The container's own layer lies where nothing is counted: scratch files go to memory, as `local` has them.
        "Tmpfs": dict.fromkeys(SCRATCH, f"rw,exec,nosuid,nodev,mode=1777,size={scratch}"),
        # A watch may lag behind a fast writer: no single file gets longer than all of them may be.
        "Ulimits": [{"Name": "fsize", "Soft": limits.disk_bytes, "Hard": limits.disk_bytes}],
        "RestartPolicy": {"Name": "no"},
        # What the agent prints may hold secrets: the engine keeps no copy of it.
        "LogConfig": {"Type": "none", "Config": {}},
    }
