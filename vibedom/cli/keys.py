"""`vibedom keys`: vibedom's own SSH keys, and the host keys it trusts."""

from functools import partial
from pathlib import Path

import anyio.to_thread
import asyncclick as click

from vibedom.cli import render
from vibedom.cli.ask import can_ask, confirm
from vibedom.errors import UsageError
from vibedom.paths import home as find_home


@click.group(invoke_without_command=True)
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
@click.pass_context
async def command(ctx: click.Context, as_json: bool) -> None:
    """List vibedom's SSH keys and trusted host keys; create, remove, trust.

    A sandbox can log in with these keys, to hosts that policy.toml gives `ssh = true`, and can never read them.
    Your own keys and your own agent stay outside.

    \b
    vibedom keys                                 what there is
    vibedom keys create                          one key for all hosts (as `vibedom init` does)
    vibedom keys create github.com/me/project    one for a repository: a deploy key is good for one only
    vibedom keys trust github.com                its host key
    """
    if ctx.invoked_subcommand is None:
        await anyio.to_thread.run_sync(partial(_list, as_json=as_json))


@command.command()
@click.argument("name", default="default", metavar="[HOST[/REPOSITORY]]")
async def create(name: str) -> None:
    """Make a key pair, where there is none of that name, and print its public half."""
    from vibedom.ssh.keys import create_key, key_name

    key, is_new = await anyio.to_thread.run_sync(create_key, find_home(), key_name(name))
    render.out(render.printable(key.public))
    render.err("made now" if is_new else "was there, and is as it was", "dim")


@command.command()
@click.argument("name", metavar="NAME")
@click.option("--yes", is_flag=True, help="Do not ask.")
async def remove(name: str, yes: bool) -> None:
    """Delete a key pair. What it was given access to has to be told separately."""
    from vibedom.ssh.keys import key_name, remove_key

    checked = key_name(name)
    if not yes and not can_ask():
        raise UsageError(f"{checked}: a removed key is gone for good; give --yes")
    if yes or await confirm(f"delete the key {checked} for good?"):
        await anyio.to_thread.run_sync(remove_key, find_home(), checked)
        render.err(f"removed {checked}; take its public half off the hosts that know it")


@command.command()
@click.argument("host", metavar="HOST[:PORT]")
@click.option("--fingerprint", metavar="SHA256:...", help="The one the host has published: no question is asked.")
async def trust(host: str, fingerprint: str | None) -> None:
    """Remember the host keys of HOST: those of your own known_hosts, else those it shows now, after a look at them.

    Sandboxes connect to hosts with known keys only. What was known of the host before is replaced.
    """
    from vibedom.ssh.known_hosts import add_known, user_files
    from vibedom.ssh.trusting import ask_host, known_to_user, parse_host

    name, port = parse_host(host)
    found = await anyio.to_thread.run_sync(known_to_user, user_files(Path.home()), name, port)
    source = "your known_hosts"
    if not found or fingerprint:
        render.progress(f"asking {name} for its host keys")
        shown = await anyio.to_thread.run_sync(ask_host, name, port)
        render.end_progress()
        source = "the host itself"
        found = [key for key in shown if fingerprint in (None, key.fingerprint)]
    if not found:
        raise UsageError(f"{host}: none of its keys has the fingerprint {fingerprint}; is somebody in between?")
    for key in found:
        render.err(render.printable(f"{key.kind} {key.fingerprint} ({source})"))
    if source != "your known_hosts" and not fingerprint:
        if not can_ask():
            raise UsageError(f"{host}: compare the above with what the host publishes, and give --fingerprint")
        if not await confirm("Are these the fingerprints that the host publishes?"):
            raise UsageError(f"{host}: not trusted; nothing was changed")
    await anyio.to_thread.run_sync(add_known, find_home(), found)
    render.err(f"trusted for new sessions: {name}")


def _list(*, as_json: bool) -> None:
    from vibedom.ssh.keys import list_keys
    from vibedom.ssh.known_hosts import place, read_known

    home = find_home()
    keys = [
        {"name": key.name, "fingerprint": key.fingerprint, "path": str(key.path), "public": key.public}
        for key in list_keys(home)
    ]
    hosts = [
        {"host": place(known.host, known.port), "type": known.kind, "fingerprint": known.fingerprint}
        for known in read_known(home)
    ]
    if as_json:
        render.out_json({"keys": keys, "hosts": hosts})
        return
    if not keys:
        render.err("no keys yet; vibedom init makes one", "dim")
    else:
        render.out(render.table([(key["name"], key["fingerprint"], key["path"]) for key in keys], _KEY_HEADINGS))
    if hosts:
        rows = [(known["host"], known["type"], known["fingerprint"]) for known in hosts]
        render.out("\n" + render.table(rows, ("TRUSTED HOST", "TYPE", "FINGERPRINT")))


_KEY_HEADINGS = ("KEY", "FINGERPRINT", "FILE")
