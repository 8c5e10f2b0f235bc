"""`vibedom allow`: let a host through, once, for a session, or for good."""

from collections.abc import Sequence

import anyio.to_thread
import asyncclick as click

from vibedom.cli import render
from vibedom.cli.amounts import parse_seconds
from vibedom.errors import UsageError
from vibedom.paths import home as find_home


@click.command()
@click.argument("patterns", nargs=-1, required=True, metavar="PATTERN...")
@click.option("--once", "scope", flag_value="once", help="For the next request to it, within ten minutes or --for.")
@click.option("--session", "scope", flag_value="session", help="Until the session ends.")
@click.option("--always", "scope", flag_value="always", help="For good, in running sessions too (the default).")
@click.option("--for", "how_long", metavar="TIME", help="For that long in the session: 30s, 15m, 1h.")
@click.option("--in", "session", metavar="SESSION", help="Which session. Default: the only one that runs.")
async def command(patterns: tuple[str, ...], scope: str | None, how_long: str | None, session: str | None) -> None:
    """Let hosts through: for good, or with --once, --session or --for in a session that runs.

    A PATTERN is a line of trusted_domains.txt: a host, *.host for its subdomains, an address, a network, each with a
    port, methods or a path where that is all that is needed.

    \b
    vibedom allow api.example.com
    vibedom allow '*.example.com' 192.0.2.10:1234
    vibedom allow 'GET,HEAD storage.example.com/my-bucket/'
    vibedom allow api.example.com --for 1h
    """
    await change(patterns, scope=scope, how_long=how_long, session=session, is_denied=False)


async def change(
    patterns: Sequence[str], *, scope: str | None, how_long: str | None, session: str | None, is_denied: bool
) -> None:
    """What `allow` and `deny` do. Raises `UsageError`."""
    from vibedom.cli.session_argument import running
    from vibedom.control.messages import Allow, Deny

    if not is_denied and (shut := next((p for p in patterns if p.lstrip().startswith("!")), None)):
        raise UsageError(f"{shut!r} denies; write `vibedom deny {shut.lstrip(' !')}`")
    if how_long is not None and scope == "always":
        raise UsageError("--for is a time in a session; leave out --always")
    seconds = None if how_long is None else parse_seconds(how_long, "--for")
    scope = scope or ("session" if how_long is not None or session is not None else "always")
    if scope == "always":
        await anyio.to_thread.run_sync(_write, [f"!{p}" if is_denied else p for p in patterns])
        return
    record, client = await running(find_home(), session)
    for pattern in patterns:
        if is_denied:
            request: Allow | Deny = Deny(pattern=pattern, seconds=seconds)
        else:
            request = Allow(pattern=pattern, scope="once" if scope == "once" else "session", seconds=seconds)
        render.err(render.printable(f"{record.id}: {await client.do(request)}"))


def _write(patterns: Sequence[str]) -> None:
    from vibedom.whitelist_edit import add_patterns

    for result in add_patterns(find_home(), patterns):
        render.err(render.printable(result))
