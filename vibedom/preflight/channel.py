"""What the scanner's processes say to each other: whole messages over a pair of sockets."""

import pickle
import socket
import struct
from typing import Any

_LENGTH = struct.Struct("!Q")


class Channel:
    """One end. Blocking."""

    def __init__(self, end: socket.socket) -> None:
        self._end = end
        self._incoming = end.makefile("rb")

    def fileno(self) -> int:
        return self._end.fileno()

    def send(self, message: object) -> None:
        """Raises `OSError` where the other side is gone."""
        data = pickle.dumps(message)
        self._end.sendall(_LENGTH.pack(len(data)) + data)

    def receive(self) -> Any:
        """The next message. Raises `EOFError` where none comes any more."""
        (length,) = _LENGTH.unpack(self._read(_LENGTH.size))
        return pickle.loads(self._read(length))  # noqa: S301 - from a process of the same scan, over a socket nobody else has

    def close(self) -> None:
        self._incoming.close()
        self._end.close()

    def _read(self, size: int) -> bytes:
        data = self._incoming.read(size)
        if len(data) < size:
            raise EOFError("the other process is gone")
        return data
