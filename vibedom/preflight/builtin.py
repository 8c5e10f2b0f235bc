"""The built-in scanner: the proxy's rules over a tree of files, on all cores."""

import os
import time
from collections.abc import Callable, Generator
from contextlib import closing
from itertools import batched
from pathlib import Path

import msgspec

from pipeline.scrubber.engine import MatchEngine
from vibedom.preflight.crew import Help, fork_crew
from vibedom.preflight.file_report import FileFinding, ScanReport, Skipped
from vibedom.preflight.file_search import Batch, FileSearch
from vibedom.preflight.file_walk import FileWalk
from vibedom.preflight.ignore_files import GitIgnore, GitleaksIgnore

_BATCH = 32
"""Files that are handed over together: so many that it costs little."""
FORKED = Help(after_seconds=0.12, recruit=fork_crew)
"""Costs a few milliseconds: what has been compiled until then is in every copy, and a third of a scan of 50 MB is the
compiling of regexes when they are needed first."""


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
    pii: bool = True,
    crew_help: Help = FORKED,
) -> ScanReport:
    """Secrets in the files below `root`, or in that one file.

    `jobs` processes (default: one for each core), where it takes longer than a moment; `crew_help` makes them.
    `progress` is told files and bytes done. `on_secret` gets each finding with its secret, the only way out for it.
    Files that git ignores are scanned and marked, or with `include_ignored=False` left out; `pii=False` passes over the
    rules for personal data and addresses. Blocking. Raises `OSError` where `root` is not there, `NotScannedError` where
    one of the processes has ended.
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
        pii=pii,
    )
    total = _Total(ignore if include_ignored else None, progress, on_secret)
    with closing(_searched(walk, search, jobs or _cores(), crew_help)) as batches:
        for batch in batches:
            total.add(batch)
    return total.report(walk, time.monotonic() - started)


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _searched(walk: FileWalk, search: FileSearch, jobs: int, crew_help: Help) -> Generator[Batch]:
    files = iter(walk)
    started = time.monotonic()
    for file in files:
        yield search((file,))
        if jobs > 1 and time.monotonic() - started > crew_help.after_seconds:
            break
    else:
        return
    batches = batched(files, _BATCH)
    crew = crew_help.recruit(search, jobs)
    if crew is None:
        yield from map(search, batches)
        return
    with crew:
        yield from crew.search(batches)


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
