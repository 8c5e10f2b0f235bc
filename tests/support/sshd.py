"""A real OpenSSH server on loopback, with bare repositories behind it: for tests of git over SSH."""

import contextlib
import os
import pwd
import shutil
import socket
import subprocess
from collections.abc import AsyncIterator
from pathlib import Path

import anyio
import pytest

SSHD = shutil.which("sshd", path="/usr/sbin:/usr/local/sbin:" + os.environ.get("PATH", ""))
_CONFIG = """\
Port {port}
ListenAddress 127.0.0.1
HostKey {directory}/host_key
PidFile none
AuthorizedKeysFile {directory}/authorized_keys
AuthenticationMethods publickey
PasswordAuthentication no
KbdInteractiveAuthentication no
PermitRootLogin prohibit-password
StrictModes no
UsePAM no
AllowAgentForwarding no
AllowTcpForwarding no
LogLevel VERBOSE
"""


class SshServer:
    """Where it listens, its host key, and who may log in."""

    def __init__(self, directory: Path, port: int) -> None:
        self.directory = directory
        self.port = port
        self.user = pwd.getpwuid(os.getuid()).pw_name

    @property
    def host_key(self) -> str:
        """`TYPE KEY`."""
        return " ".join((self.directory / "host_key.pub").read_text().split()[:2])

    def admit(self, *public: str) -> None:
        """Exactly these public keys may log in from now on."""
        (self.directory / "authorized_keys").write_text("".join(f"{line}\n" for line in public))

    def repository(self, name: str) -> Path:
        """A bare repository with one commit in `main`."""
        path = self.directory / f"{name}.git"
        source = self.directory / f"{name}-source"
        git = ["git", "-c", "user.name=Owner", "-c", "user.email=owner@test", "-c", "init.defaultBranch=main"]
        for argv in (
            [*git, "init", "--quiet", str(source)],
            [*git, "-C", str(source), "commit", "--quiet", "--allow-empty", "--message", "first"],
            [*git, "clone", "--quiet", "--bare", str(source), str(path)],
        ):
            subprocess.run(argv, check=True, capture_output=True)
        return path

    def url(self, host: str, repository: Path) -> str:
        return f"ssh://{self.user}@{host}{repository}"


def make_host_key(path: Path) -> None:
    path.unlink(missing_ok=True)
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(path)], check=True, capture_output=True)


@contextlib.asynccontextmanager
async def ssh_server(directory: Path) -> AsyncIterator[SshServer]:
    """Serve until the block ends. Skips where there is no sshd (fails on CI)."""
    if SSHD is None:
        (pytest.fail if os.environ.get("CI") == "true" else pytest.skip)("no sshd; install openssh-server")
    port = _prepare(directory)
    argv = [str(SSHD), "-D", "-e", "-f", str(directory / "sshd_config")]
    with (directory / "sshd.log").open("wb") as log:
        process = await anyio.open_process(argv, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=log)
    try:
        await _listening(port)
        yield SshServer(directory, port)
    finally:
        process.terminate()
        with anyio.CancelScope(shield=True):
            await process.aclose()


def _prepare(directory: Path) -> int:
    """Its files. Returns a free port."""
    directory.mkdir(parents=True, exist_ok=True)
    make_host_key(directory / "host_key")
    (directory / "authorized_keys").touch()
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    (directory / "sshd_config").write_text(_CONFIG.format(port=port, directory=directory))
    if os.getuid() == 0:
        Path("/run/sshd").mkdir(exist_ok=True)
    return port


async def _listening(port: int) -> None:
    with anyio.fail_after(20):
        while True:
            with contextlib.suppress(OSError):
                await (await anyio.connect_tcp("127.0.0.1", port)).aclose()
                return
            await anyio.sleep(0.02)
