"""vibedom's own SSH keys, in `VIBEDOM_HOME/ssh`: one for all hosts, or one for a host or a repository."""

import os
import re
from pathlib import Path

import msgspec
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_ssh_private_key,
)

from pipeline.hosts import HostError, canonical_host
from vibedom.errors import SettingsError, UsageError
from vibedom.paths import Home, ensure_private
from vibedom.ssh.known_hosts import fingerprint
from vibedom.ssh.wire import string

DEFAULT = "default"
_REPOSITORY = re.compile(r"[A-Za-z0-9_~][A-Za-z0-9._~-]*(?:/[A-Za-z0-9_~][A-Za-z0-9._~-]*)*")
_MAX_BYTES = 64 * 1024


class Key(msgspec.Struct, frozen=True, kw_only=True):
    """One key pair. The private half is read when something is signed and never kept."""

    name: str
    """`default`, a host, or `host/path/of/repository`."""
    path: Path
    """Of the private half; the public one is beside it with `.pub`."""
    public: str
    """`ssh-ed25519 AAAA... comment`."""

    @property
    def blob(self) -> bytes:
        return string(b"ssh-ed25519") + string(
            self._private().public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
        )

    @property
    def host(self) -> str:
        """The only host it is for, or "" for all."""
        return "" if self.name == DEFAULT else self.name.partition("/")[0]

    @property
    def fingerprint(self) -> str:
        return fingerprint(self.blob)

    def sign(self, data: bytes) -> bytes:
        """The signature as SSH writes it. Raises `SettingsError` for a file that is no key of vibedom's."""
        return string(b"ssh-ed25519") + string(self._private().sign(data))

    def _private(self) -> Ed25519PrivateKey:
        try:
            if self.path.stat().st_mode & 0o077:
                raise SettingsError(f"{self.path}: others may read this key; chmod 600 it, or make a new one")
            key = load_ssh_private_key(self.path.read_bytes()[:_MAX_BYTES], password=None)
        except OSError as error:
            raise SettingsError(f"{self.path}: cannot be read ({error.strerror}); see vibedom keys") from None
        except (ValueError, TypeError, UnsupportedAlgorithm):  # TypeError: it has a passphrase
            raise SettingsError(f"{self.path}: not a key without a passphrase; remove it and make a new one") from None
        if not isinstance(key, Ed25519PrivateKey):
            raise SettingsError(f"{self.path}: not an ed25519 key; remove it and make a new one")
        return key


def key_name(text: str) -> str:
    """`text` as a key's name. Raises `UsageError`."""
    if text == DEFAULT:
        return text
    host, slash, repository = text.strip().removesuffix(".git").partition("/")
    try:
        name = canonical_host(host)
    except HostError:
        raise UsageError(f"{text!r}: write a host such as github.com, or github.com/owner/repository") from None
    if slash and not _REPOSITORY.fullmatch(repository):
        raise UsageError(f"{text!r}: write a repository as github.com/owner/repository")
    return f"{name}/{repository}" if slash else name


def list_keys(home: Home) -> list[Key]:
    """The keys that are there, `default` first."""
    directory = home.ssh
    names = [path.name for path in directory.glob("*.pub")] if directory.is_dir() else []
    found = [_key(directory, name.removesuffix(".pub")) for name in names]
    return sorted((key for key in found if key.path.is_file()), key=lambda key: (key.name != DEFAULT, key.name))


def create_key(home: Home, name: str = DEFAULT) -> tuple[Key, bool]:
    """The key of that name, and whether it was made now: one that is there is never overwritten."""
    directory = ensure_private(home.ssh)
    path = directory / _file_name(name)
    if not path.exists():
        _write_pair(path, name)
        return _key(directory, path.name), True
    key = Key(name=name, path=path, public="")
    public = path.with_name(f"{path.name}.pub")
    if not public.exists():
        public.write_text(_public_line(key._private(), name))
    return _key(directory, path.name), False


def remove_key(home: Home, name: str) -> None:
    """Remove both halves. Raises `UsageError` where there is none."""
    path = home.ssh / _file_name(name)
    if not path.is_file():
        raise UsageError(f"{name}: no such key; `vibedom keys` lists them")
    path.with_name(f"{path.name}.pub").unlink(missing_ok=True)
    path.unlink()


def _write_pair(path: Path, name: str) -> None:
    private = Ed25519PrivateKey.generate()
    text = private.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption())
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    path.with_name(f"{path.name}.pub").write_text(_public_line(private, name))


def _public_line(private: Ed25519PrivateKey, name: str) -> str:
    return f"{private.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).decode()} vibedom {name}\n"


def _key(directory: Path, file_name: str) -> Key:
    public = (directory / f"{file_name}.pub").read_text("utf-8", "replace").strip()
    return Key(name=file_name.replace("+", "/"), path=directory / file_name, public=public)


def _file_name(name: str) -> str:
    """No name has a `+`."""
    return name.replace("/", "+")
