"""The only place that prints. Results go to stdout, words for people to stderr, colour only to a terminal."""

import os
import re
import sys
from collections.abc import Iterable, Sequence
from typing import Literal

import msgspec

Style = Literal["plain", "good", "warn", "bad", "dim", "bold"]

_CODES: dict[Style, str] = {"plain": "", "good": "32", "warn": "33", "bad": "31", "dim": "2", "bold": "1"}
_OWN = re.compile(rf"(\x1b\[(?:{'|'.join(['0', *filter(None, _CODES.values())])})m|[\n\t])")
_UNUSUAL = re.compile(r"[^\n\t -~]")


def printable(text: str) -> str:
    """`text` with every control character, line separator and bidi mark made visible: safe to show on a terminal."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape", "surrogatepass").decode() for c in text)


def harmless(text: str) -> str:
    """`text` as whoever prints it meant it: colours, lines and tabs stay, other control characters are made visible.

    Callers make printable what an agent may have written. This is the net below them.
    """
    if _UNUSUAL.search(text) is None:
        return text
    return "".join(part if number % 2 else printable(part) for number, part in enumerate(_OWN.split(text)))


def is_coloured(stream: Literal["stdout", "stderr"]) -> bool:
    """Colour is for terminals, and not where NO_COLOR or a dumb terminal says no."""
    if os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb":
        return False
    return bool(getattr(sys, stream).isatty())


def style(text: str, how: Style, stream: Literal["stdout", "stderr"] = "stderr") -> str:
    """`text` in colour where `stream` takes it."""
    code = _CODES[how]
    return f"\x1b[{code}m{text}\x1b[0m" if code and is_coloured(stream) else text


def out(text: str) -> None:
    """One result line (or several) to stdout."""
    _write(sys.stdout, harmless(text) + "\n")


def err(text: str, how: Style = "plain") -> None:
    """One line for people to stderr."""
    _write(sys.stderr, style(harmless(text), how) + "\n")


def out_bytes(data: bytes) -> None:
    """Bytes to stdout as they are, at once."""
    sys.stdout.buffer.write(data)
    sys.stdout.buffer.flush()


def out_json(value: object) -> None:
    """`value` (structs too) as indented JSON to stdout."""
    out(_escaped(msgspec.json.format(msgspec.json.encode(value, enc_hook=str)).decode()))


def out_line(value: object) -> None:
    """`value` as one line of JSON to stdout."""
    out(_escaped(msgspec.json.encode(value, enc_hook=str).decode()))


def _escaped(text: str) -> str:
    """JSON that says the same without a character that a terminal would obey: they stand in its strings only."""
    if _UNUSUAL.search(text) is None:
        return text
    import json

    return "".join(c if c.isprintable() or c == "\n" else json.dumps(c)[1:-1] for c in text)


def link(url: str, *, as_json: bool) -> None:
    """The address of a local page that is served from now on."""
    if as_json:
        out_json({"url": url})
    else:
        out(url)
        err("open this link once; Ctrl-C ends the page", "dim")


def table(rows: Iterable[Sequence[str]], headings: Sequence[str]) -> str:
    """Left-aligned columns; the cells are made printable."""
    cells = [list(headings), *([printable(c) for c in row] for row in rows)]
    widths = [max(len(row[i]) for row in cells) for i in range(len(headings))]
    return "\n".join("  ".join(c.ljust(w) for c, w in zip(row, widths, strict=True)).rstrip() for row in cells)


def progress(text: str) -> None:
    """One line that replaces the last one on a terminal; nothing elsewhere."""
    if sys.stderr.isatty():
        _write(sys.stderr, "\r\x1b[K" + text)


def end_progress() -> None:
    """Clear what `progress` left."""
    progress("")


def _write(stream: object, text: str) -> None:
    try:
        stream.write(text)  # type: ignore[attr-defined]
        stream.flush()  # type: ignore[attr-defined]
    except UnicodeEncodeError:
        stream.write(text.encode("ascii", "backslashreplace").decode())  # type: ignore[attr-defined]
        stream.flush()  # type: ignore[attr-defined]
