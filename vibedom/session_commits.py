"""At the end of a session: the agent's commits become branches `vibedom/SESSION` of the project, and of the
repositories in it."""

from collections.abc import Collection
from functools import partial
from pathlib import Path

import anyio.to_thread
import msgspec

from vibedom.errors import SandboxError, WorkspaceError
from vibedom.paths import SessionDir
from vibedom.sandbox.runtime import WORK_MOUNT, Sandbox
from vibedom.sessions import SessionRecord
from vibedom.workspace.base import Base
from vibedom.workspace.bundle import collect_bundle
from vibedom.workspace.commits import head_of, import_commits
from vibedom.workspace.inner import InnerBranch
from vibedom.workspace.inner_repositories import git_directory, inner_repositories
from vibedom.workspace.spelling import visible

MOST_INNER = 50
"""Repositories below the root that one session may have written in."""


class _Source(msgspec.Struct, frozen=True, kw_only=True):
    """A repository that the agent may have committed in."""

    directory: str
    """Workspace-relative, "" for the root."""
    known: str | None
    """The commit the project's is at."""
    start: str | None
    """The commit the sandbox's was at."""
    masked: Collection[str] = ()
    """Below it, where the sandbox had one without them."""


async def bring_commits_home(sandbox: Sandbox, record: SessionRecord, directory: SessionDir) -> SessionRecord:
    """The record with what became of the commits. Trouble with them is a note: the files come home all the same."""
    # Without a repository there: one that the agent made comes as the files it is made of.
    if (record.workspace / ".git").exists():
        masked = record.masked if ".git" in record.hidden else ()
        root = _Source(directory="", known=record.head, start=record.start, masked=masked)
        is_written = (directory.upper / ".git").is_dir()
        count = await _brought(sandbox, record, directory, root) if is_written else 0
        record = _noted(record, count) if isinstance(count, str) else msgspec.structs.replace(record, commits=count)
    return await _bring_inner_home(sandbox, record, directory)


def _noted(record: SessionRecord, note: str) -> SessionRecord:
    return msgspec.structs.replace(record, commits=None, notes=(*record.notes, note))


async def _brought(sandbox: Sandbox, record: SessionRecord, directory: SessionDir, source: _Source) -> int | str:
    """How many commits came home, or why none could."""
    bundle, place = directory.root / "commits.bundle", f"{WORK_MOUNT}/{source.directory}".rstrip("/")
    try:
        await collect_bundle(sandbox, source.start, bundle, place)
        return await anyio.to_thread.run_sync(partial(_import, record, bundle, source), abandon_on_cancel=True)
    except (SandboxError, WorkspaceError, OSError) as error:
        return f"no branch of the agent's commits: {error.strerror}" if isinstance(error, OSError) else str(error)


def _import(record: SessionRecord, bundle: Path, source: _Source) -> int:
    repository = record.workspace / source.directory
    done = import_commits(bundle, repository, record.branch, source.known, source.masked)
    return 0 if done is None else done.count


async def _bring_inner_home(sandbox: Sandbox, record: SessionRecord, directory: SessionDir) -> SessionRecord:
    """The same for each repository below the root that the agent has written in."""
    found = await anyio.to_thread.run_sync(_written, record, directory)
    branches, notes = [], []
    for git, source in found[:MOST_INNER]:
        count = await _brought(sandbox, record, directory, source)
        if isinstance(count, str):
            notes.append(f"{visible(source.directory)}: {count}; its git data is offered as files, held back")
        else:
            branches.append(InnerBranch(directory=source.directory, git=git, commits=count))
    if len(found) > MOST_INNER:
        more = len(found) - MOST_INNER
        notes.append(f"commits in {more} more repositories of the project come as files, held back")
    return msgspec.structs.replace(record, inner_branches=tuple(branches), notes=(*record.notes, *notes))


def _written(record: SessionRecord, directory: SessionDir) -> list[tuple[str, _Source]]:
    """The git directory (workspace-relative) and more of each such repository. One that the agent has removed, made or
    cannot see is none."""
    try:
        with Base(directory.base) as base:
            inner = list(inner_repositories(base))
    except WorkspaceError:  # it never started
        return []
    own = {each.directory: each for each in record.inner}
    found = []
    for each in inner:
        if not (record.workspace / each / ".git").exists():
            continue
        git = f"{each}/.git" if each in own else git_directory(record.workspace, each)
        if git is not None and (directory.upper / git).is_dir() and not (directory.upper / git).is_symlink():
            found.append((git, _source(record, each)))
    return found


def _source(record: SessionRecord, directory: str) -> _Source:
    known = head_of(record.workspace / directory)
    laid = next((each for each in record.inner if each.directory == directory), None)
    if laid is None:
        return _Source(directory=directory, known=known, start=known)
    masked = [path.removeprefix(f"{directory}/") for path in record.masked if path.startswith(f"{directory}/")]
    return _Source(directory=directory, known=laid.head, start=laid.start, masked=masked)
