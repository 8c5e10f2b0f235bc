"""At the end of a session: the agent's commits become the branch `vibedom/SESSION` of the project."""

from functools import partial
from pathlib import Path

import anyio.to_thread
import msgspec

from vibedom.errors import SandboxError, WorkspaceError
from vibedom.paths import SessionDir
from vibedom.sandbox.runtime import Sandbox
from vibedom.sessions import SessionRecord
from vibedom.workspace.bundle import collect_bundle
from vibedom.workspace.commits import import_commits


async def bring_commits_home(sandbox: Sandbox, record: SessionRecord, directory: SessionDir) -> SessionRecord:
    """The record with what became of the commits. Trouble with them is a note: the files come home all the same."""
    if not (record.workspace / ".git").exists():
        return record  # a repository that the agent made comes as the files it is made of
    count = 0
    try:
        if (directory.upper / ".git").is_dir():  # else nothing was written in it
            await collect_bundle(sandbox, record.start, _bundle(directory))
            count = await anyio.to_thread.run_sync(partial(_import, record, directory), abandon_on_cancel=True)
    except (SandboxError, WorkspaceError, OSError) as error:
        note = f"no branch of the agent's commits: {error.strerror}" if isinstance(error, OSError) else str(error)
        return msgspec.structs.replace(record, commits=None, notes=(*record.notes, note))
    return msgspec.structs.replace(record, commits=count)


def _bundle(directory: SessionDir) -> Path:
    return directory.root / "commits.bundle"


def _import(record: SessionRecord, directory: SessionDir) -> int:
    masked = record.masked if ".git" in record.hidden else ()
    done = import_commits(_bundle(directory), record.workspace, record.branch, record.head, masked)
    return 0 if done is None else done.count
