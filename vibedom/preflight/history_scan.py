"""The built-in scan of the git history: every blob once, whatever branch, stash, reflog or index still has it."""

import time
from collections.abc import Callable, Iterator
from pathlib import Path

from pipeline.events import Payload
from pipeline.scrubber.engine import MatchEngine
from pipeline.scrubber.entropy import shannon_entropy
from vibedom.errors import NotScannedError, WorkspaceError
from vibedom.preflight.file_search import NamedFile, Place
from vibedom.preflight.finding import Detection
from vibedom.preflight.known_values import NOT_READ
from vibedom.workspace.content import is_text
from vibedom.workspace.host_git import must_git, run_git

BATCH_BYTES = 32 << 20
Progress = Callable[[int, int], None]
"""Told (objects, bytes) read so far."""


def scan_history(
    workspace: Path, engine: MatchEngine, *, max_file_bytes: int, max_seconds: float, progress: Progress
) -> list[Detection]:
    """The secrets in the history, each with a commit that has it. Nothing for a project without git.

    Raises `NotScannedError` where git fails or the time is over.
    """
    deadline = time.monotonic() + max_seconds
    if run_git(workspace, "rev-parse", "--git-dir").returncode != 0:
        return []
    found: list[Detection] = []
    objects = size = 0
    try:
        paths = _paths(workspace)
        for batch in _batches(_blobs(workspace, list(paths), max_file_bytes)):
            for blob, data in _contents(workspace, batch):
                objects, size = objects + 1, size + len(data)
                found += _detections(workspace, engine, paths[blob], blob, data)
            progress(objects, size)
            if time.monotonic() > deadline:
                raise NotScannedError(f"the git history of {workspace} was not scanned in {max_seconds:.0f} s")
    except WorkspaceError as error:
        raise NotScannedError(f"the git history counts as not scanned: {error}") from None
    return found


def _paths(workspace: Path) -> dict[bytes, str]:
    """Object -> the first path it is known by."""
    listed = must_git(workspace, "rev-list", "--objects", "--all", "--reflog", "--indexed-objects")
    found = {}
    for line in listed.splitlines():
        name, _, path = line.partition(b" ")
        text = path.decode("utf-8", "surrogateescape")
        if path and not any(part in NOT_READ for part in text.split("/")):
            found[name] = text
    return found


def _blobs(workspace: Path, objects: list[bytes], max_file_bytes: int) -> Iterator[tuple[bytes, int]]:
    """Those that are files, and not too large: (id, size)."""
    asked = b"".join(name + b"\n" for name in objects)
    for line in must_git(workspace, "cat-file", "--batch-check", data=asked).splitlines():
        name, kind, size = line.split(b" ")[:3]
        if kind == b"blob" and int(size) <= max_file_bytes:
            yield name, int(size)


def _batches(blobs: Iterator[tuple[bytes, int]]) -> Iterator[list[bytes]]:
    batch: list[bytes] = []
    total = 0
    for name, size in blobs:
        batch.append(name)
        total += size
        if total > BATCH_BYTES:
            yield batch
            batch, total = [], 0
    if batch:
        yield batch


def _contents(workspace: Path, blobs: list[bytes]) -> Iterator[tuple[bytes, bytes]]:
    output = must_git(workspace, "cat-file", "--batch", data=b"".join(name + b"\n" for name in blobs))
    at = 0
    for name in blobs:
        end = output.index(b"\n", at)
        size = int(output[at:end].rpartition(b" ")[2])
        yield name, output[end + 1 : end + 1 + size]
        at = end + 1 + size + 1


def _detections(workspace: Path, engine: MatchEngine, path: str, blob: bytes, data: bytes) -> Iterator[Detection]:
    if not is_text(data):
        return
    commit = ""
    for span in NamedFile(engine, path).find(data):
        rule, place = engine.rules[span.rule], Place(data, span)
        if rule.secret_class not in ("secret", "credential") or place.is_allowed:
            continue
        commit = commit or _commit_of(workspace, blob)
        secret = data[span.start : span.end]
        yield Detection(
            rule=rule.id,
            description=rule.description or rule.id,
            file=path,
            start_line=place.start_line,
            end_line=place.end_line,
            start_column=place.start_column,
            end_column=place.end_column,
            entropy=round(shannon_entropy(secret), 2),
            secret=Payload(secret),
            commit=commit,
            severity=rule.severity,
        )


def _commit_of(workspace: Path, blob: bytes) -> str:
    """The oldest commit that brought it; `index` where none has."""
    which = f"--find-object={blob.decode()}"
    done = run_git(workspace, "log", "--all", "--reflog", "--format=%H", which, "--no-textconv")
    commits = done.stdout.decode().split()
    return commits[-1] if commits else "index"
