"""The question after pre-flight: on a real terminal what was typed decides, without one only a flag does."""

import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest

from vibedom.cli.review_prompt import Decision, OnFindings, decide
from vibedom.errors import FindingsError
from vibedom.preflight.approved import read_approvals
from vibedom.preflight.finding import Finding, Risk
from vibedom.preflight.known_values import KnownValues
from vibedom.preflight.scan import Report

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


def _finding(
    file: str, risk: Risk, *, commit: str = "", is_approved: bool = False, is_ignored: bool = False
) -> Finding:
    return Finding(
        rule="github-pat",
        description="A token",
        file=file,
        start_line=3,
        end_line=3,
        start_column=1,
        end_column=41,
        entropy=5.0,
        commit=commit,
        risk=risk,
        reason="a live key",
        sample="ghp_... (40 bytes)",
        fingerprint=f"{len(file):016x}",
        is_approved=is_approved,
        is_ignored=is_ignored,
    )


def _report(workspace: Path, *findings: Finding) -> Report:
    return Report(workspace=workspace, scanner="built-in", findings=findings, skipped=(), values=KnownValues([]))


async def _decide(report: Report, on_findings: OnFindings | None) -> Decision:
    return await decide(report, on_findings=on_findings)


@pytest.mark.parametrize("on_findings", [None, "ask", "fail"])
async def test_without_a_terminal_findings_end_the_start_with_code_3(
    tmp_path: Path, on_findings: OnFindings | None
) -> None:
    with pytest.raises(FindingsError, match=r"1 secrets in .*--on-findings") as caught:
        await _decide(_report(tmp_path, _finding("a", "HIGH")), on_findings)
    assert caught.value.exit_code == 3


async def test_continue_masks_nothing_and_mask_masks_every_file_of_the_working_tree(tmp_path: Path) -> None:
    report = _report(tmp_path, _finding("a", "HIGH"), _finding("b", "LOW"), _finding("old", "LOW", commit="0123456"))
    assert (await _decide(report, "continue")).masked == ()
    assert (await _decide(report, "mask")).masked == ("a", "b")


async def test_approved_findings_need_no_decision(tmp_path: Path) -> None:
    assert (await _decide(_report(tmp_path, _finding("a", "HIGH", is_approved=True)), "fail")).masked == ()


async def test_generated_files_are_folded_into_one_line_and_names_are_shown_harmless(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    generated = [_finding(f"dist/{number}.map", "MEDIUM", is_ignored=True) for number in range(50)]
    await _decide(_report(tmp_path, _finding("src/\x1b[2Ja.py", "HIGH"), *generated), "continue")
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 2
    assert lines[0] == "  1  HIGH   src/\\x1b[2Ja.py:3  github-pat ghp_... (40 bytes): a live key"
    assert "and 50 more" in lines[1]


SCRIPT = """
import sys, anyio
from pathlib import Path
from functools import partial
from tests.unit.cli.test_review_prompt import _finding, _report
from vibedom.cli.review_prompt import decide
from vibedom.errors import FindingsError
report = _report(Path(sys.argv[1]), _finding("a", "HIGH"), _finding("bb", "MEDIUM"), _finding("ccc", "LOW"))
try:
    print("masked:", ",".join(anyio.run(partial(decide, report, on_findings="ask")).masked) or "none")
except FindingsError as error:
    print("ended:", error)
"""


def _typed(workspace: Path, text: str) -> str:
    """What a run on a real terminal ends with, when `text` is typed."""
    leader, follower = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-c", SCRIPT, str(workspace)],
        stdin=follower,
        stdout=subprocess.PIPE,
        stderr=follower,
        text=True,
        cwd=Path(__file__).parents[3],
    )
    os.close(follower)
    os.write(leader, text.encode())
    output, _ = process.communicate(timeout=60)
    os.close(leader)
    return output.strip().splitlines()[-1]


@pytest.mark.parametrize(
    ("typed", "end"),
    [
        ("c\n", "masked: none"),
        ("m 1 3\nc\n", "masked: a,ccc"),
        ("mask\n", "masked: a,bb,ccc"),
        ("i 1\nm 1\nc\n", "masked: bb"),
        ("x\n?\nm 9\nm 2\nc\n", "masked: bb"),
        ("q\n", "ended: cancelled; 3 secrets are still to be decided on"),
        ("\n", "ended: cancelled; 3 secrets are still to be decided on"),
        ("\x04", "ended: cancelled; 3 secrets are still to be decided on"),
    ],
)
async def test_what_is_typed_decides(tmp_path: Path, typed: str, end: str) -> None:
    assert _typed(tmp_path, typed) == end


async def test_approving_is_remembered_for_the_workspace(tmp_path: Path) -> None:
    assert _typed(tmp_path, "a 2\nq\n") == "ended: cancelled; 2 secrets are still to be decided on"
    approvals = read_approvals(tmp_path)
    assert approvals.cover(_finding("bb", "MEDIUM"))
    assert not approvals.cover(_finding("a", "HIGH"))
