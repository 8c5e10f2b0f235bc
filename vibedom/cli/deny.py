"""`vibedom deny`: shut a host out, for a session or for good."""

import asyncclick as click

from vibedom.cli.allow import change


@click.command()
@click.argument("patterns", nargs=-1, required=True, metavar="PATTERN...")
@click.option("--session", "scope", flag_value="session", help="Until the session ends.")
@click.option("--always", "scope", flag_value="always", help="For good, in running sessions too (the default).")
@click.option("--for", "how_long", metavar="TIME", help="For that long in the session: 30s, 15m, 1h.")
@click.option("--in", "session", metavar="SESSION", help="Which session. Default: the only one that runs.")
async def command(patterns: tuple[str, ...], scope: str | None, how_long: str | None, session: str | None) -> None:
    """Shut hosts out: for good, or with --session or --for in a session that runs.

    The most specific rule wins, and between equals the one that denies: to deny *.example.com leaves
    api.example.com open where that is listed by itself.

    \b
    vibedom deny api.example.com
    vibedom deny '*.example.com' --for 1h
    """
    await change(patterns, scope=scope, how_long=how_long, session=session, is_denied=True)
