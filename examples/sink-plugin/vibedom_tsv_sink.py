"""A sink for vibedom: one line of tab-separated words for each record."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pipeline.events import Record


class TsvSink:
    """Each write appends whole lines, so that a record that is given again is there again and never in part."""

    name = "tsv"

    def __init__(self, path: Path) -> None:
        self._file = path.open("ab", buffering=0)

    async def write(self, records: Sequence[Record], /) -> None:
        lines = ["\t".join((ascii(r.host), r.method, r.verdict, r.reason)).encode("ascii", "replace") for r in records]
        self._file.write(b"".join(line + b"\n" for line in lines))

    async def aclose(self) -> None:
        self._file.close()


def open_sink(options: Mapping[str, Any], /, *, session: str) -> TsvSink:
    """`options`: `directory`. Raises `ValueError` where it is missing."""
    if "directory" not in options:
        raise ValueError("options.directory: name the directory to write to")
    return TsvSink(Path(options["directory"]) / f"{session}.tsv")
