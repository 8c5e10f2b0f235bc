"""`vibedom audit`: prove that an audit log is what was written."""

from pathlib import Path

import anyio.to_thread
import asyncclick as click

from vibedom.cli import render


@click.group()
async def command() -> None:
    """Verify an audit log, and say how its lines are made."""


@command.command()
@click.argument("what", required=False, metavar="[SESSION|FILE]")
@click.option("--json", "as_json", is_flag=True, help="The result as JSON.")
async def verify(what: str | None, as_json: bool) -> int:
    """Check that no line of an audit log was edited, lost, added or reordered, and that its end is not missing.

    Without an argument it is the newest session's. Exit code 0: intact; 1: not.

    \b
    vibedom audit verify
    vibedom audit verify ~/saved/network.jsonl
    """
    return await anyio.to_thread.run_sync(_verify, what, as_json)


@command.command()
@click.argument("kind", type=click.Choice(["line", "alert"]), default="line")
async def schema(kind: str) -> None:
    """Print the JSON Schema of a line of network.jsonl, or of an alert."""
    from sinks.schema import alert_schema, line_schema

    render.out_json(line_schema() if kind == "line" else alert_schema())


def _verify(what: str | None, as_json: bool) -> int:
    from sinks.chain import ChainError
    from sinks.verification import verify
    from vibedom.errors import VibedomError

    path = _log(what)
    try:
        result = verify(path)
    except ChainError as error:
        raise VibedomError(str(error)) from None
    except OSError as error:
        raise VibedomError(f"{path}: cannot be read ({error.strerror}); name a session or a network.jsonl") from None
    if as_json:
        render.out_json({"is_intact": result.is_intact, **{f: getattr(result, f) for f in result.__struct_fields__}})
    else:
        for problem in result.problems:
            place = f"{problem.file}:{problem.line}" if problem.line else problem.file
            render.err(render.printable(f"{place}: {problem.fault}: {problem.detail}"), "bad")
        state = "intact" if result.is_intact else "NOT intact"
        if result.removed:
            render.err(f"lines 1 to {result.removed} were removed by retention, as the log itself says", "dim")
        render.out(f"{state}: {result.lines} lines in {len(result.files)} file(s), head {result.last} {result.head}")
    return 0 if result.is_intact else 1


def _log(what: str | None) -> Path:
    from vibedom import sessions
    from vibedom.paths import home

    if what is not None and (Path(what).is_file() or "/" in what):
        return Path(what)
    state = home()
    record = sessions.find(state, what, workspace=None if what else Path.cwd())
    return state.session(record.id).network_log
