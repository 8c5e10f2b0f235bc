"""vibedom's own list of host keys: `VIBEDOM_HOME/ssh/known_hosts`, one plain `HOST TYPE KEY` a line."""

import base64
import binascii
import hashlib
import hmac
import os
from collections.abc import Iterable, Iterator
from pathlib import Path

import msgspec

from pipeline.hosts import HostError, canonical_host
from vibedom.errors import SettingsError
from vibedom.paths import Home, ensure_private

TYPES = ("ssh-ed25519", "ecdsa-sha2-nistp256", "ecdsa-sha2-nistp384", "ecdsa-sha2-nistp521", "ssh-rsa")
"""Kinds of host keys that count, the best first. Certificates do not: vibedom's agent could not check them."""
FILE = "known_hosts"


class HostKey(msgspec.Struct, frozen=True, kw_only=True):
    """One key of one host."""

    host: str
    port: int
    kind: str
    blob: bytes

    @property
    def line(self) -> str:
        return f"{place(self.host, self.port)} {self.kind} {base64.b64encode(self.blob).decode()}"

    @property
    def fingerprint(self) -> str:
        return fingerprint(self.blob)


def fingerprint(blob: bytes) -> str:
    """As `ssh-keygen -l` shows it."""
    return "SHA256:" + base64.b64encode(hashlib.sha256(blob).digest()).decode().rstrip("=")


def place(host: str, port: int) -> str:
    """A host as known_hosts files write it."""
    return host if port == 22 else f"[{host}]:{port}"


def read_known(home: Home) -> list[HostKey]:
    """The host keys vibedom trusts. Raises `SettingsError` naming the line of what is none: nothing is guessed."""
    path = home.ssh / FILE
    try:
        text = path.read_text("utf-8", "replace")
    except FileNotFoundError:
        return []
    except OSError as error:
        raise SettingsError(f"{path}: cannot be read ({error.strerror}); check its owner and mode") from None
    found = []
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        keys = list(_plain(line))
        if not keys:
            raise SettingsError(f"{path}:{number}: write HOST TYPE KEY; `vibedom keys trust HOST` does")
        found += keys
    return found


def add_known(home: Home, keys: Iterable[HostKey]) -> None:
    """Replace what is known of these hosts by `keys`, durably."""
    fresh = list(keys)
    changed = {(key.host, key.port) for key in fresh}
    kept = [key for key in read_known(home) if (key.host, key.port) not in changed]
    path = ensure_private(home.ssh) / FILE
    temporary = path.with_name(f"{FILE}.{os.getpid()}.new")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write("".join(f"{key.line}\n" for key in [*kept, *fresh]))
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)


def keys_in(text: str, host: str, port: int) -> list[HostKey]:
    """What a known_hosts file of OpenSSH (hashed names too) says about one host, without what it revokes."""
    name, found, revoked = place(host, port), [], set()
    for line in text.splitlines():
        is_revoked = line.startswith("@revoked ")
        fields = line.removeprefix("@revoked ").split()
        if len(fields) < 3 or not any(_matches(pattern, name) for pattern in fields[0].split(",")):
            continue
        key = _host_key(host, port, fields[1], fields[2])
        if key is not None and is_revoked:
            revoked.add(key.blob)
        elif key is not None:
            found.append(key)
    return [key for key in dict.fromkeys(found) if key.blob not in revoked]


def _matches(pattern: str, name: str) -> bool:
    if not pattern.startswith("|1|"):
        return pattern.lower() == name
    try:
        salt, digest = (base64.b64decode(part, validate=True) for part in pattern.split("|")[2:4])
    except (binascii.Error, ValueError):
        return False
    return hmac.compare_digest(hmac.digest(salt, name.encode(), "sha1"), digest)


def _plain(line: str) -> Iterator[HostKey]:
    fields = line.split()
    for text in fields[0].split(",") if len(fields) >= 3 else ():
        host, port = text, "22"
        if text.startswith("[") and "]:" in text:
            host, _, port = text[1:].partition("]:")
        try:
            key = _host_key(canonical_host(host), int(port), fields[1], fields[2])
        except (HostError, ValueError):
            return
        if key is not None:
            yield key


def _host_key(host: str, port: int, kind: str, encoded: str) -> HostKey | None:
    try:
        blob = base64.b64decode(encoded, validate=True)
    except (binascii.Error, ValueError):
        return None
    is_that_kind = blob.startswith(len(kind).to_bytes(4) + kind.encode())
    return HostKey(host=host, port=port, kind=kind, blob=blob) if kind in TYPES and is_that_kind else None


def user_files(user_home: Path) -> tuple[Path, ...]:
    """Where the user's own OpenSSH looks."""
    return (user_home / ".ssh" / FILE, Path("/etc/ssh/ssh_known_hosts"))
