"""Where an engine keeps what is slow to compile."""

from typing import Protocol


class Cache(Protocol):
    """Bytes by key. Never raises: what it cannot keep, or no longer has, is compiled again."""

    def get(self, key: str, /) -> bytes | None: ...

    def put(self, key: str, value: bytes, /) -> None: ...
