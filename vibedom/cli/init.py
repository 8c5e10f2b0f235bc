"""`vibedom init`: what has to be there before the first session: settings and an SSH key."""

import anyio.to_thread
import asyncclick as click

from vibedom.cli import render
from vibedom.paths import home as find_home


@click.command()
async def command() -> None:
    """Make the settings and an SSH key of vibedom's own, where they are missing, and say what to do with the key.

    Nothing that is there is changed. The public half goes to stdout: `vibedom init | gh repo deploy-key add -`.
    """
    await anyio.to_thread.run_sync(_init)


def _init() -> None:
    from vibedom.ssh.keys import create_key
    from vibedom.user_files import ensure_files

    home = find_home()
    domains, policy = ensure_files(home)
    key, is_new = create_key(home)
    render.err(f"settings: {render.printable(str(domains))}, {policy.name}", "dim")
    render.err(f"SSH key:  {render.printable(str(key.path))} ({'made now' if is_new else 'was there'})", "dim")
    render.out(render.printable(key.public))
    render.err(
        "\nThe line above is the public half. Add it where your repositories are, as a deploy key (GitHub:\n"
        "Settings > Deploy keys; with write access if the agent may push), or to an account of the agent's own.\n"
        "Then, for each host:\n"
        "  vibedom keys trust github.com        its host key\n"
        '  [[hosts]] pattern = "github.com", ssh = true    in policy.toml: git over SSH may go there\n'
    )
