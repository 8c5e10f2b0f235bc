"""What the agent's files take, counted on a real file system, and when that is too much."""

import os
from pathlib import Path

import pytest

from vibedom.disk_gauge import GIB, DiskGauge, reserve_bytes
from vibedom.disk_usage import measure
from vibedom.sandbox.runtime import Limits

MIB = 1 << 20


class Clock:
    """Goes on when it is told to."""

    now = 0.0
    step = 0.0
    """How far it goes on with each look at it."""

    def __call__(self) -> float:
        self.now += self.step
        return self.now


@pytest.fixture
def upper(tmp_path: Path) -> Path:
    made = tmp_path / "upper"
    made.mkdir()
    return made


def fill(path: Path, size: int) -> None:
    path.write_bytes(b"x" * size)


def limits(size: int = MIB, files: int = 100, reserve: int = 0) -> Limits:
    return Limits(disk_bytes=size, disk_files=files, disk_reserve_bytes=reserve)


def test_a_hole_costs_nothing_and_a_hard_link_counts_once(upper: Path) -> None:
    with (upper / "sparse").open("wb") as file:
        file.truncate(1 << 40)
    fill(upper / "one", MIB)
    os.link(upper / "one", upper / "two")
    usage = measure([upper], 1000)
    assert MIB <= usage.size < 2 * MIB
    assert (usage.files, usage.is_whole) == (2, True)


def test_directories_and_links_are_files_and_nothing_behind_a_link_counts(upper: Path, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    fill(outside / "big", 4 * MIB)
    (upper / "a" / "b").mkdir(parents=True)
    (upper / "a" / "b" / "link").symlink_to(outside)
    usage = measure([upper], 1000)
    assert usage.files == 3
    assert usage.size < MIB


def test_counting_stops_where_there_are_too_many(upper: Path) -> None:
    for number in range(50):
        (upper / str(number)).touch()
    assert measure([upper], 20).files == 21
    assert not measure([upper], 20).is_whole


def test_a_directory_that_is_not_there_has_taken_nothing(upper: Path) -> None:
    usage = measure([upper / "gone", upper], 20)
    assert (usage.files, usage.is_whole) == (0, True)


def test_a_tree_deeper_than_a_path_can_say_is_seen_to_be_more_than_was_counted(upper: Path) -> None:
    here = os.open(upper, os.O_RDONLY)
    for _ in range(30):
        os.mkdir("d" * 200, dir_fd=here)
        below = os.open("d" * 200, os.O_RDONLY, dir_fd=here)
        os.close(here)
        here = below
    os.close(here)
    assert not measure([upper], 1000).is_whole


def test_too_many_bytes_are_found_and_room_is_found_again(upper: Path) -> None:
    clock = Clock()
    gauge = DiskGauge([upper], clock=clock)
    assert gauge.look(limits()) is None
    fill(upper / "big", 3 * MIB)
    clock.now += 20
    excess = gauge.look(limits())
    assert excess is not None
    assert not excess.is_reserve
    assert "3.0 MiB, and disk_bytes allows 1.0 MiB" in excess.text
    (upper / "big").unlink()
    clock.now += 20
    assert gauge.look(limits()) is None


def test_after_a_rush_it_counts_again_although_the_last_count_took_long(upper: Path) -> None:
    clock = Clock()
    gauge = DiskGauge([upper], clock=clock)
    clock.step = 2.0
    assert gauge.look(limits()) is None  # a count of two seconds
    clock.step = 0.0
    clock.now += 3
    (upper / "little").touch()
    assert gauge.look(limits()) is None
    fill(upper / "big", 192 * MIB)
    assert gauge.look(limits()) is not None


def test_too_many_files_are_found(upper: Path) -> None:
    for number in range(150):
        (upper / str(number)).touch()
    excess = DiskGauge([upper]).look(limits())
    assert excess is not None
    assert "150 files, and disk_files allows 100" in excess.text


def test_a_raised_limit_counts_at_once(upper: Path) -> None:
    fill(upper / "big", 3 * MIB)
    gauge = DiskGauge([upper], clock=Clock())
    assert gauge.look(limits()) is not None
    assert gauge.look(limits(size=10 * MIB)) is None


def test_a_tenth_more_is_granted_on_top_of_what_is_there(upper: Path) -> None:
    clock = Clock()
    fill(upper / "big", 30 * MIB)
    gauge = DiskGauge([upper], clock=clock)
    assert gauge.look(limits(size=20 * MIB)) is not None
    gauge.grant_more(limits(size=20 * MIB))
    assert gauge.look(limits(size=20 * MIB)) is None
    fill(upper / "more", 3 * MIB)
    clock.now += 20
    assert gauge.look(limits(size=20 * MIB)) is not None


def test_of_a_shared_directory_only_the_growth_counts(upper: Path, tmp_path: Path) -> None:
    clock = Clock()
    shared = tmp_path / "cache"
    shared.mkdir()
    fill(shared / "old", 5 * MIB)
    gauge = DiskGauge([upper], [shared], clock=clock)
    assert gauge.look(limits()) is None
    fill(shared / "new", 2 * MIB)
    clock.now += 20
    assert gauge.look(limits()) is not None


def test_a_machine_short_of_space_is_told_from_an_agent_that_took_too_much(upper: Path) -> None:
    excess = DiskGauge([upper]).look(limits(reserve=1 << 60))
    assert excess is not None
    assert excess.is_reserve
    assert "of this machine's disk are free, less than the reserve of" in excess.text


def test_the_reserve_is_a_gibibyte_or_a_fiftieth_or_what_the_policy_says() -> None:
    assert reserve_bytes(Limits(), 1000 * GIB) == GIB
    assert reserve_bytes(Limits(), 10 * GIB) == GIB // 5
    assert reserve_bytes(limits(reserve=7), 10 * GIB) == 7


@pytest.mark.parametrize(
    "wrong", [{"disk_bytes": 1}, {"disk_files": 1}, {"disk_reserve_bytes": -1}, {"disk_wait_seconds": -1.0}]
)
def test_limits_that_make_no_sense_are_refused(wrong: dict[str, int]) -> None:
    with pytest.raises(ValueError, match="disk_"):
        Limits(**wrong)
