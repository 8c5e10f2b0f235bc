"""`vibedom undo`: take an apply back."""

from functools import partial

import asyncclick as click
import msgspec

from vibedom import sessions
from vibedom.cli import render
from vibedom.cli.interruption import heed_interruption, in_thread
from vibedom.cli.review_session import choose
from vibedom.workspace.apply_progress import ApplyProgress
from vibedom.workspace.spelling import spell
from vibedom.workspace.undo import undo


@click.command()
@click.argument("session", required=False)
@click.option("--keep-edits", is_flag=True, help="Leave files alone that were edited since, and undo the rest.")
@click.option("--json", "as_json", is_flag=True, help="What was undone as JSON.")
async def command(session: str | None, keep_edits: bool, as_json: bool) -> None:
    """Take the last apply of a session back, byte for byte; again, the one before it.

    A file that was edited since it was applied stops the undo before it touches anything.

    \b
    vibedom apply --all --yes
    vibedom undo
    """
    chosen = choose((session,) if session else ())
    check = partial(heed_interruption, "interrupted in the middle of the undo: `vibedom undo` goes on with it")
    progress = ApplyProgress(render.progress, check=check)
    outcome = await in_thread(partial(undo, chosen.directory.journal, is_lenient=keep_edits, notify=progress))
    if progress.has_spoken:
        render.end_progress()
    if chosen.record.status == "applied":
        sessions.save(chosen.state, msgspec.structs.replace(chosen.record, status="ended"))
    if as_json:
        render.out_json({"session": chosen.record.id, "undone": [spell(path) for path in outcome.paths]})
    else:
        render.out(f"{len(outcome.paths)} changes taken back; `vibedom apply` can take them home again")
