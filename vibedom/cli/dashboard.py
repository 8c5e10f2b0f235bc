"""`vibedom dashboard`: all sessions on one local page."""

import anyio
import asyncclick as click

from vibedom.cli import render
from vibedom.paths import home as find_home


@click.command()
@click.option("--port", type=click.IntRange(0, 65535), default=0, help="Of 127.0.0.1. Default: a free one.")
@click.option("--json", "as_json", is_flag=True, help="The address as JSON.")
async def command(port: int, as_json: bool) -> None:
    """Show all sessions on one page of this machine, as they go, until Ctrl-C.

    Traffic with filters, blocked hosts with buttons that allow them, findings, alerts, and buttons that pause and stop.
    The link works once, in one browser; run the command again for another. Press ? on the page for its keys.

    \b
    vibedom dashboard
    vibedom dashboard --port 8765      for `ssh -L 8765:127.0.0.1:8765 HOST`
    """
    from vibedom.web.dashboard import dashboard

    async with dashboard(find_home(), port=port) as url:
        render.link(url, as_json=as_json)
        await anyio.sleep_forever()
