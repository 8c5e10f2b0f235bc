"""`vibedom audit`: prove that an audit log is what was written, ask it, and take it to other tools."""

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any, cast

import anyio.to_thread
import asyncclick as click

from vibedom.cli import render
from vibedom.errors import UsageError, VibedomError


@click.group()
async def command() -> None:
    """Verify audit logs, query them in SQL, export them, and say how their lines are made."""


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
@click.argument("sql", metavar="SQL")
@click.option("--session", "what", metavar="SESSION|FILE", help="One session's log. Default: those of all sessions.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line.")
@click.option("--csv", "as_csv", is_flag=True, help="As CSV.")
async def query(sql: str, what: str | None, as_json: bool, as_csv: bool) -> None:
    """Ask the logs in SQL: the tables are records, findings and alerts, their columns the fields of docs/records.md.

    The query sees these tables and nothing else: no file, no network, no extension.

    \b
    vibedom audit query "SELECT host, count(*) AS n FROM records WHERE verdict = 'deny' GROUP BY host ORDER BY n DESC"
    vibedom audit query "SELECT time, host, location FROM findings WHERE rule LIKE 'aws-%'" --session brisk-otter
    """
    if as_json and as_csv:
        raise UsageError("--json and --csv: choose one")
    await anyio.to_thread.run_sync(partial(_query, sql, what, "json" if as_json else "csv" if as_csv else "table"))


@command.command()
@click.argument("what", required=False, metavar="[SESSION|FILE]")
@click.option("--format", "form", type=click.Choice(["ocsf", "ecs", "har", "csv", "parquet"]), required=True)
@click.option("--output", "-o", type=click.Path(path_type=Path), help="New file to write. Default: stdout.")
@click.option("--all", "every", is_flag=True, help="The logs of all sessions.")
async def export(what: str | None, form: str, output: Path | None, every: bool) -> None:
    """Write a log in the format of another tool.

    \b
    ocsf     OCSF events, one a line: HTTP Activity, DNS Activity, Detection Finding
    ecs      documents with the field names of the Elastic Common Schema, one a line
    har      HTTP Archive 1.2, without bodies
    csv      for spreadsheets
    parquet  for everything that reads columns; needs --output

    \b
    vibedom audit export --format ocsf brisk-otter | ship-to-siem
    vibedom audit export --format parquet --all -o audit.parquet
    """
    if every and what is not None:
        raise UsageError("--all: it takes no session beside it")
    if form == "parquet" and output is None:
        raise UsageError("--format parquet: name a file with --output")
    await anyio.to_thread.run_sync(partial(_export, what, form, output, every))


@command.command()
@click.argument("kind", type=click.Choice(["line", "alert"]), default="line")
async def schema(kind: str) -> None:
    """Print the JSON Schema of a line of network.jsonl, or of an alert."""
    from sinks.schema import alert_schema, line_schema

    render.out_json(line_schema() if kind == "line" else alert_schema())


def _verify(what: str | None, as_json: bool) -> int:
    from sinks.chain import ChainError
    from sinks.verification import verify

    (path,) = _logs(what, every=False)
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


def _logs(what: str | None, *, every: bool) -> list[Path]:
    from vibedom.audit.entries import all_logs, log_of
    from vibedom.paths import home

    if not every:
        return [log_of(home(), what, workspace=Path.cwd())]
    logs = all_logs(home())
    if not logs:
        raise UsageError("there is no session yet; start one with `vibedom run PROJECT`")
    return logs


def _query(sql: str, what: str | None, form: str) -> None:
    from vibedom.audit.database import Database

    render.progress("reading the logs")
    database = Database(_logs(what, every=what is None))
    render.end_progress()
    try:
        answer = database.ask(sql)
        _show(answer.columns, answer.rows, form)
    finally:
        database.close()


def _show(columns: tuple[str, ...], rows: Iterator[tuple[Any, ...]], form: str) -> None:
    if form == "json":
        for row in rows:
            render.out_line(dict(zip(columns, row, strict=True)))
    elif form == "csv":
        from vibedom.audit.export import csv_line

        render.out_bytes(csv_line(list(columns)))
        for row in rows:
            render.out_bytes(csv_line(["" if value is None else str(value) for value in row]))
    else:
        render.out(render.table([["" if value is None else str(value) for value in row] for row in rows], columns))


def _export(what: str | None, form: str, output: Path | None, every: bool) -> None:
    from vibedom.audit.database import Database
    from vibedom.audit.entries import entries
    from vibedom.audit.export import TextFormat, export

    logs = _logs(what, every=every)
    if output is not None and output.exists():
        raise UsageError(f"{output}: is there already; name another file or remove it")
    if form == "parquet" and output is not None:
        database = Database(logs)
        database.write_parquet(output)
        database.close()
        return
    pieces = export(entries(logs), cast(TextFormat, form))
    if output is None:
        for piece in pieces:
            render.out_bytes(piece)
        return
    try:
        with output.open("xb") as file:
            file.writelines(pieces)
    except OSError as error:
        raise VibedomError(f"{output}: cannot be written ({error.strerror})") from None
    except VibedomError:
        output.unlink()
        raise
