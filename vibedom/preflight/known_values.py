"""The workspace's own secrets by value, for the proxy's exact matcher: no rule has to know what they look like.

Everything stays in memory: a value is in no file, log, message or representation.
"""

import configparser
import os
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path

from vibedom.preflight.credential_files import Reader, reader_of
from vibedom.preflight.finding import Detection
from vibedom.workspace.tree import Tree

MAX_FILE_BYTES = 1 << 20
MAX_FILES = 2000
NOT_READ = frozenset(
    {".git", "node_modules", ".venv", "venv", "__pycache__", ".tox", ".mypy_cache", "site-packages", "bower_components"}
)
"""Directories whose content comes from elsewhere."""

Value = tuple[str, bytes]
"""Where a value comes from (`.env DATABASE_PASSWORD`), and the value."""


class KnownValues:
    """Names and values. The representation tells how many there are."""

    def __init__(self, values: Iterable[Value]) -> None:
        by_value: dict[bytes, str] = {}
        for name, value in values:
            if value:
                by_value.setdefault(value, name)
        self._values = tuple((name, value) for value, name in by_value.items())

    def __len__(self) -> int:
        return len(self._values)

    def __repr__(self) -> str:
        return f"KnownValues({len(self._values)})"

    def __reduce__(self) -> str:
        raise TypeError("known values stay in the memory of one process")

    def reveal(self) -> tuple[Value, ...]:
        """Names and values, for the matcher."""
        return self._values


def values_of(detections: Iterable[Detection]) -> Iterator[Value]:
    """What a scan found, by value."""
    for found in detections:
        yield f"{found.rule} in {found.file}", found.secret.data


def known_values(workspace: Path) -> Iterator[Value]:
    """The values in files of the workspace that hold secrets by convention. Files that cannot be read or understood
    are passed over: the scan has seen them, too."""
    with Tree(workspace) as tree:
        for path, read in islice(_credential_files(workspace), MAX_FILES):
            try:
                text = tree.read(path, MAX_FILE_BYTES).decode("utf-8", "surrogateescape")
                found = list(read(text))
            except (OSError, ValueError, configparser.Error):
                continue
            for key, value in found:
                yield f"{path} {key}".strip(), os.fsencode(value)


def _credential_files(workspace: Path) -> Iterator[tuple[str, Reader]]:
    for directory, directories, files in os.walk(workspace, followlinks=False):
        directories[:] = sorted(name for name in directories if name not in NOT_READ)
        above = os.path.relpath(directory, workspace)
        for name in sorted(files):
            read = reader_of(name, os.path.basename(directory))
            if read is not None:
                yield (name if above == "." else f"{above}/{name}"), read
