"""Conflicts, one by one on the terminal: mine, theirs, the editor, or skip."""

from functools import partial

import anyio.to_thread

from vibedom.cli import render
from vibedom.cli.ask import ask
from vibedom.cli.editor import edit
from vibedom.errors import ConflictError, UsageError
from vibedom.workspace.merge_text import can_merge, has_markers, merge_text
from vibedom.workspace.plan import Refusal
from vibedom.workspace.selection import Resolution, Selection
from vibedom.workspace.spelling import visible

_ANSWERS: dict[str, Resolution] = {"m": "mine", "mine": "mine", "t": "theirs", "theirs": "theirs", "s": "skip"}
_HELP = """\
  m  mine: the project's file stays; the change counts as decided
  t  theirs: the agent's file replaces it (`vibedom undo` takes that back)
  e  editor: both in one file, to be merged by hand
  s  skip: the project's file stays; the change is offered again
  q  nothing is applied"""


async def resolve_conflicts(selection: Selection, conflicts: tuple[Refusal, ...]) -> None:
    """Ask about each. Raises `ConflictError` where the user gives up."""
    for number, conflict in enumerate(conflicts):
        render.err(f"conflict {number + 1} of {len(conflicts)}: {visible(conflict.path)} {conflict.reason}", "warn")
        while not await _is_resolved(selection, conflict.path):
            pass


async def _is_resolved(selection: Selection, path: str) -> bool:
    answer = await ask("[m]ine, [t]heirs, [e]ditor, [s]kip, [q]uit, [?]")
    if answer in _ANSWERS:
        selection.resolve(path, _ANSWERS[answer])
        return True
    if answer in ("e", "editor"):
        return await _is_merged(selection, path)
    if answer in ("q", "quit", ""):
        raise ConflictError(f"{visible(path)} is still in conflict; nothing was applied")
    render.err(_HELP)
    return False


async def _is_merged(selection: Selection, path: str) -> bool:
    diff = selection.diff(path)
    if not can_merge(diff):
        render.err("no text on both sides: take mine or theirs", "warn")
        return False
    try:
        content = await anyio.to_thread.run_sync(partial(edit, merge_text(diff), path))
    except UsageError as error:
        render.err(str(error), "warn")
        return False
    if has_markers(content):
        render.err("the markers are still in it; nothing was taken", "warn")
        return False
    selection.edit(diff, content)
    return True
