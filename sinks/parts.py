"""The files of an audit log in their order: rotated parts, compressed or not, and the one that is being written."""

import gzip
import os
import re
import threading
import zlib
from pathlib import Path
from typing import BinaryIO, cast

_PART = re.compile(r"\.(\d{6})\.[^.]+(\.gz)?\Z")
"""Of rotated files: `network.000001.jsonl`, later `network.000001.jsonl.gz`."""
_CHUNK_BYTES = 1 << 20
_LEVEL = 6

BAD_ARCHIVE = (EOFError, zlib.error, gzip.BadGzipFile)
"""What reading a compressed part that is damaged raises."""


def parts(path: Path) -> list[Path]:
    """The files of the log at `path`, the oldest first, `path` itself last. Where a crash left a part both plain and
    compressed, the plain one counts."""
    found: dict[int, Path] = {}
    for file in path.parent.glob(f"{path.stem}.*{path.suffix}*"):
        match = _PART.search(file.name)
        if match and (not match[2] or int(match[1]) not in found):
            found[int(match[1])] = file
    rotated = [found[number] for number in sorted(found)]
    return [*rotated, *([path] if path.exists() or not rotated else [])]


def number_of(part: Path) -> int:
    """The number of a rotated part; 0 for the file that is being written."""
    found = _PART.search(part.name)
    return int(found[1]) if found else 0


def is_compressed(part: Path) -> bool:
    return part.suffix == ".gz"


def open_part(part: Path) -> BinaryIO:
    """The lines of a part, whether or not it is compressed. Raises `OSError`; reading raises `BAD_ARCHIVE`, too."""
    return cast(BinaryIO, gzip.open(part, "rb")) if is_compressed(part) else part.open("rb")


def tail(part: Path, length: int) -> bytes:
    """The last `length` bytes of a part. Raises like `open_part`."""
    with open_part(part) as stream:
        if not is_compressed(part):
            stream.seek(max(0, os.fstat(stream.fileno()).st_size - length))
            return stream.read()
        end = b""
        while chunk := stream.read(_CHUNK_BYTES):
            end = (end + chunk)[-length:]
        return end


def compress(part: Path, *, lock: threading.Lock, stop: threading.Event) -> bool:
    """Replace a rotated part by its compressed form, with the mode and time of the original. False where `stop` was set
    or the part was removed meanwhile: `lock` is held for the exchange. Raises `OSError`."""
    fresh, target = part.with_name(part.name + ".gz.new"), part.with_name(part.name + ".gz")
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as raw, gzip.GzipFile("", "wb", _LEVEL, raw, mtime=0) as packed:
            with part.open("rb") as source:
                before = os.fstat(source.fileno())
                while chunk := source.read(_CHUNK_BYTES):
                    if stop.is_set():
                        return False
                    packed.write(chunk)
            packed.close()
            raw.flush()
            os.fsync(raw.fileno())
        os.utime(fresh, ns=(before.st_atime_ns, before.st_mtime_ns))
        with lock:
            if not part.exists():
                return False
            fresh.replace(target)
            part.unlink()
        return True
    finally:
        fresh.unlink(missing_ok=True)
