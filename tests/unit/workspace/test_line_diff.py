"""The line diff: right for any two files, small where little changed, quick where nothing is equal."""

import time
from random import Random

from hypothesis import given
from hypothesis import strategies as st

from vibedom.workspace.line_diff import differences, hunks, split_lines

LINES = st.lists(st.sampled_from([b"a\n", b"b\n", b"c\n", b"}\n", b"\n"]), max_size=30)


@given(old=LINES, new=LINES)
def test_differences_turn_the_old_into_the_new(old: list[bytes], new: list[bytes]) -> None:
    rebuilt, at, new_at = [], 0, 0
    for old_start, old_end, new_start, new_end in differences(old, new):
        assert old[at:old_start] == new[new_at:new_start]
        rebuilt += old[at:old_start] + new[new_start:new_end]
        at, new_at = old_end, new_end
    assert rebuilt + old[at:] == new


@given(old=LINES, keep=st.lists(st.booleans(), min_size=30, max_size=30))
def test_removed_lines_are_all_that_differs(old: list[bytes], keep: list[bool]) -> None:
    new = [line for line, is_kept in zip(old, keep, strict=False) if is_kept]
    changed = differences(old, new)
    assert sum(old_end - old_start for old_start, old_end, _, _ in changed) == len(old) - len(new)
    assert all(new_start == new_end for _, _, new_start, new_end in changed)


def test_only_a_newline_ends_a_line() -> None:
    assert split_lines(b"a\r\nb\x0c\x1c\xe2\x80\xa8c\rd\n\ne") == [
        b"a\r\n",
        b"b\x0c\x1c\xe2\x80\xa8c\rd\n",
        b"\n",
        b"e",
    ]


def test_close_changes_share_a_hunk_and_distant_ones_do_not() -> None:
    old = [b"%d\n" % number for number in range(40)]
    new = [*old[:5], b"x\n", *old[6:10], b"y\n", *old[11:30], b"z\n", *old[31:]]
    found = hunks(old, new)
    assert [(hunk.old_start, hunk.old_end, len(hunk.changes)) for hunk in found] == [(2, 14, 2), (27, 34, 1)]


def test_files_without_anything_in_common_and_with_only_a_few_lines_cost_no_quadratic_time() -> None:
    random = Random(7)
    for kinds in (2, 50, 10**9):
        old = [b"%d\n" % random.randrange(kinds) for _ in range(40_000)]
        new = [b"%d\n" % random.randrange(kinds) for _ in range(40_000)]
        started = time.process_time()
        differences(old, new)
        assert time.process_time() - started < 10
