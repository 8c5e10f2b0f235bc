"""`vibedom allow`: put hosts on the whitelist for good."""

import anyio.to_thread
import asyncclick as click

from vibedom.cli import render


@click.command()
@click.argument("patterns", nargs=-1, required=True, metavar="PATTERN...")
async def command(patterns: tuple[str, ...]) -> None:
    """Put hosts on the whitelist, in running sessions too.

    A PATTERN is a line of trusted_domains.txt: a host, *.host for its subdomains, an address, a network, each with a
    port, methods or a path where that is all that is needed.

    \b
    vibedom allow api.example.com
    vibedom allow '*.example.com' 192.0.2.10:1234
    vibedom allow 'GET,HEAD storage.example.com/my-bucket/'
    """
    await anyio.to_thread.run_sync(_allow, patterns)


def _allow(patterns: tuple[str, ...]) -> None:
    from vibedom.paths import home
    from vibedom.whitelist_edit import add_patterns

    for result in add_patterns(home(), patterns):
        render.err(render.printable(result))
