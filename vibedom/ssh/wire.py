"""The SSH wire format, as far as an agent needs it (RFC 4251, section 5)."""


class WireError(ValueError):
    """Bytes that are not what they should be."""


def string(data: bytes) -> bytes:
    """`data` with its length in front."""
    return len(data).to_bytes(4) + data


class Reader:
    """Reads fields one after another. Every method raises `WireError` where the bytes end early."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    def byte(self) -> int:
        return self._take(1)[0]

    def boolean(self) -> bool:
        return self.byte() != 0

    def uint32(self) -> int:
        return int.from_bytes(self._take(4))

    def string(self) -> bytes:
        return self._take(self.uint32())

    def mpint(self) -> int:
        return int.from_bytes(self.string(), signed=True)

    def end(self) -> None:
        """Raises `WireError` where something is left."""
        if self._at != len(self._data):
            raise WireError("more bytes than the message has fields")

    def _take(self, length: int) -> bytes:
        taken = self._data[self._at : self._at + length]
        if len(taken) < length:
            raise WireError("the message ends early")
        self._at += length
        return taken
