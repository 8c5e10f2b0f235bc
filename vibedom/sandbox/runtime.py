"""The runtime protocol: what every kind of sandbox offers, in the order the supervisor uses it.

sandbox = await runtime.create(spec)      # network or namespaces exist, nothing of the agent's runs
... the proxy and the resolver serve on sandbox.listeners ...
await sandbox.stage(command)              # beside the next: as much of the agent's start as runs nothing of it
await sandbox.lock()                      # lockdown applied and proved by the self-test, or LockdownError
process = await sandbox.start(command)    # the agent gets control
code = await process.wait()
await sandbox.aclose()                    # nothing labelled with the session is left
"""

import socket
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Literal, Protocol

import msgspec

from vibedom.sandbox.limits import Limits as Limits

WORKSPACE_MOUNT = "/mnt/workspace"
"""Where the sandbox sees the project, read-only."""
WORK_MOUNT = "/work"
"""Where the sandbox sees the project as a writable overlay, and where the agent starts."""
HOME_MOUNT = "/home/agent"
"""The agent's home."""
TRUST_MOUNT = "/etc/vibedom"
"""Where the sandbox sees the public certificates."""

RuntimeName = Literal["docker", "local", "apple"]


class Mount(msgspec.Struct, frozen=True, kw_only=True):
    """One bind mount of a host path into the sandbox."""

    source: Path
    target: str
    read_only: bool = True


class SandboxSpec(msgspec.Struct, frozen=True, kw_only=True):
    """Everything a runtime needs to make one sandbox. Paths exist; those the agent writes to belong to `uid`:`gid`."""

    session: str
    """Session id, `[a-z0-9-]{1,63}`; names and labels are made from it."""
    owner_pid: int
    """The supervisor; what is labelled with a dead one is an orphan."""
    started_at: float
    """Unix seconds."""
    workspace: Path
    upper: Path
    work: Path
    lower: Path
    """A symbolic link to `workspace` with a path free of `:` and `,`."""
    agent_home: Path
    trust: Path
    """Directory with `ca.pem` (the session CA, public) and `ca-bundle.pem` (public roots and the CA); see trust.py."""
    uid: int
    gid: int
    image: str | None = None
    """Image of the agent (docker, apple) or None for the default."""
    root: Path | None = None
    """Root file system of the agent (local) or None for the host's tools."""
    environment: Mapping[str, str] = {}
    mounts: Sequence[Mount] = ()
    """More mounts, already checked against the policy. Masked files are read-only binds of an empty file."""
    limits: Limits = Limits()
    is_read_only: bool = False
    """The project cannot be changed in `WORK_MOUNT` either."""


class Listeners(msgspec.Struct, kw_only=True):
    """Bound sockets that only this sandbox can reach. The supervisor serves them; the runtime closes them."""

    proxy: socket.socket
    """Explicit proxy, TCP; the address the environment variables name."""
    http: Sequence[socket.socket]
    """Where the sandbox's connections to port 80 of anywhere arrive, TCP (one per address family)."""
    https: Sequence[socket.socket]
    """Where the sandbox's connections to port 443 of anywhere arrive, TCP (one per address family)."""
    dns_udp: Sequence[socket.socket]
    dns_tcp: Sequence[socket.socket]
    proxy_url: str
    """`http://HOST:PORT` as the sandbox reaches `proxy`."""
    peers: frozenset[str] | None = None
    """Source addresses the proxy serves, or None where the sockets are reachable from inside the sandbox only.
    Known after `lock()` at the latest; empty means nobody yet."""


class Command(msgspec.Struct, frozen=True, kw_only=True):
    """What the agent runs."""

    argv: Sequence[str]
    """Empty: a login shell of the image."""
    tty: bool
    environment: Mapping[str, str] = {}
    working_directory: str = WORK_MOUNT


class Process(Protocol):
    """One process in the sandbox, its streams and its end."""

    async def read(self) -> bytes | None:
        """The next bytes of its output (stdout and stderr of a TTY together), None at the end."""
        ...

    async def read_stderr(self) -> bytes | None:
        """The next bytes of its standard error where it has no TTY, None at the end (at once with a TTY)."""
        ...

    async def write(self, data: bytes) -> None:
        """Bytes to its standard input; after its end they are dropped."""
        ...

    async def close_stdin(self) -> None: ...

    async def resize(self, columns: int, rows: int) -> None: ...

    async def signal(self, signum: int) -> None: ...

    async def wait(self) -> int:
        """Exit code as a shell gives it: 0-255, 128+N for signal N, 126/127 for a command that could not start."""
        ...


class Sandbox(Protocol):
    """One sandbox. `aclose` is safe at any point and more than once."""

    listeners: Listeners

    async def lock(self) -> None:
        """Apply the lockdown and prove it from inside. Raises `LockdownError`; then nothing may be started."""
        ...

    async def stage(self, command: Command) -> None:
        """Get ready to start this command once `lock` has succeeded; the certificates are in place. Not one instruction
        of it, or of anything that the agent or the project chose, runs before. May do nothing. Optional."""
        ...

    async def start(self, command: Command) -> Process:
        """Start the agent's main process. Refused (`SandboxError`) before `lock` has succeeded."""
        ...

    async def exec(self, command: Command) -> Process:
        """Start one more process beside the main one, or after it, under the same restrictions."""
        ...

    async def lost(self) -> None:
        """Wait until what `lock` proved is gone, and not by vibedom's doing. Raises `SandboxError`, never returns."""
        ...

    async def pause(self) -> None: ...

    async def resume(self) -> None: ...

    async def stop(self, grace_seconds: float = 5.0) -> None:
        """End every process: SIGTERM, then SIGKILL."""
        ...

    async def aclose(self) -> None:
        """Stop, and remove everything the runtime made. The upper directory stays."""
        ...


class Leftover(msgspec.Struct, frozen=True, kw_only=True):
    """Something of a session whose supervisor is gone."""

    session: str
    kind: Literal["container", "network", "volume", "process", "cgroup"]
    name: str


class Runtime(Protocol):
    """One kind of sandbox. `available` answers with None, or with the reason and what to do."""

    @property
    def name(self) -> RuntimeName: ...

    @property
    def mounts_trust_at_once(self) -> bool:
        """Whether `create` wants the certificates in `spec.trust`; else they have to be there before `start`."""
        ...

    async def available(self) -> str | None: ...

    async def create(self, spec: SandboxSpec) -> Sandbox:
        """Make the sandbox up to the point where its listeners are bound. On failure nothing is left."""
        ...

    async def leftovers(self) -> Sequence[Leftover]: ...

    async def reap(self) -> Sequence[Leftover]:
        """Remove what dead supervisors of this user left behind, and say what it was. Never touches the rest."""
        ...

    async def aclose(self) -> None: ...
