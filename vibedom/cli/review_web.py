"""`vibedom review --web`: the review as a local page."""

from functools import partial

import anyio
import anyio.to_thread

from vibedom.cli import render
from vibedom.cli.apply import mark_if_done
from vibedom.cli.review_session import Chosen
from vibedom.workspace.apply import resume


async def serve_review(chosen: Chosen, *, port: int, as_json: bool, with_settled: bool) -> None:
    """Serve the page until nothing is left to review, or Ctrl-C; its link is there at once, the changes are read while
    the user opens it. Raises `PortBusyError`, `WorkspaceError`, the latter also in a group."""
    from vibedom.web.review import review_page
    from vibedom.web.review_desk import ReviewDesk

    finished = await anyio.to_thread.run_sync(resume, chosen.directory.journal)
    if finished is not None:
        render.err(f"an interrupted one was finished first: {len(finished.paths)} changes {finished.action}", "warn")
    open_review = partial(chosen.review, with_settled=with_settled)
    desk = ReviewDesk(open_review, chosen.directory.journal, partial(mark_if_done, chosen))
    done = anyio.Event()
    async with review_page(desk, chosen.record.id, port=port, done=done) as url:
        render.link(url, as_json=as_json)
        await done.wait()
    if desk.reading > 1:
        render.err("nothing is left to review; `vibedom undo` takes the last apply back")
    else:
        render.err("there is nothing (left) to review")
