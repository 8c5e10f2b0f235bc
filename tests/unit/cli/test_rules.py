"""`vibedom rules`, as its users call it."""

import io
import json
import sys
from pathlib import Path

import pytest

from tests.support.scrubbing import TOKEN
from vibedom.cli import rules

pytestmark = pytest.mark.anyio


async def run(*arguments: str | Path) -> int | None:
    code = await rules.command.main([str(each) for each in arguments], prog_name="vibedom", standalone_mode=False)
    return code if isinstance(code, int) else None


async def test_list_shows_every_rule_in_force(with_rules: Path, capsys: pytest.CaptureFixture[str]) -> None:
    await run("list", "--json")
    listed = {rule["id"]: rule for rule in json.loads(capsys.readouterr().out)}
    assert len(listed) >= 230
    assert listed["github-pat"]["secret_class"] == "credential"
    assert listed["email"]["source"] == "pii.toml"
    await run("list")
    assert capsys.readouterr().out.startswith("RULE ")


async def test_check_of_a_good_file_finds_no_problem(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "good.toml"
    file.write_text(
        '[[rules]]\nid = "acme"\nregex = "acme_[a-z]{8}"\nkeywords = ["acme_"]\n'
        '[vibedom.rules.acme]\nmatch = ["acme_abcdefgh"]\nno_match = ["acme_x"]\n'
    )
    assert await run("check", file) == 0
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ('[[rules]]\nid = "acme"\nregex = "a(b"\n', "rule acme: regex"),
        (
            '[[rules]]\nid = "acme"\nregex = "acme_[a-z]{8}"\nkeywords = ["acme_"]\n'
            '[vibedom.rules.acme]\nmatch = ["acme_x"]\nno_match = ["y"]\n',
            "rule acme: match sample 1 is not found",
        ),
        ("rules = [", "not TOML"),
    ],
)
async def test_check_names_file_rule_and_reason(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], text: str, problem: str
) -> None:
    file = tmp_path / "bad.toml"
    file.write_text(text)
    assert await run("check", file) == 1
    out = capsys.readouterr().out
    assert str(file) in out
    assert problem in out


async def test_explain_names_the_rule_and_shows_no_secret(with_rules: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert await run("explain", "--json", "x " + TOKEN.decode()) == 1
    out = capsys.readouterr().out
    found = next(row for row in json.loads(out) if row["rule"] == "github-pat")
    assert (found["start"], found["end"], found["is_replaced"]) == (2, 42, True)
    assert TOKEN.decode() not in out


async def test_explain_reads_standard_input(
    with_rules: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"nothing here")))
    assert await run("explain") == 0
    assert capsys.readouterr().out == "no rule finds anything\n"
