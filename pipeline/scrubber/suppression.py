"""What is left of a secret that was too long to wait for its end: it is taken out of the stream until it ends."""

from typing import Literal

from pipeline.scrubber.hold import TOKEN_BYTES
from pipeline.scrubber.key_block import FOOTER, FOOTER_BYTES

SUPPRESS_BYTES = 1024 * 1024
"""How much is taken out before the stream goes on although no end was seen."""


class Suppression:
    """Takes out the rest of a token or of a private key."""

    def __init__(self, kind: Literal["token", "key"]) -> None:
        self._kind = kind
        self._left = SUPPRESS_BYTES
        self._tail = b""

    def feed(self, chunk: bytes) -> bytes | None:
        """What follows the secret, or None where all of `chunk` still belongs to it."""
        rest = self._after_token(chunk) if self._kind == "token" else self._after_key(chunk)
        self._left -= len(chunk)
        return b"" if rest is None and self._left <= 0 else rest

    def _after_token(self, chunk: bytes) -> bytes | None:
        return chunk.lstrip(TOKEN_BYTES) or None

    def _after_key(self, chunk: bytes) -> bytes | None:
        data = self._tail + chunk
        footer = FOOTER.search(data)
        self._tail = data[-FOOTER_BYTES:]
        return data[footer.end() :] if footer else None
