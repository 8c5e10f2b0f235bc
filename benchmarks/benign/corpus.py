"""A corpus without secrets: files of this machine's packages, and made-up logs, lock files, scripts and images."""

import base64
import json
import random
import sysconfig
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

ROOTS = (
    Path(sysconfig.get_paths()["purelib"]),
    Path(sysconfig.get_paths()["stdlib"]),
    Path("/usr/lib/python3"),
    Path("/usr/lib/node_modules"),
    Path("/usr/share/doc"),
    Path("/usr/share/perl"),
    Path("/usr/include"),
    Path("/var/lib/dpkg/info"),
)
LARGEST_BYTES = 1_500_000
MADE_BYTES = 2_000_000
"""Of each made-up kind."""
_TEXT = "alpha beta core data edge flow grid http item json kind lint mesh node open path queue rest sync text"
_NAMES = _TEXT.split()


def bodies(limit_bytes: int, seed: int = 5) -> Iterator[tuple[str, bytes]]:
    """Name and content, up to `limit_bytes` of files in a seeded order, after the made-up ones."""
    rng = random.Random(seed)
    for name, make in MADE.items():
        yield f"made-up {name}", make(rng)
    left = limit_bytes - MADE_BYTES * len(MADE)
    for path in shuffled_files(rng):
        if left <= 0:
            return
        content = path.read_bytes()
        if b"\0" not in content[:4096]:
            left -= len(content)
            yield str(path), content


def shuffled_files(rng: random.Random) -> list[Path]:
    """Regular files of the roots. Directories named `test` or `tests` are left out: they hold keys on purpose."""
    found = []
    for root in ROOTS:
        for folder, folders, files in root.walk():
            folders[:] = sorted(name for name in folders if name not in ("__pycache__", "test", "tests", ".git"))
            paths = (folder / name for name in sorted(files))
            found += [path for path in paths if not path.is_symlink() and path.stat().st_size <= LARGEST_BYTES]
    rng.shuffle(found)
    return found


def _lines(rng: random.Random, make: Callable[[random.Random], str]) -> bytes:
    out: list[str] = []
    size = 0
    while size < MADE_BYTES:
        line = make(rng)
        out.append(line)
        size += len(line) + 1
    return "\n".join(out).encode()


def _log_line(rng: random.Random) -> str:
    epoch = 1_700_000_000 + rng.randrange(10**8)
    request = uuid.UUID(int=rng.getrandbits(128))
    return rng.choice(
        (
            f"{epoch} INFO {rng.choice(_NAMES)}: request {request} took {rng.randrange(900)} ms",
            f'{{"ts": {epoch * 1000 + rng.randrange(1000)}, "trace": "{rng.getrandbits(128):032x}", "tokens": 4096}}',
            f"{epoch}.{rng.randrange(10**6):06d} GET /v1/items/{rng.randrange(10**10)}?page=2&sort=asc 200",
            f"commit {rng.getrandbits(160):040x} order {rng.randrange(10**9, 10**10)} v{rng.randrange(9)}.4",
        )
    )


def _lock_entry(rng: random.Random) -> str:
    name, version = "-".join(rng.sample(_NAMES, 2)), f"{rng.randrange(9)}.{rng.randrange(40)}.{rng.randrange(20)}"
    sri = base64.b64encode(rng.randbytes(64)).decode()
    return rng.choice(
        (
            f'"node_modules/{name}": {{"version": "{version}", "integrity": "sha512-{sri}"}},',
            f'name = "{name}"\nversion = "{version}"\nchecksum = "{rng.getrandbits(256):064x}"',
            f"{name} v{version} h1:{base64.b64encode(rng.randbytes(32)).decode()}",
            f"{name}=={version} --hash=sha256:{rng.getrandbits(256):064x}",
        )
    )


def _script_line(rng: random.Random) -> str:
    a, b, c = rng.sample(_NAMES, 3)
    n = rng.randrange(1000)
    body = f"var {b}=e.{c}||t[{n}];return{{{a}:{b}.length,key:e.key,token:{c}.next()}}"
    return f"function {a}{n}(e,t){{{body}}};{a}{n}.v=0x{n:x};"


def _image(rng: random.Random) -> str:
    data = base64.b64encode(rng.randbytes(30_000)).decode()
    return json.dumps({"type": "image", "source": {"media_type": "image/png", "data": data}})


MADE: dict[str, Callable[[random.Random], bytes]] = {
    "logs": lambda rng: _lines(rng, _log_line),
    "lock files": lambda rng: _lines(rng, _lock_entry),
    "minified scripts": lambda rng: _lines(rng, _script_line),
    "images in JSON": lambda rng: _lines(rng, _image),
}
