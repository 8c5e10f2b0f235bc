"""Audit logs as tables for SQL, in a database that can reach nothing but them."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from types import UnionType
from typing import TYPE_CHECKING, Any, Literal, Union, get_args, get_origin, get_type_hints

import msgspec

from sinks.alert import Alert
from sinks.parts import parts
from vibedom.audit.entries import Entry
from vibedom.errors import UsageError, VibedomError

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

_TYPES = {str: "VARCHAR", int: "BIGINT", float: "DOUBLE", bool: "BOOLEAN"}
_DEFAULTS = {"VARCHAR": "''", "BIGINT": "0", "DOUBLE": "0", "BOOLEAN": "false"}
_LOCKED = (
    "SET enable_external_access = false",
    "SET autoinstall_known_extensions = false",
    "SET autoload_known_extensions = false",
    "SET lock_configuration = true",
)


class Answer(msgspec.Struct, frozen=True):
    """Columns of an answer, and its rows one by one."""

    columns: tuple[str, ...]
    rows: Iterator[tuple[Any, ...]]


class Database:
    """The tables `records`, `findings` and `alerts` of some logs, in memory."""

    def __init__(self, logs: Sequence[Path]) -> None:
        """Reads the logs. Raises `VibedomError` where they cannot be read or DuckDB is not installed. Blocking."""
        self._duckdb = _duckdb()
        self._connection: DuckDBPyConnection = self._duckdb.connect(":memory:")
        files = [file for log in logs for file in parts(log) if file.exists() and file.stat().st_size]
        alerts = [file for log in logs if (file := log.with_name("alerts.jsonl")).exists() and file.stat().st_size]
        try:
            self._load("records", Entry, files)
            self._load("alerts", Alert, alerts)
            self._connection.execute(
                "CREATE VIEW findings AS SELECT session, seq, time, flow, kind, host, port, context, f.* "
                "FROM (SELECT *, unnest(findings) AS f FROM records)"
            )
        except self._duckdb.Error as error:
            raise VibedomError(f"the logs cannot be read into tables ({_first_line(error)})") from None

    def write_parquet(self, path: Path) -> None:
        """The records as a Parquet file. Raises `VibedomError`."""
        try:
            self._connection.table("records").write_parquet(str(path), compression="zstd")
        except (self._duckdb.Error, OSError) as error:
            raise VibedomError(f"{path}: cannot be written ({_first_line(error)})") from None

    def ask(self, sql: str) -> Answer:
        """Answer a query. From the first one on the database opens no file, loads no extension and stays so.
        Raises `UsageError` for a query that cannot be answered."""
        self._lock()
        try:
            statements = self._connection.extract_statements(sql)
            if len(statements) != 1:
                raise UsageError("write one SQL statement")
            cursor = self._connection.execute(statements[0])
            columns = tuple(column[0] for column in cursor.description or ())
        except self._duckdb.Error as error:
            raise UsageError(f"SQL: {_first_line(error)}") from None
        return Answer(columns, self._rows(cursor))

    def close(self) -> None:
        self._connection.close()

    def _rows(self, cursor: "DuckDBPyConnection") -> Iterator[tuple[Any, ...]]:
        try:
            while page := cursor.fetchmany(1000):
                yield from page
        except self._duckdb.Error as error:
            raise UsageError(f"SQL: {_first_line(error)}") from None

    def _lock(self) -> None:
        is_open = self._connection.execute("SELECT current_setting('enable_external_access')").fetchone()
        if is_open and is_open[0]:
            for statement in _LOCKED:
                self._connection.execute(statement)

    def _load(self, name: str, kind: type, files: Sequence[Path]) -> None:
        """Fields that a line leaves out have their defaults, as everywhere."""
        columns = {field: _sql_type(hint) for field, hint in get_type_hints(kind).items()}
        if not files:
            self._connection.execute(f"CREATE TABLE {name} ({', '.join(f'"{c}" {t}' for c, t in columns.items())})")
        else:
            selected = ", ".join(_selected(column, type_) for column, type_ in columns.items())
            spelled = ", ".join(f"\"{column}\": '{type_}'" for column, type_ in columns.items())
            source = f"read_json(?, format = 'newline_delimited', columns = {{{spelled}}}, ignore_errors = true)"
            # Names of fields are those of our own structs; file names are a parameter.
            self._connection.execute(
                f"CREATE TABLE {name} AS SELECT {selected} FROM {source}",  # noqa: S608
                [[_literal(file) for file in files]],
            )
        self._connection.execute(f"ALTER TABLE {name} ALTER time TYPE TIMESTAMPTZ")


def _selected(column: str, type_: str) -> str:
    if type_.endswith("[]"):
        return f'coalesce("{column}", []) AS "{column}"'
    return f'coalesce("{column}", {_DEFAULTS[type_]}) AS "{column}"'


def _sql_type(hint: Any) -> str:
    """DuckDB's type for one of a field: `VARCHAR`, `BIGINT`, `STRUCT(...)[]`, ..."""
    if hint in _TYPES:
        return _TYPES[hint]
    origin, arguments = get_origin(hint), [each for each in get_args(hint) if each is not type(None)]
    if origin is tuple:
        return _sql_type(arguments[0]) + "[]"
    if origin is Literal:
        return "VARCHAR"
    if origin in (Union, UnionType):
        return _sql_type(arguments[0])
    fields = ", ".join(f'"{name}" {_sql_type(inner)}' for name, inner in get_type_hints(hint).items())
    return f"STRUCT({fields})"


def _literal(file: Path) -> str:
    """A file's name in which nothing is a pattern."""
    return "".join(f"[{character}]" if character in "*?[" else character for character in str(file))


def _first_line(error: BaseException) -> str:
    return str(error).split("\n", 1)[0]


def _duckdb() -> Any:
    try:
        import duckdb
    except ModuleNotFoundError:
        raise VibedomError(
            "queries and Parquet need DuckDB: install vibedom[audit] into vibedom's environment"
        ) from None
    return duckdb
