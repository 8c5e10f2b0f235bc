"""Keeps compiled rules on disk between runs."""

import contextlib
import os
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

from vibedom.errors import SettingsError
from vibedom.paths import ensure_private

_HEADER = b"vibedom rules 1\n"


class RuleCache:
    """A pipeline.scrubber.cache.Cache in a directory of its own (0700); what is damaged or not ours counts as missing.

    Files are written beside their place and renamed, so that another process sees a whole one or none. A file in it is
    trusted as much as the programs of its owner: no other user may have written it. `on_miss` is called whenever
    something has to be compiled, before it is.
    """

    def __init__(self, directory: Path, *, keep: int = 64, on_miss: Callable[[], object] = lambda: None) -> None:
        self._directory = directory
        self._keep = keep
        self._on_miss = on_miss

    def get(self, key: str, /) -> bytes | None:
        """The bytes kept under `key`, or None."""
        kept = self._kept(key)
        if kept is None:
            self._on_miss()
        return kept

    def _kept(self, key: str) -> bytes | None:
        path = self._path(key)
        try:
            descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
        except OSError:
            return None
        with open(descriptor, "rb") as file:
            state = os.fstat(file.fileno())
            if state.st_uid != os.geteuid() or state.st_mode & 0o077:
                return None
            content = file.read()
        if not content.startswith(_HEADER):
            return None
        digest, value = content[len(_HEADER) :][:32], content[len(_HEADER) + 32 :]
        return value if sha256(value).digest() == digest else None

    def put(self, key: str, value: bytes, /) -> None:
        """Keep `value`; where that fails (disk full, read-only home) it is compiled again the next time."""
        with contextlib.suppress(OSError, SettingsError):
            ensure_private(self._directory)
            self._write(self._path(key), _HEADER + sha256(value).digest() + value)
            self._drop_old()

    def _path(self, key: str) -> Path:
        return self._directory / f"{sha256(key.encode()).hexdigest()}.rules"

    def _write(self, path: Path, content: bytes) -> None:
        import tempfile  # most starts only read

        descriptor, name = tempfile.mkstemp(dir=self._directory, suffix=".part")
        try:
            with open(descriptor, "wb") as file:
                file.write(content)
            os.replace(name, path)
        except BaseException:
            os.unlink(name)
            raise

    def _drop_old(self) -> None:
        """Rules change, and nobody asks for the old ones again."""
        files = sorted(self._directory.glob("*.rules"), key=lambda path: path.stat().st_mtime_ns)
        for path in files[: -self._keep]:
            path.unlink(missing_ok=True)
