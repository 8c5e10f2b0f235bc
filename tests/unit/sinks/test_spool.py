"""The spool keeps entries in order over restarts, crashes and a limit, and counts what it gave up."""

import stat
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from sinks.spool import SEGMENTS, Spool, undelivered, waiting


def entries(first: int, count: int) -> list[bytes]:
    return [b'{"n":%d}' % number for number in range(first, first + count)]


def drain(spool: Spool, limit: int = 10) -> list[bytes]:
    taken: list[bytes] = []
    while batch := spool.peek(limit):
        taken += batch.entries
        spool.done(batch)
    return taken


def test_entries_come_out_in_order_and_leave_no_file_behind(tmp_path: Path) -> None:
    spool = Spool(tmp_path / "s")
    spool.append(entries(0, 25))
    spool.append(entries(25, 5))
    assert spool.pending == 30
    assert drain(spool) == entries(0, 30)
    assert (spool.pending, spool.lost) == (0, 0)
    assert [file.name for file in tmp_path.iterdir()] == ["s.at"]


def test_what_is_not_done_comes_again_after_a_restart_and_what_is_done_does_not(tmp_path: Path) -> None:
    spool = Spool(tmp_path / "s")
    spool.append(entries(0, 30))
    batch = spool.peek(10)
    assert batch is not None
    spool.done(batch)
    spool.peek(10)
    again = Spool(tmp_path / "s")
    assert again.pending == 20
    assert drain(again) == entries(10, 20)


def test_files_are_for_their_owner_only(tmp_path: Path) -> None:
    spool = Spool(tmp_path / "s")
    spool.append(entries(0, 3))
    spool.forget_lost(0)
    assert {stat.S_IMODE(file.stat().st_mode) for file in tmp_path.iterdir()} == {0o600}


def test_line_cut_short_by_a_crash_is_dropped_and_the_queue_goes_on(tmp_path: Path) -> None:
    Spool(tmp_path / "s").append(entries(0, 2))
    with (tmp_path / "s.000001").open("ab") as file:
        file.write(b'{"n":')
    spool = Spool(tmp_path / "s")
    spool.append(entries(2, 1))
    assert drain(spool) == entries(0, 3)


def test_full_spool_gives_up_the_oldest_counts_them_and_stays_within_its_limit(tmp_path: Path) -> None:
    limit = 8000
    spool = Spool(tmp_path / "s", limit_bytes=limit)
    for number in range(2000):
        spool.append(entries(number, 1))
        assert sum(file.stat().st_size for file in tmp_path.iterdir()) <= limit * (1 + 1 / SEGMENTS) + 200
    kept = spool.pending
    assert 0 < kept < 2000
    assert spool.lost == 2000 - kept
    assert Spool(tmp_path / "s", limit_bytes=limit).lost == spool.lost
    assert drain(spool) == entries(2000 - kept, kept)
    spool.forget_lost(spool.lost)
    assert Spool(tmp_path / "s").lost == 0


def test_batch_whose_entries_were_given_up_meanwhile_changes_nothing(tmp_path: Path) -> None:
    spool = Spool(tmp_path / "s", limit_bytes=80)
    spool.append(entries(0, 2))
    batch = spool.peek(2)
    assert batch is not None
    spool.append(entries(2, 20))
    for number in range(22, 40):
        spool.append(entries(number, 1))
    pending = spool.pending
    spool.done(batch)
    assert spool.pending == pending


def test_damaged_cursor_repeats_entries_rather_than_losing_them(tmp_path: Path) -> None:
    spool = Spool(tmp_path / "s")
    spool.append(entries(0, 4))
    batch = spool.peek(2)
    assert batch is not None
    spool.done(batch)
    (tmp_path / "s.at").write_bytes(b"nonsense")
    assert drain(Spool(tmp_path / "s")) == entries(0, 4)


Step = tuple[str, int]


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.sampled_from(["append", "take", "look", "restart"]), st.integers(1, 12)), max_size=30))
def test_no_entry_is_lost_or_repeated_whatever_happens_in_which_order(
    tmp_path_factory: object, steps: list[Step]
) -> None:
    path = tmp_path_factory.mktemp("spool") / "s"  # type: ignore[attr-defined]
    spool, written = Spool(path, limit_bytes=10**6), 0
    taken: list[bytes] = []
    for what, count in steps:
        if what == "append":
            spool.append(entries(written, count))
            written += count
        elif what == "restart":
            spool = Spool(path, limit_bytes=10**6)
        elif (batch := spool.peek(count)) and what == "take":
            taken += batch.entries
            spool.done(batch)
    assert taken + drain(spool) == entries(0, written)


def test_what_waits_can_be_counted_without_opening_or_changing_a_spool(tmp_path: Path) -> None:
    spool = Spool(tmp_path / "a.spool")
    spool.append(entries(0, 5))
    batch = spool.peek(2)
    assert batch is not None
    spool.done(batch)
    Spool(tmp_path / "b.spool").append(entries(0, 4))
    before = {file: file.read_bytes() for file in tmp_path.iterdir()}
    assert (waiting(tmp_path / "a.spool"), undelivered(tmp_path)) == ((3, 0), 7)
    assert {file: file.read_bytes() for file in tmp_path.iterdir()} == before
    assert undelivered(tmp_path / "none") == 0
