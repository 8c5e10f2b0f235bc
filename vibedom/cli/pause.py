"""`vibedom pause`: freeze a session and close its egress."""

import asyncclick as click

from vibedom.cli import render
from vibedom.cli.session_argument import running
from vibedom.control.messages import Pause
from vibedom.paths import home as find_home


@click.command(short_help="Freeze a session and close its egress.")
@click.argument("session", required=False)
async def command(session: str | None) -> None:
    """Freeze the agent of SESSION (default: the only one that runs) and close its egress.

    While it is paused nothing of it is forwarded, not even what was under way. `vibedom resume` lets it go on.
    """
    record, client = await running(find_home(), session)
    render.err(render.printable(f"{record.id}: {await client.do(Pause())}"))
