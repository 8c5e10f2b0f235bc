"""What `@registries` stands for, kept on disk while nothing has changed that the clients would read: asking them takes
a second or two, which every start of a session would wait for."""

import os
import shutil
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from hashlib import sha256
from pathlib import Path

import msgspec

from vibedom.registries.client import search_path
from vibedom.registries.hosts import registry_hosts

MAX_AGE_SECONDS = 24 * 3600.0
"""What an index says of itself (where its files are) can change without anything changing here."""
PROGRAMS = ("pip", "pip3", "python3", "uv", "npm", "pnpm", "yarn", "apt-get", "cargo", "go", "gem")
PREFIXES = ("PIP_", "UV_", "NPM_CONFIG_", "YARN_", "CARGO_", "GO", "GEM", "BUNDLE_", "APT_", "XDG_CONFIG")
OF_THE_SYSTEM = ("pip.conf", "npmrc", "gemrc", "apt/sources.list", "apt/sources.list.d", "apt/apt.conf.d", "yarnrc")
OF_THE_USER = (
    ".pip/pip.conf",
    ".config/pip/pip.conf",
    "Library/Application Support/pip/pip.conf",
    ".config/uv/uv.toml",
    ".npmrc",
    ".config/pnpm/rc",
    ".yarnrc",
    ".yarnrc.yml",
    ".cargo/config",
    ".cargo/config.toml",
    ".config/go/env",
    "Library/Application Support/go/env",
    ".gemrc",
)


class Kept(msgspec.Struct, frozen=True, kw_only=True):
    """The file."""

    key: str
    at: float
    hosts: tuple[str, ...]


def kept_registry_hosts(
    cache: Path,
    *,
    ask: Callable[[], Sequence[str]] = registry_hosts,
    environment: Mapping[str, str] = os.environ,
    user: Path | None = None,
) -> Sequence[str]:
    """As `registry_hosts`, from the file `registries.json` in `cache` where that is still true. A file that cannot be
    read or written costs the time, nothing else."""
    path = cache / "registries.json"
    key = state_of(environment, user or Path.home())
    with suppress(OSError, msgspec.MsgspecError):
        kept = msgspec.json.decode(path.read_bytes(), type=Kept)
        if kept.key == key and 0 <= time.time() - kept.at < MAX_AGE_SECONDS:
            return kept.hosts
    hosts = tuple(ask())
    with suppress(OSError):
        _write(path, msgspec.json.encode(Kept(key=key, at=time.time(), hosts=hosts)))
    return hosts


def state_of(environment: Mapping[str, str], user: Path) -> str:
    """Changes with the clients, their settings and their variables. A digest: the variables may hold passwords."""
    parts = [f"{name}={value}" for name, value in sorted(environment.items()) if name.upper().startswith(PREFIXES)]
    parts += [f"{path}:{_stamp(path)}" for path in _paths(environment, user)]
    return sha256("\n".join(parts).encode("utf-8", "surrogateescape")).hexdigest()


def _paths(environment: Mapping[str, str], user: Path) -> Iterator[Path]:
    search = search_path()
    for name in PROGRAMS:
        found = shutil.which(name, path=search)
        if found is not None:
            yield Path(found).resolve()
    for name in OF_THE_SYSTEM:
        yield Path("/etc", name)
    for name in OF_THE_USER:
        yield user / name
    config = environment.get("XDG_CONFIG_HOME")
    if config:
        yield from (Path(config, name) for name in ("pip/pip.conf", "uv/uv.toml", "go/env", "pnpm/rc"))
    for variable in ("PIP_CONFIG_FILE", "NPM_CONFIG_USERCONFIG", "npm_config_userconfig", "GOENV"):
        if environment.get(variable):
            yield Path(environment[variable])


def _stamp(path: Path) -> tuple[int, int, int] | None:
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_ino, status.st_size, status.st_mtime_ns


def _write(path: Path, data: bytes) -> None:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    fresh = path.with_name(f".registries.{os.getpid()}")
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(data)
    fresh.replace(path)
