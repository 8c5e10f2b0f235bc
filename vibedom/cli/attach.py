"""`vibedom attach`: the agent's terminal, again."""

import asyncclick as click

from vibedom import detach_keys, terminal
from vibedom.cli import render
from vibedom.cli.conversation import DETACHED, converse
from vibedom.cli.session_argument import running
from vibedom.control.messages import Attach
from vibedom.errors import UsageError
from vibedom.paths import home as find_home


@click.command()
@click.argument("session", required=False)
@click.option(
    "--detach-keys",
    "keys",
    default=detach_keys.DEFAULT,
    show_default=True,
    metavar="KEYS",
    help='Typed one after the other they leave the session; "" for none.',
)
async def command(session: str | None, keys: str) -> int:
    """Show the terminal of SESSION (default: the only one that runs) and type to its agent.

    Leave it with Ctrl-P Ctrl-Q: the agent goes on. Only one terminal is attached at a time.
    """
    parsed = detach_keys.parse_keys(keys)
    if not terminal.is_interactive():
        raise UsageError("attach needs a terminal; use `vibedom logs -f` or `vibedom exec` in scripts")
    record, client = await running(find_home(), session)
    columns, rows = terminal.size()
    code = await converse(client, Attach(columns=columns, rows=rows), parsed)
    if code == DETACHED:
        render.err("")
        render.err(f"detached; the agent goes on: vibedom attach {record.id}", "dim")
        return 0
    render.err(f"session {record.id} ended with exit code {code}: vibedom diff {record.id}", "bold")
    return code
