"""Compiled rules on disk: used again, never trusted when damaged, never shared."""

import os
from pathlib import Path

import pytest

from pipeline.scrubber.engine import build_engine
from pipeline.scrubber.rules import parse_rules
from vibedom.rule_cache import RuleCache

RULES = parse_rules("[[rules]]\nid = 'r'\nregex = 'tok_[a-z]{8}'\nkeywords = ['tok_']", source="test")
DATA = b"x tok_" + b"abcdefgh y"


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    return tmp_path / "cache"


def test_what_was_put_is_got_and_nobody_else_can_read_it(directory: Path) -> None:
    cache = RuleCache(directory)
    assert cache.get("k") is None
    cache.put("k", b"value")
    assert cache.get("k") == b"value"
    assert cache.get("other") is None
    assert directory.stat().st_mode & 0o777 == 0o700
    assert [path.stat().st_mode & 0o777 for path in directory.iterdir()] == [0o600]


@pytest.mark.parametrize("damage", [b"", b"x", b"vibedom rules 1\n" + b"0" * 40])
def test_a_damaged_file_counts_as_missing(directory: Path, damage: bytes) -> None:
    cache = RuleCache(directory)
    cache.put("k", b"value")
    for path in directory.iterdir():
        path.write_bytes(damage)
    assert cache.get("k") is None


def test_one_flipped_bit_is_noticed(directory: Path) -> None:
    cache = RuleCache(directory)
    cache.put("k", b"value")
    (path,) = directory.iterdir()
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    assert cache.get("k") is None


def test_a_file_that_others_can_read_or_a_link_is_not_used(directory: Path, tmp_path: Path) -> None:
    cache = RuleCache(directory)
    cache.put("k", b"value")
    (path,) = directory.iterdir()
    path.chmod(0o644)
    assert cache.get("k") is None
    path.chmod(0o600)
    moved = tmp_path / "elsewhere"
    os.rename(path, moved)
    path.symlink_to(moved)
    assert cache.get("k") is None


def test_old_entries_are_dropped(directory: Path) -> None:
    cache = RuleCache(directory, keep=3)
    for number in range(6):
        cache.put(str(number), b"v")
    assert len(list(directory.iterdir())) == 3


def test_where_nothing_can_be_written_nothing_is_kept_and_nothing_raised(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    cache = RuleCache(tmp_path / "file" / "cache")
    cache.put("k", b"v")
    assert cache.get("k") is None


def test_an_engine_from_the_cache_finds_the_same(directory: Path) -> None:
    cache = RuleCache(directory)
    first = build_engine(RULES, cache=cache, native=True)
    assert list(directory.iterdir())
    second = build_engine(RULES, cache=cache, native=True)
    assert first.find(DATA) == second.find(DATA) != []


def test_an_engine_is_compiled_again_where_the_cache_holds_rubbish(directory: Path) -> None:
    class Rubbish(RuleCache):
        def get(self, key: str, /) -> bytes | None:
            return b"rubbish"

    assert build_engine(RULES, cache=Rubbish(directory), native=True).find(DATA)


def test_other_rules_have_another_key(directory: Path) -> None:
    cache = RuleCache(directory)
    build_engine(RULES, cache=cache, native=True)
    before = set(directory.iterdir())
    other = parse_rules("[[rules]]\nid = 'r'\nregex = 'tok_[a-z]{9}'\nkeywords = ['tok_']", source="test")
    assert build_engine(other, cache=cache, native=True).find(DATA) == []
    assert set(directory.iterdir()) > before
