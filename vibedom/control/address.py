"""Where a control socket is, whatever the length of its path, and who is at its other end."""

import contextlib
import os
import socket
import struct
from collections.abc import Iterator
from pathlib import Path

LONGEST_PATH = 100
"""The kernel takes 107 bytes (103 on macOS) of path for a Unix socket."""


def listen(path: Path) -> socket.socket:
    """A listening socket, for its owner only. What a dead supervisor left at `path` is replaced. Raises `OSError`."""
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        with _short(path) as name:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(path)
            sock.bind(name)
        path.chmod(0o600)
        sock.listen(16)
        sock.setblocking(False)
    except BaseException:
        sock.close()
        raise
    return sock


def connect(path: Path) -> socket.socket:
    """A connected socket. Raises `OSError` where nobody listens."""
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        with _short(path) as name:
            sock.connect(name)
        sock.setblocking(False)
    except BaseException:
        sock.close()
        raise
    return sock


def peer_uid(sock: socket.socket) -> int:
    """The user at the other end, as the kernel says. Raises `OSError`."""
    if hasattr(socket, "SO_PEERCRED"):
        credentials = sock.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
        return int(struct.unpack("3i", credentials)[1])
    # macOS: LOCAL_PEERCRED of SOL_LOCAL gives a struct xucred, which starts with its version and the uid.
    return int(struct.unpack("II", sock.getsockopt(0, 1, 76)[:8])[1])


@contextlib.contextmanager
def _short(path: Path) -> Iterator[str]:
    """A name of `path` that is short enough: through an open descriptor of its directory where the kernel has such
    names, else through the directory relative to here."""
    if len(os.fsencode(path)) <= LONGEST_PATH:
        yield str(path)
        return
    directory = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        yield f"/proc/self/fd/{directory}/{path.name}"
    finally:
        os.close(directory)
