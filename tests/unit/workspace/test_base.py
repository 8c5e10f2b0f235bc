"""The recorded base: every path is found again, and a host edit cannot hide."""

import os
import random
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.edit_scripts import EDITS, DirectEditor, Edit, perform
from vibedom.errors import WorkspaceError
from vibedom.workspace.base import Base, amend_base, record_base, sort_key
from vibedom.workspace.entry import Entry
from vibedom.workspace.spelling import spell, unspell, visible
from vibedom.workspace.tree import Tree


@given(st.binary(min_size=1).filter(lambda data: b"\0" not in data))
def test_spelling_is_lossless_for_any_bytes(data: bytes) -> None:
    path = os.fsdecode(data)
    assert unspell(spell(path)) == path
    spell(path).encode("utf-8")


def test_visible_text_holds_nothing_a_terminal_or_reader_could_be_fooled_by() -> None:
    assert visible("a\x1b[2J\n\x9b\u202e\u200b\udcff\tü 字") == "a\\x1b[2J\\n\\x9b\\u202e\\u200b\\xff\tü 字"


@given(script=EDITS, asked=st.sampled_from(["a", "a/b", "zz", "c-d/a/b", "odd\n"]))
def test_base_finds_exactly_what_was_there(
    tmp_path_factory: pytest.TempPathFactory, script: list[Edit], asked: str
) -> None:
    root = tmp_path_factory.mktemp("base")
    (root / "w").mkdir()
    perform(script, DirectEditor(root / "w"))
    record_base(root / "w", root / "base.jsonl")
    there = [os.path.relpath(os.path.join(d, n), root / "w") for d, ds, fs in os.walk(root / "w") for n in ds + fs]
    with Base(root / "base.jsonl") as base, Tree(root / "w") as tree:
        assert all(base.get(path) == tree.lstat(path) for path in [*there, asked])
        below = [path for path, _ in base.below(asked)]
        assert below == sorted((path for path in there if path.startswith(asked + "/")), key=sort_key)
        assert [path for path, _ in base.below("")] == []


def test_a_path_is_found_whatever_was_asked_for_before_it(tmp_path: Path) -> None:
    there = [f"d{number % 7}/{'x' * (number % 50)}{number:03d}" for number in range(600)]
    for path in there:
        (tmp_path / "w" / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "w" / path).touch()
    record_base(tmp_path / "w", tmp_path / "base.jsonl")
    asked = [*there, *(f"{path}-not" for path in there), "", "a", "z"]
    orders = [sorted(asked, key=sort_key), sorted(asked, key=sort_key, reverse=True)]
    orders += [random.Random(seed).sample(asked, len(asked)) for seed in range(3)]
    for order in orders:
        with Base(tmp_path / "base.jsonl") as base:
            found = {path for path in order if base.get(path) is not None}
        assert found == set(there)


def test_a_lingering_tree_tells_directories_apart_and_follows_no_link(tmp_path: Path) -> None:
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "f").write_text(name)
    (tmp_path / "link").symlink_to("one")
    with Tree(tmp_path, lingers=True) as tree:
        for _ in range(2):
            assert [tree.read(f"{name}/f") for name in ("one", "two", "two", "one")] == [b"one", b"two", b"two", b"one"]
            assert tree.lstat("link/f") is None
            assert tree.lstat("nowhere/f") is None
        open_now = len(os.listdir("/proc/self/fd")) if os.path.isdir("/proc/self/fd") else 0
        for _ in range(3):
            tree.names("one")
            tree.names("two")
        assert open_now == (len(os.listdir("/proc/self/fd")) if open_now else 0)


def test_amendments_win_and_one_that_was_cut_off_is_not_read(tmp_path: Path) -> None:
    (tmp_path / "w/d").mkdir(parents=True)
    (tmp_path / "w/d/gone").touch()
    (tmp_path / "w/d/kept").touch()
    record_base(tmp_path / "w", tmp_path / "base.jsonl")
    with Tree(tmp_path / "w") as tree:
        entry = tree.lstat("d/kept")
    amend_base(tmp_path / "base.jsonl", [("d/gone", None), ("d/new", entry)])
    with (tmp_path / "base.amended.jsonl").open("ab") as file:
        file.write(b'["d/kept",nul')
    with Base(tmp_path / "base.jsonl") as base:
        assert base.get("d/gone") is None
        assert base.get("d/new") == entry
        assert [path for path, _ in base.below("d")] == ["d/kept", "d/new"]


@pytest.mark.parametrize("left", [b'["a",nu', b"x" * 200_000, b'["b",null]\n["a"'])
def test_what_is_amended_after_a_line_was_cut_off_counts(tmp_path: Path, left: bytes) -> None:
    (tmp_path / "w").mkdir()
    (tmp_path / "w/a").touch()
    record_base(tmp_path / "w", tmp_path / "base.jsonl")
    amend_base(tmp_path / "base.jsonl", [("whole", None)])
    with (tmp_path / "base.amended.jsonl").open("ab") as file:
        file.write(left)
    amend_base(tmp_path / "base.jsonl", [("a", None)])
    lines = (tmp_path / "base.amended.jsonl").read_bytes().split(b"\n")
    assert lines == [b'["whole",null]', *([b'["b",null]'] if b"\n" in left else []), b'["a",null]', b""]
    with Base(tmp_path / "base.jsonl") as base:
        assert base.get("a") is None
    (tmp_path / "base.amended.jsonl").write_bytes(b"{\n")
    with pytest.raises(WorkspaceError, match=r"base\.amended\.jsonl is damaged"):
        Base(tmp_path / "base.jsonl")


def test_damaged_record_is_an_error_that_names_it(tmp_path: Path) -> None:
    (tmp_path / "base.jsonl").write_bytes(b"not json\n")
    with Base(tmp_path / "base.jsonl") as base, pytest.raises(WorkspaceError, match=r"base\.jsonl is damaged"):
        base.get("x")
    with pytest.raises(WorkspaceError, match="no record of the session's start"):
        Base(tmp_path / "nowhere")


def _entry(path: Path) -> Entry:
    with Tree(path.parent) as tree:
        entry = tree.lstat(path.name)
    assert entry is not None
    return entry


def test_an_edit_that_puts_size_and_mtime_back_is_still_seen(tmp_path: Path) -> None:
    file = tmp_path / "f"
    file.write_text("one")
    before, status = _entry(file), file.stat()
    assert before.is_untouched(_entry(file))
    file.write_text("two")
    os.utime(file, ns=(status.st_atime_ns, status.st_mtime_ns))
    assert not before.is_untouched(_entry(file))


def test_links_are_recorded_and_not_followed(tmp_path: Path) -> None:
    (tmp_path / "w").mkdir()
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside/f").touch()
    (tmp_path / "w/link").symlink_to(tmp_path / "outside")
    record_base(tmp_path / "w", tmp_path / "base.jsonl")
    with Base(tmp_path / "base.jsonl") as base:
        link = base.get("link")
        assert link is not None
        assert link.type == "symlink"
        assert base.get("link/f") is None
    with Tree(tmp_path / "w") as tree:
        assert tree.lstat("link/f") is None
        with pytest.raises(OSError):
            tree.read("link/f")
        with pytest.raises(WorkspaceError):
            tree.lstat("../outside/f")
