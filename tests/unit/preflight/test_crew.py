"""The processes of a scan: what they find together, and how they end."""

import os
import socket
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from itertools import batched
from pathlib import Path

import pytest

from pipeline.scrubber.engine import build_engine
from pipeline.scrubber.rules import parse_rules
from tests.support.scrubbing import RULES, TOKEN, fingerprint
from vibedom.errors import NotScannedError
from vibedom.preflight.channel import Channel
from vibedom.preflight.crew import Crew, serve
from vibedom.preflight.file_search import Batch, FileSearch
from vibedom.preflight.file_walk import WalkedFile
from vibedom.preflight.ignore_files import GitleaksIgnore

DEADLINE_SECONDS = 60.0


def search_of(root: Path) -> FileSearch:
    return FileSearch(
        build_engine(parse_rules(RULES, source="test rules")),
        fingerprint,
        GitleaksIgnore(root),
        max_file_bytes=1 << 20,
        deadline=time.monotonic() + DEADLINE_SECONDS,
    )


def files(root: Path, count: int) -> list[WalkedFile]:
    made = []
    for number in range(count):
        path = root / f"f{number}.txt"
        path.write_bytes(b"nothing\n" * number + TOKEN)
        made.append(WalkedFile(os.fsencode(path), path.name))
    return made


@contextmanager
def crew_of_threads(search: FileSearch, count: int) -> Iterator[Crew]:
    """Members that are threads of this process: what they say goes over sockets all the same."""
    with ExitStack() as stack:
        ours = []
        for _ in range(count):
            here, there = socket.socketpair()
            ours.append(Channel(here))
            theirs = Channel(there)
            thread = threading.Thread(target=serve, args=(theirs, search))
            thread.start()
            stack.callback(theirs.close)
            stack.callback(thread.join)
        yield stack.enter_context(Crew(ours, lambda: None))


def lines(batches: Sequence[Batch]) -> list[tuple[str, int]]:
    return [(finding.file, finding.start_line) for batch in batches for finding, _ in batch.found]


def test_what_a_crew_finds_comes_in_the_order_of_the_batches(tmp_path: Path) -> None:
    walked = files(tmp_path, 50)
    search = search_of(tmp_path)
    with crew_of_threads(search, 3) as crew:
        found = list(crew.search(batched(walked, 4)))
    assert lines(found) == lines([search(walked)]) == [(f"f{number}.txt", number + 1) for number in range(50)]


def test_a_scan_one_of_whose_processes_is_gone_has_not_scanned(tmp_path: Path) -> None:
    here, there = socket.socketpair()
    there.close()
    ended: list[bool] = []
    with (
        pytest.raises(NotScannedError, match=r"\A[^\n]*ended before its work was done[^\n]*\Z"),
        Crew([Channel(here)], lambda: ended.append(True)) as crew,
    ):
        list(crew.search(batched(files(tmp_path, 8), 1)))
    assert ended == [True]
