"""An audit log in the format of another tool, written as it is read."""

import csv
import io
from collections.abc import Callable, Iterable, Iterator
from typing import Literal

import msgspec

from sinks.line import printable_json
from vibedom.audit import ecs, har, ocsf, table_rows
from vibedom.audit.entries import Entry

_FORMULA = ("=", "+", "-", "@", "\uff1d", "\uff0b", "\uff0d", "\uff20")
"""Also in full width, which spreadsheets take for the same. Tabs and line ends are written as escapes."""
TextFormat = Literal["ocsf", "ecs", "har", "csv"]


def export(lines: Iterable[Entry], form: TextFormat) -> Iterator[bytes]:
    """The export in pieces, in constant memory. OCSF and ECS are one JSON object a line."""
    return _EXPORTS[form](lines)


def _ocsf(lines: Iterable[Entry]) -> Iterator[bytes]:
    for line in lines:
        for event in ocsf.events(line):
            yield printable_json(event) + b"\n"


def _ecs(lines: Iterable[Entry]) -> Iterator[bytes]:
    for line in lines:
        yield printable_json(ecs.document(line)) + b"\n"


def _har(lines: Iterable[Entry]) -> Iterator[bytes]:
    yield b'{"log":' + msgspec.json.encode(har.head())[:-1] + b',"entries":['
    for number, entry in enumerate(har.har_entries(lines)):
        yield (b",\n" if number else b"\n") + printable_json(entry)
    yield b"\n]}}\n"


def _csv(lines: Iterable[Entry]) -> Iterator[bytes]:
    yield csv_line(list(table_rows.COLUMNS))
    for line in lines:
        yield csv_line(table_rows.row(line))


def csv_line(cells: list[str]) -> bytes:
    """One line; no cell begins like a formula or holds a control character, whatever an agent made of it."""
    text = io.StringIO(newline="")
    csv.writer(text).writerow([_harmless(cell) for cell in cells])
    return text.getvalue().encode()


def _harmless(cell: str) -> str:
    cell = "".join(c if c.isprintable() else c.encode("unicode_escape", "surrogatepass").decode() for c in cell)
    return "'" + cell if cell.startswith(_FORMULA) else cell


_EXPORTS: dict[TextFormat, Callable[[Iterable[Entry]], Iterator[bytes]]] = {
    "ocsf": _ocsf,
    "ecs": _ecs,
    "har": _har,
    "csv": _csv,
}
