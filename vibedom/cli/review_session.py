"""Finds the session a command means, and reads its changes."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from vibedom import sessions
from vibedom.cli import render
from vibedom.closed_work import open_up
from vibedom.errors import NoSuchSessionError
from vibedom.paths import Home, SessionDir, home
from vibedom.preflight.new_secrets import SecretFinder
from vibedom.sessions import SessionRecord
from vibedom.workspace.changes import Notify
from vibedom.workspace.review import Review, relative_path, reviewing
from vibedom.workspace.spelling import visible

MOST_OPENED = 5
"""Of so many paths each is named."""


class Chosen:
    """A session, where it is kept, and the paths that were named with it."""

    def __init__(self, state: Home, record: SessionRecord, paths: tuple[str, ...]) -> None:
        self.state, self.record, self.paths = state, record, paths
        self.directory: SessionDir = state.session(record.id)

    def named(self, texts: tuple[str, ...]) -> tuple[str, ...]:
        """The workspace-relative paths that the user means, from where they are."""
        current = Path.cwd()
        return tuple(relative_path(text, workspace=self.record.workspace, current=current) for text in texts)

    @contextmanager
    def review(
        self, notify: Notify | None = None, *, looks_for_secrets: bool = True, with_settled: bool = False
    ) -> Iterator[Review]:
        """Its changes as they are now; new secrets in them are dangers, if wanted. `notify` hears how far it is, by
        default the terminal. Raises `WorkspaceError`."""
        self._open_up()
        finder, line = SecretFinder(self.state), _ProgressLine()
        with reviewing(
            self.directory,
            self.record.workspace,
            masked=frozenset(self.record.masked),
            hidden=frozenset(self.record.hidden),
            has_branch=self.record.commits is not None,
            branched=[each.git for each in self.record.inner_branches],
            home=Path.home(),
            scan=finder.scan if looks_for_secrets else None,
            conceal=finder.conceal,
            with_settled=with_settled,
            notify=notify or line.show,
        ) as review:
            line.end()
            yield review

    def _open_up(self) -> None:
        """What the agent has closed to everybody would keep all the rest from being read."""
        opened = [] if self.record.is_alive else open_up(self.directory.upper)
        for path in opened[:MOST_OPENED]:
            render.err(f"{visible(path)}: the agent left it closed even to its owner, who may read it again", "warn")
        if len(opened) > MOST_OPENED:
            render.err(f"and {len(opened) - MOST_OPENED} more files and directories", "warn")


class _ProgressLine:
    def __init__(self) -> None:
        self._is_shown = False

    def show(self, text: str) -> None:
        self._is_shown = True
        render.progress(text)
        if _is_interrupted():
            raise KeyboardInterrupt

    def end(self) -> None:
        if self._is_shown:
            render.end_progress()


def _is_interrupted() -> bool:
    """Ctrl-C cancels a command's task, which hears of it when it waits for something: a long reading has to ask."""
    asyncio = sys.modules.get("asyncio")  # `diff` has no loop, and is interrupted anyway
    with suppress(RuntimeError):  # in a thread
        task = asyncio.current_task() if asyncio is not None else None
        return task is not None and task.cancelling() > 0
    return False


def choose(arguments: tuple[str, ...]) -> Chosen:
    """`[SESSION] [PATH...]`: the first argument is a session where one has that name, else a path; the newest session
    of the directory is meant where none is named. Raises `NoSuchSessionError`."""
    state, current = home(), Path.cwd()
    record, rest = None, arguments
    if arguments:
        try:
            record, rest = sessions.find(state, arguments[0]), arguments[1:]
        except NoSuchSessionError:
            record = None
    record = record or sessions.find(state, None, workspace=current)
    paths = tuple(relative_path(text, workspace=record.workspace, current=current) for text in rest)
    return Chosen(state, record, () if "" in paths else paths)
