"""`vibedom`: finds the command's file and turns errors into one line and an exit code."""

import gc
import importlib
import inspect
import os
import signal
import sys

import asyncclick as click

import vibedom
from vibedom.cli import render
from vibedom.errors import VibedomError, full_disk, own_error
from vibedom.import_time import importing

COMMANDS: dict[str, tuple[str, str]] = {
    "init": ("init", "Make the settings and an SSH key."),
    "run": ("run", "Run an agent on a project, in a sandbox."),
    "diff": ("diff", "Show what a session's agent changed."),
    "review": ("review", "Review a session's changes on the whole screen."),
    "apply": ("apply", "Take a session's changes into the project."),
    "undo": ("undo", "Take an apply back."),
    "list": ("list", "List the sessions."),
    "status": ("status", "Say what a session is doing."),
    "top": ("top", "Watch all sessions."),
    "attach": ("attach", "Show a session's terminal again."),
    "exec": ("exec", "Run one more command in a session."),
    "pause": ("pause", "Freeze a session and close its egress."),
    "resume": ("resume", "Let a session go on."),
    "stop": ("stop", "End a session in order."),
    "approve": ("approve", "Answer for hosts that an agent waits for."),
    "logs": ("logs", "Show what crossed the border."),
    "recover": ("recover", "Clean up after a crash; show the work that was kept."),
    "prune": ("prune", "Delete sessions that hold no work."),
    "rm": ("rm", "Delete a session and the work it holds."),
    "agents": ("agents", "List the agents that `run --agent` knows."),
    "keys": ("keys", "List, make and remove SSH keys; trust hosts."),
    "trust": ("trust", "Agree to what a project's vibedom.toml asks for."),
    "policy": ("policy", "Show the policy, explain a verdict."),
    "allow": ("allow", "Let a host through: for good, for a while, once."),
    "deny": ("deny", "Shut a host out."),
    "reload": ("reload", "Read the policy files again."),
    "scan": ("scan", "Look for secrets in files."),
    "scrub": ("scrub", "Take secrets out of a stream of text."),
    "rules": ("rules", "List, check and explain the secret rules."),
    "audit": ("audit", "Verify, query and export audit logs."),
    "sinks": ("sinks", "Show and test where alerts and records go."),
    "fleet": ("fleet", "Watch the sessions of many machines."),
    "dashboard": ("dashboard", "Show all sessions on one local page, as they go."),
    "metrics": ("metrics", "Serve the figures of all sessions to Prometheus."),
    "image": ("image", "Build the sandbox image."),
    "doctor": ("doctor", "Say what works on this machine, and why."),
}
"""Command name -> (module in vibedom.cli, line in `vibedom --help`). A module is imported when its command is used."""


class Commands(click.Group):
    """Loads one command's module at a time, so that `vibedom --help` is quick."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        module = importlib.import_module(f"vibedom.cli.{COMMANDS[cmd_name][0]}")
        command: click.Command = module.command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, text) in COMMANDS.items()])


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(vibedom.__version__, prog_name="vibedom")
async def group() -> None:
    """Run an AI coding agent on your project without fear.

    \b
    vibedom run ~/project              a shell in a sandbox, the project read-only below it
    vibedom run ~/project -- claude    the same with an agent
    vibedom diff                       what it changed
    vibedom apply                      take it home

    Everything that crosses the border is checked, scrubbed and written down.
    Your settings are in ~/.vibedom/config (VIBEDOM_HOME moves them).
    """


def _run() -> object:
    """Run the command; in an event loop if it is a coroutine function. Without one, help and `diff` start a third
    sooner."""
    named = COMMANDS.get(sys.argv[1]) if len(sys.argv) > 1 else None
    if named is not None:
        with importing():
            module = importlib.import_module(f"vibedom.cli.{named[0]}")
        callback = module.command.callback
        if callback is None or inspect.iscoroutinefunction(inspect.unwrap(callback)):
            return group(standalone_mode=False, _anyio_backend="asyncio")
    steps = group.main(standalone_mode=False)
    try:
        steps.send(None)
    except StopIteration as done:
        return done.value
    steps.close()
    raise RuntimeError("a command that is no coroutine function waits for something")


def main() -> None:
    """Entry point of the console script."""
    try:
        ended = _divided()
        code = _run() if ended is None else ended
        status = code if isinstance(code, int) else 0
    except click.exceptions.Exit as exc:
        status = exc.exit_code
    except click.ClickException as exc:
        exc.show()
        status = exc.exit_code
    except BrokenPipeError:
        # The reader went away (`vibedom logs | head`): not an error, and nothing more can be written.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        status = 0
    except (VibedomError, BaseExceptionGroup, OSError) as exc:
        status = _failed(exc)
    except (click.exceptions.Abort, KeyboardInterrupt):
        status = 128 + signal.SIGINT
    gc.freeze()  # or the interpreter looks twice for garbage before it ends, a tenth of the time of a short command
    sys.exit(status)


def _divided() -> int | None:
    """None in the process that does the work; its exit code in the one that only waits for it, at a terminal."""
    if any("://" in word for word in sys.argv):
        from vibedom.process_arguments import hide_urls

        hide_urls()
    if sys.argv[1:2] not in (["run"], ["resume"]):
        return None
    from vibedom.cli import foreground

    return foreground.divide()


def _failed(exc: BaseException) -> int:
    """Show what went wrong in one line; what is no error of ours or of the machine's is a bug, and raised."""
    cause, full = own_error(exc), full_disk(exc)
    if isinstance(cause, VibedomError):
        message, status = str(cause), cause.exit_code
    elif full is not None:
        where = f" ({render.printable(str(full.filename))})" if full.filename else ""
        message, status = f"the disk is full{where}; free some space, nothing of an agent's work is lost", 74
    else:
        raise exc
    render.end_progress()
    render.err(f"vibedom: {message}", "bad")
    return status
