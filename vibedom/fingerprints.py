"""The keyed fingerprint: the same secret can be followed across records without being in one."""

import hashlib
import hmac
import os
from collections.abc import Callable
from pathlib import Path

from vibedom.errors import SettingsError
from vibedom.paths import Home, ensure_private

KEY_BYTES = 32
SHOWN_DIGITS = 16


def fingerprinter(home: Home) -> Callable[[bytes], str]:
    """Maps a secret to the first 16 hex digits of its HMAC-SHA256 with this installation's key, made on first use.

    Raises `SettingsError` where the key cannot be read or made.
    """
    key = _key(ensure_private(home.config) / "fingerprint.key")

    def fingerprint(secret: bytes) -> str:
        return hmac.digest(key, secret, hashlib.sha256).hex()[:SHOWN_DIGITS]

    return fingerprint


def _key(path: Path) -> bytes:
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
    except FileExistsError:
        return _read(path)
    except OSError as exc:
        raise SettingsError(f"{path}: cannot be made ({exc.strerror}); check the directory's owner and mode") from None
    import secrets  # once in the life of an installation

    with os.fdopen(descriptor, "wb") as file:
        file.write(secrets.token_bytes(KEY_BYTES))
        file.flush()
        os.fsync(file.fileno())
    return _read(path)


def _read(path: Path) -> bytes:
    try:
        key = path.read_bytes()
    except OSError as exc:
        raise SettingsError(f"{path}: cannot be read ({exc.strerror}); check its owner and mode") from None
    if len(key) != KEY_BYTES:
        raise SettingsError(f"{path}: not a fingerprint key; delete it, and approvals have to be given again")
    return key
