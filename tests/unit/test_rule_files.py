"""Rule files: which are loaded, what is kept between runs, and what a broken one says."""

from pathlib import Path

import pytest

from vibedom.errors import SettingsError
from vibedom.paths import Home
from vibedom.rule_cache import RuleCache
from vibedom.rule_files import COMPILING, load_engine, load_rules

RULE = '[[rules]]\nid = "{id}"\nregex = "{regex}"\nkeywords = ["acme"]\n'


def write(path: Path, text: str) -> str:
    path.write_text(text)
    return str(path)


def ids(*files: str, pii: bool = True) -> set[str]:
    return {rule.id for rule in load_rules(files, pii=pii).rules}


def test_personal_data_can_be_left_out() -> None:
    assert {"github-pat", "email"} <= ids()
    assert "github-pat" in ids(pii=False)
    assert "email" not in ids(pii=False)


def test_a_later_file_wins(tmp_path: Path) -> None:
    file = write(tmp_path / "mine.toml", RULE.format(id="github-pat", regex="acme_[0-9]{8}"))
    rule = next(rule for rule in load_rules([file]).rules if rule.id == "github-pat")
    assert rule.regex == "acme_[0-9]{8}"


def test_what_is_kept_is_what_was_read_and_follows_the_file(tmp_path: Path) -> None:
    cache = RuleCache(tmp_path / "cache")
    file = write(tmp_path / "mine.toml", RULE.format(id="acme", regex="acme_a"))
    first = load_rules([file], cache=cache)
    assert load_rules([file], cache=cache) == first
    write(tmp_path / "mine.toml", RULE.format(id="acme", regex="acme_b"))
    changed = load_rules([file], cache=cache)
    assert [rule.regex for rule in changed.rules if rule.id == "acme"] == ["acme_b"]


def test_a_damaged_cache_is_read_as_missing(tmp_path: Path) -> None:
    cache = RuleCache(tmp_path / "cache")
    first = load_rules(cache=cache)
    (kept,) = (tmp_path / "cache").glob("*.rules")
    kept.write_bytes(kept.read_bytes()[:-7])
    assert load_rules(cache=cache) == first


def test_a_file_may_extend_another_one_beside_it(tmp_path: Path) -> None:
    write(tmp_path / "base.toml", RULE.format(id="base", regex="acme_base"))
    file = write(tmp_path / "mine.toml", '[extend]\npath = "base.toml"\n' + RULE.format(id="acme", regex="acme_a"))
    assert {"base", "acme"} <= ids(file)


@pytest.mark.parametrize(
    ("text", "problem"),
    [("rules = [", "not TOML"), (RULE.format(id="acme", regex="a(b"), "rule acme"), ("\xff", "not UTF-8")],
)
def test_a_broken_file_is_named_with_the_reason(tmp_path: Path, text: str, problem: str) -> None:
    file = tmp_path / "mine.toml"
    file.write_bytes(text.encode("latin-1"))
    with pytest.raises(SettingsError, match=problem) as caught:
        load_rules([str(file)])
    assert str(file) in str(caught.value)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"none\.toml: rule file cannot be read"):
        load_rules([str(tmp_path / "none.toml")])


def test_compiling_is_announced_and_reading_what_is_compiled_is_not(tmp_path: Path) -> None:
    home, told = Home(root=tmp_path), list[str]()
    load_engine(home, (), progress=told.append)
    assert set(told) == {COMPILING}
    told.clear()
    load_engine(home, (), progress=told.append)
    assert told == []


def test_the_policy_names_more_files(tmp_path: Path) -> None:
    home = Home(root=tmp_path)
    home.config.mkdir()
    write(home.config / "policy.toml", "[dlp]\nrule_files = ['none.toml']\n")
    with pytest.raises(SettingsError, match=r"none\.toml"):
        load_engine(home)
