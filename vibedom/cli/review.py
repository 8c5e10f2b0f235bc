"""`vibedom review`: look at a session's changes on the whole screen, select, apply."""

import anyio.to_thread
import asyncclick as click

from vibedom.cli import render
from vibedom.cli.ask import can_ask
from vibedom.cli.editor import edit
from vibedom.cli.review_session import Chosen, choose
from vibedom.errors import NoSuchSessionError, UsageError
from vibedom.workspace.apply import Outcome, resume
from vibedom.workspace.spelling import visible


@click.command()
@click.argument("session", required=False)
@click.option("--web", is_flag=True, help="As a page in your browser, served on this machine only.")
@click.option("--port", type=click.IntRange(0, 65535), default=0, help="Port of the page (default: any that is free).")
@click.option("--settled", "with_settled", is_flag=True, help="Also show changes that you have decided against.")
@click.option("--json", "as_json", is_flag=True, help="With --web: the page's address as JSON.")
async def command(session: str | None, web: bool, port: int, with_settled: bool, as_json: bool) -> None:
    """Review a session's changes on the whole screen: danger first, select by file or hunk, apply.

    Nothing is applied before you have confirmed it, and `vibedom undo` takes it back.

    \b
    vibedom review            the newest session of this directory
    vibedom review --web      the same as a local web page

    \b
    space  select a file, directory or hunk      tab  to the diff and back
    a, n   select all, nothing                   /    search
    A      apply what is selected                ?    all keys
    """
    chosen = choose((session,) if session else ())
    if session and chosen.paths:
        raise NoSuchSessionError(f"no session {visible(session)}; `vibedom list` shows them")
    if web:
        from vibedom.cli.review_web import serve_review

        await serve_review(chosen, port=port, as_json=as_json, with_settled=with_settled)
        return
    if as_json or port:
        raise UsageError("--json and --port are for --web; `vibedom diff --json` lists the changes")
    if not can_ask():
        raise UsageError("a review needs a terminal; use `vibedom diff`, `vibedom apply PATH`, or --web")
    finished = await anyio.to_thread.run_sync(resume, chosen.directory.journal)
    if finished is not None:
        render.err(f"an interrupted one was finished first: {len(finished.paths)} changes {finished.action}", "warn")
    await _review(chosen, with_settled=with_settled)


async def _review(chosen: Chosen, *, with_settled: bool) -> None:
    from vibedom.cli.apply import carry_out, note_progress, settle_mine
    from vibedom.review.app import ReviewApp
    from vibedom.review.typed_ahead import drop_typed_ahead

    outcome: Outcome | None = None
    with chosen.review(with_settled=with_settled) as review:
        if not review.changes:
            render.err("there is nothing (left) to review")
            return
        app = ReviewApp(review, title=chosen.record.id, editor=edit, has_typed_ahead=drop_typed_ahead())
        decision = await app.run_async()
        if decision is None:
            render.err("nothing was applied")
            return
        if decision.plan.steps:
            outcome = await carry_out(decision.plan, chosen)
        settle_mine(app.selection, chosen.directory.base)
    await anyio.to_thread.run_sync(note_progress, chosen)
    count = len(outcome.paths) if outcome is not None else 0
    render.out(f"{count} changes applied" + ("; `vibedom undo` takes them back" if count else ""))
