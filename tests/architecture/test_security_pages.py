"""What SECURITY.md and docs/security.md name as proof is there."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from vibedom.attack.attempts import ATTEMPTS

ROOT = Path(__file__).parents[2]
PAGES = ("SECURITY.md", "docs/security.md")
ATTEMPT_NAMES = {attempt.name for attempt in ATTEMPTS}


def rows(page: str, heading: str) -> Iterator[list[str]]:
    """The cells of the table below a heading."""
    table = (ROOT / page).read_text().partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    for line in table.splitlines():
        if line.startswith("| ") and not line.startswith(("| promise", "| kind")):
            yield line.strip("| ").split(" | ")


def is_there(test: str) -> bool:
    file, _, name = test.partition("::")
    path = ROOT / "tests" / file
    return path.is_file() and re.search(rf"^(async )?def {name}\(", path.read_text(), re.MULTILINE) is not None


@pytest.mark.parametrize("page", PAGES)
def test_every_test_that_is_named_exists(page: str) -> None:
    named = re.findall(r"`([\w/]+\.py::\w+)`", (ROOT / page).read_text())
    assert len(named) > 15
    assert [test for test in named if not is_there(test)] == []


@pytest.mark.parametrize("page", PAGES)
def test_every_path_that_is_named_exists(page: str) -> None:
    named = re.findall(r"`(tests/[\w/.*]+?)/?`", (ROOT / page).read_text())
    assert [path for path in named if not list(ROOT.glob(path))] == []


def test_every_promise_has_a_mechanism_and_a_test() -> None:
    promises = list(rows("SECURITY.md", "Promises"))
    assert len(promises) > 20
    assert [row for row in promises if len(row) != 3 or "::test_" not in row[2]] == []


def test_every_kind_of_attack_has_attempts_or_tests_that_exist() -> None:
    kinds = list(rows("docs/security.md", "Kinds of attacks"))
    assert len(kinds) > 15
    named = [name for _, shown in kinds for name in re.findall(r"`([^`]+)`", shown)]
    assert [name for name in named if name not in ATTEMPT_NAMES and "::" not in name] == []
    assert all("`" in shown for _, shown in kinds)
