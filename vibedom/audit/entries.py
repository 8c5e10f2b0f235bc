"""The lines of audit logs as they were written, from one session or all of them."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec

from pipeline.events import Record
from sinks.parts import BAD_ARCHIVE, open_part, parts
from vibedom.errors import VibedomError
from vibedom.paths import Home


class Entry(Record, frozen=True, kw_only=True):
    """A record and what the log puts around it."""

    schema_version: int
    seq: int
    session: str
    time: str
    """RFC 3339, UTC, milliseconds."""
    hash: str


_decoder = msgspec.json.Decoder(Entry)


def log_of(home: Home, what: str | None, *, workspace: Path) -> Path:
    """The network.jsonl that a session's name or a path means; without either, the newest session's of `workspace`.
    Raises `VibedomError`."""
    from vibedom import sessions

    if what is not None and (Path(what).is_file() or "/" in what):
        return Path(what)
    record = sessions.find(home, what, workspace=None if what else workspace)
    return home.session(record.id).network_log


def all_logs(home: Home) -> list[Path]:
    """Of every session that has one, by name."""
    found = [home.session(path.name).network_log for path in sorted(home.sessions.glob("*")) if path.is_dir()]
    return [path for path in found if parts(path) != [path] or path.exists()]


def entries(logs: Sequence[Path]) -> Iterator[Entry]:
    """Every line of the logs in order. Raises `VibedomError` for a file that is not there or a line that is none:
    what is exported is the whole log or an error."""
    for log in logs:
        for part in parts(log):
            yield from _entries_of(part)


def _entries_of(part: Path) -> Iterator[Entry]:
    try:
        with open_part(part) as stream:
            for number, line in enumerate(stream, start=1):
                if not line.endswith(b"\n"):
                    return  # a crash while it was written, or the writer is in the middle of it
                yield _entry(part, number, line)
    except BAD_ARCHIVE:
        raise VibedomError(f"{part}: the compressed file is damaged; `vibedom audit verify` says where") from None
    except OSError as error:
        raise VibedomError(f"{part}: cannot be read ({error.strerror}); name a session or a network.jsonl") from None


def _entry(part: Path, number: int, line: bytes) -> Entry:
    try:
        return _decoder.decode(line)
    except msgspec.MsgspecError:
        raise VibedomError(f"{part}:{number}: not a line of an audit log; `vibedom audit verify` says more") from None
