"""`vibedom run`: an agent on a project, in a sandbox."""

import os
import sys
from collections.abc import Mapping
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

import anyio
import asyncclick as click

from vibedom import detach_keys
from vibedom.cli import render
from vibedom.cli.early import in_order, with_head_start
from vibedom.errors import UsageError
from vibedom.head_start import begin_early
from vibedom.import_time import importing
from vibedom.paths import home as find_home

if TYPE_CHECKING:
    from vibedom.sandbox.docker_foundation import Foundation


class RunCommand(click.Command):
    """Takes what follows `--` as the agent's command, whatever it looks like."""

    async def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        if "--" in args:
            cut = args.index("--")
            args, ctx.meta["vibedom.argv"] = args[:cut], tuple(args[cut + 1 :])
        rest: list[str] = await super().parse_args(ctx, args)
        return rest


@click.command(cls=RunCommand, short_help="Run an agent on a project, in a sandbox.")
@click.argument("project", default=".", metavar="[PROJECT]")
@click.option(
    "--runtime",
    type=click.Choice(["auto", "docker", "local"]),
    default="auto",
    show_default=True,
    help="What makes the sandbox: a Docker Engine, or this kernel alone.",
)
@click.option("--agent", metavar="NAME", help="One of `vibedom agents`: installed, let through and kept as it needs.")
@click.option("--image", metavar="NAME", help="Image the agent runs in (docker). Default: vibedom's own.")
@click.option("--root", metavar="PATH", help="Root file system the agent sees (local): a directory or an image tar.")
@click.option("--name", metavar="NAME", help="Name of the session. Default: one that is easy to say.")
@click.option(
    "--env",
    "environment",
    multiple=True,
    metavar="NAME[=VALUE]",
    help="A variable for the agent; without a value, yours. May be given more than once.",
)
@click.option(
    "--on-findings",
    type=click.Choice(["ask", "fail", "continue", "mask"]),
    default=None,
    help="What to do when the project holds secrets. Default: ask on a terminal, else fail.",
)
@click.option("--detach", "-d", is_flag=True, help="Leave it in the background; `vibedom attach` shows it.")
@click.option("--read-only", is_flag=True, help="The agent can look at the project, but not change its copy either.")
@click.option("--keep", is_flag=True, help="`vibedom prune` never removes this session, only `vibedom rm` does.")
@click.option(
    "--detach-keys",
    default=detach_keys.DEFAULT,
    show_default=True,
    metavar="KEYS",
    help='Typed one after the other they leave the session in the background; "" for none.',
)
@click.option("--ready-fd", type=int, hidden=True)
@click.option("--cpus", type=float, metavar="N", help="Processors the sandbox may use.")
@click.option("--memory", metavar="SIZE", help="Memory the sandbox may use, such as 4g.")
@click.option(
    "--apply/--no-apply",
    "apply_changes",
    default=None,
    help="Take the changes home at the end, without a question; dangerous ones are held back.",
)
@click.option(
    "--sink",
    "sinks",
    multiple=True,
    metavar="URL",
    help="Send alerts there too: https://..., slack://..., syslog+udp://HOST:PORT and more (docs/sinks.md).",
)
@click.option("--history", is_flag=True, help="Also look for secrets in the git history.")
@click.option(
    "--canary",
    is_flag=True,
    help="Plant fake credentials in the agent's home: whoever sends one is blocked, and you are alerted.",
)
@click.option("--json", "as_json", is_flag=True, help="Say at the end what happened, as JSON on stdout.")
def command(**options: Any) -> int:
    """Run an agent on PROJECT (default: here), in a sandbox. Without a command it is a shell.

    \b
    vibedom run                            a shell in a sandbox of this directory
    vibedom run ~/project --agent claude   an agent that vibedom knows; what follows -- is added to its command
    vibedom run . -- sh -c 'make test'     a command; its exit code is passed on
    vibedom run -d --name task . -- claude in the background; `vibedom attach task`

    The project is read-only in /mnt/workspace. The agent works in /work, a writable copy that costs nothing; what it
    changes there stays apart until you have seen it. All of its traffic goes through the proxy: hosts that are not in
    ~/.vibedom/config/trusted_domains.txt are refused, secrets are taken out, and everything is written down.

    On a terminal Ctrl-P Ctrl-Q leaves the session running in the background; every other key goes to the agent.
    """
    wishes = checked(options)
    if options["detach"] and options["ready_fd"] is None:
        return anyio.run(detach)
    begun = begin_early(wishes["home"], wishes["project"], runtime=options["runtime"], name=options["name"])
    # There is no event loop before this: an engine works while Python imports one.
    with nullcontext() if begun is None else in_order(begun):
        return anyio.run(start, wishes, begun)


def checked(options: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of `run_session.Options` that the command line gives. Raises `UsageError`."""
    return {
        "home": find_home(),
        "project": Path(options["project"]),
        "argv": click.get_current_context().meta.get("vibedom.argv", ()),
        "runtime": options["runtime"],
        "agent": options["agent"],
        "image": options["image"],
        "root": Path(options["root"]) if options["root"] else None,
        "name": options["name"],
        "environment": parse_environment(options["environment"], os.environ),
        "on_findings": options["on_findings"],
        "cpus": options["cpus"],
        "memory_bytes": parse_size(options["memory"]) if options["memory"] else None,
        "apply_changes": options["apply_changes"],
        "sinks": options["sinks"],
        "as_json": options["as_json"],
        "has_canary": options["canary"],
        "looks_at_history": options["history"],
        "is_read_only": options["read_only"],
        "is_kept": options["keep"],
        "is_detached": options["detach"],
        "detach_keys": detach_keys.parse_keys(options["detach_keys"]),
        "ready": options["ready_fd"],
    }


async def start(wishes: Mapping[str, Any], begun: "Foundation | None") -> int:
    """Run the session of this command line, with which the engine may have `begun`."""

    async def run() -> int:
        with importing():
            from vibedom.cli.run_session import Options, run_session
        return await run_session(Options(**wishes, begun=begun))

    return await run() if begun is None else await with_head_start(begun, run)


async def detach() -> int:
    """Start this very command line as a supervisor in the background, and name its session."""
    from vibedom.cli.detached import start_detached

    code, session = await start_detached(sys.argv[1:])
    if session:
        render.out(session)
        render.err(f"in the background: vibedom attach {session}", "dim")
    return code


def parse_environment(entries: tuple[str, ...], own: Mapping[str, str]) -> dict[str, str]:
    """`NAME=VALUE` as it is, `NAME` with the user's own value. Raises `UsageError`."""
    found = {}
    for entry in entries:
        name, equals, value = entry.partition("=")
        if not name.isidentifier():
            raise UsageError(f"--env {name}: not a variable's name; write NAME=VALUE or NAME")
        if not equals and name not in own:
            raise UsageError(f"--env {name}: not set here; write {name}=VALUE")
        found[name] = value if equals else own[name]
    return found


def parse_size(text: str) -> int:
    """Bytes of `512m`, `4g`, `1000000`. Raises `UsageError`."""
    units = {"": 1, "k": 1 << 10, "m": 1 << 20, "g": 1 << 30, "t": 1 << 40}
    number, unit = text.rstrip("kKmMgGtTbB"), text.lower().removesuffix("b")[-1:]
    factor = units.get(unit if unit.isalpha() else "")
    if factor is None or not number.replace(".", "", 1).isdigit() or float(number) * factor < 6 << 20:
        raise UsageError(f"--memory {text}: write a size of at least 6m, such as 512m or 4g")
    return int(float(number) * factor)
