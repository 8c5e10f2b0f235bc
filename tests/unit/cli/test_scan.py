"""`vibedom scan`, as its users call it."""

import json
from pathlib import Path

import pytest

from tests.support.scrubbing import TOKEN
from vibedom.cli import scan
from vibedom.errors import UsageError

pytestmark = pytest.mark.anyio


async def run(*arguments: str | Path) -> int:
    code = await scan.command.main([str(each) for each in arguments], prog_name="vibedom", standalone_mode=False)
    assert isinstance(code, int)
    return code


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    (tmp_path / "clean.txt").write_text("mail bob@mail.test from 10.0.0.1\n")
    return tmp_path


async def test_clean_found_and_unreadable_have_their_exit_codes(with_rules: Path, tree: Path) -> None:
    assert await run(tree) == 0
    (tree / "big.txt").write_bytes(b"x" * (1 << 20) + b"y")
    assert await run(tree, "--max-file-mib", "1") == 2
    (tree / "key.txt").write_bytes(TOKEN)
    assert await run(tree, "--max-file-mib", "1") == 1


async def test_people_get_a_line_per_finding(with_rules: Path, tree: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tree / "a\x1b[31m.txt").write_bytes(b"\nx = " + TOKEN + b"\n")
    assert await run(tree) == 1
    captured = capsys.readouterr()
    assert captured.out == "a\\x1b[31m.txt:2:5  critical github-pat  ghp_... (40 bytes)\n"
    assert captured.err.startswith("1 found in 2 files")


async def test_json_is_the_whole_report(with_rules: Path, tree: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tree / "node_modules").mkdir()
    (tree / "key.txt").write_bytes(TOKEN)
    await run("--json", tree)
    report = json.loads(capsys.readouterr().out)
    assert [finding["file"] for finding in report["findings"]] == ["key.txt"]
    assert report["excluded"] == ["node_modules"]
    assert report["files"] == 2
    assert TOKEN.decode() not in json.dumps(report)


async def test_sarif_has_a_result_per_finding(with_rules: Path, tree: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tree / "key.txt").write_bytes(b"k: " + TOKEN)
    await run("--sarif", tree)
    (result,) = json.loads(capsys.readouterr().out)["runs"][0]["results"]
    assert (result["ruleId"], result["level"]) == ("github-pat", "error")
    assert result["locations"][0]["physicalLocation"]["region"] == {
        "startLine": 1,
        "startColumn": 4,
        "endLine": 1,
        "endColumn": 44,
    }


async def test_git_decides_what_is_read_unless_told_otherwise(with_rules: Path, tree: Path) -> None:
    (tree / ".gitignore").write_text("secret.txt\n")
    (tree / "secret.txt").write_bytes(TOKEN)
    assert await run(tree) == 0
    assert await run("--no-gitignore", tree) == 1


async def test_personal_data_is_only_looked_for_on_request(with_rules: Path, tree: Path) -> None:
    assert await run(tree) == 0
    assert await run("--pii", tree) == 1


async def test_a_rule_file_of_ones_own_counts(with_rules: Path, tree: Path) -> None:
    rules = tree.parent / "mine.toml"
    rules.write_text('[[rules]]\nid = "mail"\nregex = "bob@mail"\nkeywords = ["bob"]\n')
    assert await run("--rules", rules, tree) == 1


async def test_two_formats_at_once_are_refused(with_rules: Path, tree: Path) -> None:
    with pytest.raises(UsageError, match="exclude each other"):
        await run("--json", "--sarif", tree)
