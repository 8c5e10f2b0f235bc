"""`vibedom reload`: read the policy files again."""

import asyncclick as click

from vibedom.cli import render
from vibedom.cli.session_argument import running
from vibedom.control.messages import Reload
from vibedom.paths import home as find_home


@click.command(short_help="Read the policy files again.")
@click.argument("session", required=False)
async def command(session: str | None) -> None:
    """Read the policy files again in SESSION (default: the only one that runs).

    Sessions notice changes by themselves within a second; this says at once what is wrong with the files.
    """
    record, client = await running(find_home(), session)
    render.err(render.printable(f"{record.id}: {await client.do(Reload())}"))
