"""The built-in scanner: the proxy's rules over a tree of files, on all cores."""

import os
import time
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import batched
from pathlib import Path

import msgspec

from pipeline.scrubber.engine import MatchEngine
from vibedom.preflight.file_report import FileFinding, ScanReport, Skipped
from vibedom.preflight.file_search import Batch, FileSearch
from vibedom.preflight.file_walk import FileWalk
from vibedom.preflight.ignore_files import GitIgnore, GitleaksIgnore

_BATCH = 64
"""Files that one task reads: so many that handing it over costs nothing."""
_AHEAD = 8
"""Tasks that wait for each worker; the walk pauses there, so that memory stays bounded."""


class ScanLimits(msgspec.Struct, frozen=True, kw_only=True):
    """What is read at the most."""

    max_file_bytes: int = 32 << 20
    max_seconds: float = 600.0


DEFAULT_LIMITS = ScanLimits()


def scan_paths(
    root: Path,
    *,
    engine: MatchEngine,
    fingerprint: Callable[[bytes], str],
    jobs: int | None = None,
    progress: Callable[[int, int], None] | None = None,
    include_ignored: bool = True,
    on_secret: Callable[[FileFinding, bytes], None] | None = None,
    limits: ScanLimits = DEFAULT_LIMITS,
) -> ScanReport:
    """Secrets in the files below `root`, or in that one file.

    `jobs` threads (default: all cores); the engine releases the GIL. `progress` is told files and bytes done, from the
    calling thread. `on_secret` gets each finding with its secret, the only way out for it. Files that git ignores are
    scanned and marked, or with `include_ignored=False` left out. Blocking. Raises `OSError` where `root` is not there.
    """
    os.stat(root)
    started = time.monotonic()
    ignore = GitIgnore(root)
    walk = FileWalk(root, ignore=None if include_ignored else ignore)
    search = FileSearch(
        engine,
        fingerprint,
        GitleaksIgnore(root),
        max_file_bytes=limits.max_file_bytes,
        deadline=started + limits.max_seconds,
    )
    total = _Total(ignore if include_ignored else None, progress, on_secret)
    for batch in _searched(walk, search, jobs or _cores()):
        total.add(batch)
    return total.report(walk, time.monotonic() - started)


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _searched(walk: FileWalk, search: FileSearch, jobs: int) -> Iterator[Batch]:
    with ThreadPoolExecutor(jobs, thread_name_prefix="scan") as pool:
        waiting: deque[Future[Batch]] = deque()
        for files in batched(walk, _BATCH):
            waiting.append(pool.submit(search, files))
            while waiting and (len(waiting) > jobs * _AHEAD or waiting[0].done()):
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()


class _Total:
    """Adds up the batches."""

    def __init__(
        self,
        ignore: GitIgnore | None,
        progress: Callable[[int, int], None] | None,
        on_secret: Callable[[FileFinding, bytes], None] | None,
    ) -> None:
        self._ignore = ignore
        self._progress = progress
        self._on_secret = on_secret
        self._findings: list[FileFinding] = []
        self._skipped: list[Skipped] = []
        self._files = self._binary_files = self._bytes = self._suppressed = 0

    def add(self, batch: Batch) -> None:
        self._files += batch.files
        self._binary_files += batch.binary_files
        self._bytes += batch.size
        self._suppressed += batch.suppressed
        self._skipped += batch.skipped
        for finding, secret in batch.found:
            if self._ignore is not None and self._ignore.ignores(finding.file):
                finding = msgspec.structs.replace(finding, is_ignored=True)
            self._findings.append(finding)
            if self._on_secret is not None:
                self._on_secret(finding, secret)
        if self._progress is not None:
            self._progress(self._files, self._bytes)

    def report(self, walk: FileWalk, seconds: float) -> ScanReport:
        skipped = [*self._skipped, *(Skipped(file=name, reason="unreadable") for name in walk.unreadable)]
        return ScanReport(
            findings=tuple(sorted(self._findings, key=lambda f: (f.file, f.start_line, f.start_column, f.rule))),
            skipped=tuple(sorted(skipped, key=lambda each: each.file)),
            excluded=tuple(sorted(walk.excluded)),
            suppressed=self._suppressed,
            files=self._files,
            binary_files=self._binary_files,
            bytes=self._bytes,
            seconds=seconds,
            is_truncated=any(each.reason == "timed-out" for each in skipped),
        )
