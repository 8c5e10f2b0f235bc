"""`vibedom exec`: one more process in a session's sandbox."""

import os

import asyncclick as click

from vibedom import terminal
from vibedom.cli.conversation import converse
from vibedom.cli.run import RunCommand, parse_environment
from vibedom.cli.session_argument import running
from vibedom.control.messages import Exec
from vibedom.errors import UsageError
from vibedom.paths import home as find_home


@click.command(cls=RunCommand, short_help="Run one more command in a session.")
@click.argument("session", required=False)
@click.option("--tty/--no-tty", "-t/-T", default=None, help="With a terminal of its own. Default: where you have one.")
@click.option("--env", "environment", multiple=True, metavar="NAME[=VALUE]", help="A variable for the command.")
@click.option("--workdir", metavar="PATH", help="Where it starts. Default: /work.")
@click.pass_context
async def command(
    ctx: click.Context, session: str | None, tty: bool | None, environment: tuple[str, ...], workdir: str | None
) -> int:
    """Run a command in the sandbox of SESSION (default: the only one that runs), beside the agent and under the same
    rules. Its exit code is passed on.

    \b
    vibedom exec -- git status
    vibedom exec myapp -- bash
    """
    argv = ctx.meta.get("vibedom.argv", ())
    if not argv:
        raise UsageError("what is to be run? write it behind --, as in `vibedom exec -- bash`")
    has_tty = terminal.is_interactive() if tty is None else tty
    columns, rows = terminal.size()
    variables = parse_environment(environment, os.environ)
    if has_tty and "TERM" in os.environ:
        variables = {"TERM": os.environ["TERM"], **variables}
    _, client = await running(find_home(), session)
    request = Exec(argv=argv, tty=has_tty, environment=variables, working_directory=workdir, columns=columns, rows=rows)
    return await converse(client, request)
