"""`vibedom review --web`: the review as a local page."""

from functools import partial

import anyio
import anyio.to_thread

from vibedom.cli import render
from vibedom.cli.apply import note_progress
from vibedom.cli.review_session import Chosen
from vibedom.workspace.apply import resume


async def serve_review(chosen: Chosen, *, port: int, as_json: bool) -> None:
    """Serve the page until nothing is left to review, or Ctrl-C. Raises `PortBusyError`, `WorkspaceError`."""
    from vibedom.web.review import review_page
    from vibedom.web.review_desk import ReviewDesk

    finished = await anyio.to_thread.run_sync(resume, chosen.directory.journal)
    if finished is not None:
        render.err(f"an interrupted one was finished first: {len(finished.paths)} changes {finished.action}", "warn")
    render.progress("reading the changes")
    make = partial(ReviewDesk, chosen.review, chosen.directory.journal, partial(note_progress, chosen))
    desk = await anyio.to_thread.run_sync(make)
    render.end_progress()
    done = anyio.Event()
    async with review_page(desk, chosen.record.id, port=port, done=done) as url:
        render.link(url, as_json=as_json)
        await done.wait()
    render.err("nothing is left to review; `vibedom undo` takes the last apply back")
