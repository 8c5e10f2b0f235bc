"""SQL over the logs: the tables are complete, and a query reaches nothing else."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.unit.audit.logs import records, write_session
from vibedom.audit.database import Database
from vibedom.errors import UsageError, VibedomError


@pytest.fixture(scope="module")
def logs(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    directory = tmp_path_factory.mktemp("odd [name]*")
    return [write_session(directory / name, name, rotate_bytes=800) for name in ("s1", "s2")]


@pytest.fixture
def database(logs: list[Path]) -> Iterator[Database]:
    opened = Database(logs)
    yield opened
    opened.close()


def ask(database: Database, sql: str) -> list[tuple[object, ...]]:
    return list(database.ask(sql).rows)


def test_every_line_of_every_session_is_in_the_tables(database: Database) -> None:
    rows = ask(database, "SELECT session, count(*), min(seq), max(seq) FROM records GROUP BY session ORDER BY 1")
    assert rows == [("s1", len(records()), 1, len(records())), ("s2", len(records()), 1, len(records()))]
    assert ask(database, "SELECT rule, action FROM findings WHERE session = 's1' ORDER BY 1") == [
        ("email", "alert"),
        ("github-pat", "scrub"),
    ]
    assert ask(database, "SELECT session FROM records WHERE list_contains(signals, 'random-path')") == [
        ("s1",),
        ("s2",),
    ]
    assert ask(database, "SELECT count(*) > 3 FROM alerts WHERE name = 'host denied' OR severity >= 'a'") == [(True,)]


def test_fields_that_a_line_leaves_out_have_their_defaults(database: Database) -> None:
    sql = "SELECT host, port, status, len(findings), note FROM records WHERE kind = 'session' AND session = 's1'"
    assert ask(database, sql) == [("", 0, 0, 0, "started")]


def test_answer_names_its_columns_and_times_are_times(database: Database) -> None:
    answer = database.ask("SELECT host, time + INTERVAL 1 HOUR AS later FROM records LIMIT 1")
    assert answer.columns == ("host", "later")


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT * FROM read_text('/etc/passwd')",
        "SELECT * FROM '/etc/passwd'",
        "SELECT * FROM read_csv('/etc/passwd')",
        "COPY records TO '{out}'",
        "COPY records FROM '/etc/passwd'",
        "ATTACH '{out}' AS a",
        "EXPORT DATABASE '{out}'",
        "INSTALL httpfs",
        "LOAD httpfs",
        "SET enable_external_access = true",
        "RESET enable_external_access",
        "SET lock_configuration = false",
        "SELECT * FROM glob('/etc/*')",
        "SELECT getenv('HOME')",
    ],
)
def test_query_reaches_no_file_no_extension_and_no_setting(database: Database, tmp_path: Path, sql: str) -> None:
    out = tmp_path / "out"
    with pytest.raises(UsageError, match="SQL"):
        ask(database, sql.format(out=out))
    assert not out.exists()


@pytest.mark.parametrize("sql", ["", "SELECT 1; SELECT 2", "SELEC"])
def test_query_that_is_no_single_statement_is_a_usage_error(database: Database, sql: str) -> None:
    with pytest.raises(UsageError):
        ask(database, sql)


def test_parquet_holds_every_record(database: Database, tmp_path: Path) -> None:
    import duckdb

    database.write_parquet(tmp_path / "a.parquet")
    (row,) = duckdb.execute(
        "SELECT count(*), sum(len(findings)) FROM read_parquet(?)", [str(tmp_path / "a.parquet")]
    ).fetchall()
    assert row == (2 * len(records()), 4)


def test_parquet_has_columns_of_the_right_types_and_every_value_as_it_was(database: Database, tmp_path: Path) -> None:
    import duckdb

    database.write_parquet(tmp_path / "a.parquet")
    source = f"read_parquet('{tmp_path}/a.parquet')"
    types = dict(row[:2] for row in duckdb.execute(f"DESCRIBE SELECT * FROM {source}").fetchall())
    assert types["time"] == "TIMESTAMP WITH TIME ZONE"
    assert {types[name] for name in ("seq", "port", "status", "request_bytes")} == {"BIGINT"}
    assert (types["duration_ms"], types["host"], types["signals"]) == ("DOUBLE", "VARCHAR", "VARCHAR[]")
    assert types["findings"].startswith("STRUCT(")
    assert types["findings"].endswith(")[]")
    read = duckdb.execute(
        f"SELECT path, epoch_ms(time), port, findings[1].length, findings[1].is_home FROM {source} "
        "WHERE session = 's1' AND kind = 'request' ORDER BY seq"
    ).fetchall()
    assert read == [
        ("/v1/x?id=7&q=%20a", 1_700_000_000_250, 443, 40, False),
        ("=cmd()", 1_700_000_000_250, 443, None, None),
    ]


def test_session_without_alerts_has_an_empty_table(tmp_path: Path) -> None:
    log = write_session(tmp_path / "s")
    (tmp_path / "s" / "alerts.jsonl").unlink()
    database = Database([log])
    assert ask(database, "SELECT count(*) FROM alerts") == [(0,)]
    database.close()


def test_missing_duckdb_is_one_line_that_says_what_to_install(
    logs: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "duckdb", None)
    with pytest.raises(VibedomError, match=r"install vibedom\[audit\]"):
        Database(logs)
