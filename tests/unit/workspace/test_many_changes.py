"""Twenty thousand changes: read, judged and planned for little more than it takes to read them."""

import hashlib
import os
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.support.overlays import fast_directory
from vibedom.paths import SessionDir
from vibedom.web.review_desk import ReviewDesk
from vibedom.workspace.base import record_base
from vibedom.workspace.review import reviewing

FILES, PER_DIRECTORY = 20_000, 100
MARK = b"a secret, for this test"
MOST_TIMES = 8.0
"""What reading both sides of every change takes, so many times. It is some four; when each path was walked to and
looked up from the beginning, it was fourteen."""
MOST_TIMES_PLANNED = 2.0
"""The same for a plan of all of them, which reads nothing."""


class Many:
    """A project of small files, all of them changed by the agent; one new content has a secret in it."""

    def __init__(self, root: Path) -> None:
        self.workspace, self.directory = root / "project", SessionDir(root=root / "session")
        self.directory.upper.mkdir(parents=True)
        directories = [f"part{n // 50}/package{n:03d}" for n in range(FILES // PER_DIRECTORY)]
        self.paths = [f"{each}/module{n:02d}.py" for each in directories for n in range(PER_DIRECTORY)]
        for path in self.paths:
            self._write(self.workspace / path, b"value = 1\n" * 20)
        record_base(self.workspace, self.directory.base)
        for path in self.paths:
            self._write(self.directory.upper / path, b"value = 2\n" * 20)
        self._write(self.directory.upper / self.paths[-1], MARK)

    def _write(self, path: Path, data: bytes) -> None:
        if not path.parent.exists():
            path.parent.mkdir(parents=True)
        with open(path, "wb") as file:
            file.write(data)

    def desk(self) -> ReviewDesk:
        def scan(data: bytes) -> list[tuple[str, str]]:
            return [("test-rule", "mark")] if MARK in data else []

        return ReviewDesk(
            lambda notify: reviewing(self.directory, self.workspace, scan=scan, notify=notify),
            self.directory.journal,
            lambda is_done: None,
        )

    def read_both_sides(self) -> None:
        """All that no diff can do without."""
        for path in self.paths:
            old, new = (_read(f"{root}/{path}") for root in (self.workspace, self.directory.upper))
            assert old != new
            hashlib.sha256(new).hexdigest()


def _read(path: str) -> bytes:
    os.lstat(path)
    fd = os.open(path, os.O_RDONLY)
    data = os.read(fd, 1 << 20)
    os.close(fd)
    return data


@pytest.fixture(scope="module")
def many() -> Iterator[Many]:
    with tempfile.TemporaryDirectory(dir=fast_directory()) as directory:
        yield Many(Path(directory))


def _processor_seconds(act: Callable[[], None]) -> float:
    start = time.process_time()
    act()
    return time.process_time() - start


def test_reading_and_judging_them_costs_little_more_than_reading_the_files(many: Many) -> None:
    ratios = []
    for _ in range(2):
        desk = many.desk()
        ratios.append(_processor_seconds(desk.read) / _processor_seconds(many.read_both_sides))
    assert min(ratios) < MOST_TIMES, ratios
    first = desk.page()
    assert first.total == FILES
    assert [row.path for row in first.changes if row.dangers] == [first.changes[0].path] == many.paths[-1:]

    desk.choose(many.paths, is_wanted=True)
    planning = _processor_seconds(lambda: _plan_all(desk)) / _processor_seconds(many.read_both_sides)
    assert planning < MOST_TIMES_PLANNED, planning


def _plan_all(desk: ReviewDesk) -> None:
    assert desk.plan().count == FILES
