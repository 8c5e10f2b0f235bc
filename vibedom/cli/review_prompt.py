"""What happens with pre-flight's findings: asked on a terminal, by rule without one."""

from collections.abc import Iterable, Sequence
from typing import Literal

import msgspec

from vibedom.cli import render
from vibedom.cli.ask import ask, can_ask
from vibedom.errors import FindingsError
from vibedom.preflight.approved import read_approvals, write_approvals
from vibedom.preflight.finding import Finding, Risk
from vibedom.preflight.scan import Report
from vibedom.workspace.hidden_files import GENERATED
from vibedom.workspace.spelling import visible

OnFindings = Literal["ask", "fail", "continue", "mask"]
MOST_SHOWN = 20
_STYLES: dict[Risk, render.Style] = {"HIGH": "bad", "MEDIUM": "warn", "LOW": "dim"}
_HELP = """\
  c  continue: the sandbox sees them; the proxy takes them out of what is sent
  m  mask: the files are empty in the sandbox (m 1 3: only those of findings 1 and 3)
  a  approve for this workspace: never ask about these again (a 2: only finding 2)
  i  ignore some, for this session (i 2 4)
  q  cancel"""


class Decision(msgspec.Struct, frozen=True, kw_only=True):
    """What the user decided. A cancelled start raises `FindingsError` instead."""

    masked: tuple[str, ...] = ()
    """Workspace-relative files that the sandbox sees empty."""


async def decide(report: Report, *, on_findings: OnFindings | None) -> Decision:
    """Show the findings and decide. Approved ones need no decision.

    Raises `FindingsError` where the user cancels, `fail` was asked for, or nobody is there and nothing was.
    """
    _show_skipped(report)
    findings = report.to_decide
    if not findings:
        return Decision()
    show(findings)
    if on_findings == "continue":
        return Decision()
    if on_findings == "mask":
        return Decision(masked=files_of(findings))
    if on_findings == "fail" or not can_ask():
        raise FindingsError(
            f"{len(findings)} secrets in {visible(str(report.workspace))};"
            " give --on-findings continue or mask, or approve them on a terminal"
        )
    return await _converse(report, list(findings))


async def _converse(report: Report, findings: list[Finding]) -> Decision:
    masked: set[str] = set()
    while findings:
        choice, *numbers = (await ask("[c]ontinue, [m]ask, [a]pprove, [i]gnore, [q]uit, [?]")).split() or [""]
        chosen = _numbered(findings, numbers)
        if choice in ("c", "continue"):
            break
        if choice in ("q", "quit", "cancel", ""):
            raise FindingsError(f"cancelled; {len(findings)} secrets are still to be decided on")
        if choice in ("m", "mask", "a", "approve", "i", "ignore") and chosen:
            if choice in ("m", "mask"):
                masked.update(files_of(chosen))
            elif choice in ("a", "approve"):
                write_approvals(report.workspace, read_approvals(report.workspace).also(chosen))
            decided = {id(finding) for finding in chosen if choice[0] != "m"}
            findings = [each for each in findings if id(each) not in decided and not _is_masked(each, masked)]
            show(findings)
        else:
            render.err(_HELP)
    return Decision(masked=tuple(sorted(masked)))


def _is_masked(finding: Finding, masked: set[str]) -> bool:
    """What is in the history stays readable there, whatever is masked."""
    return not finding.commit and finding.file in masked


def _numbered(findings: Sequence[Finding], numbers: Sequence[str]) -> list[Finding]:
    """The findings with these numbers, all without any, none where one is no number of a finding."""
    if not numbers:
        return list(findings)
    if not all(number.isdecimal() and 1 <= int(number) <= len(findings) for number in numbers):
        return []
    return [findings[int(number) - 1] for number in numbers]


def files_of(findings: Iterable[Finding]) -> tuple[str, ...]:
    """The files that the findings are in, without those that are only in the history."""
    return tuple(sorted({finding.file for finding in findings if not finding.commit}))


def show(findings: Sequence[Finding]) -> None:
    """The findings for a person, the worst first; those in generated directories and long tails are only counted."""
    for number, finding in enumerate(findings, 1):
        if number > MOST_SHOWN or _is_generated(finding):
            continue
        place = f"{visible(finding.file)}:{finding.start_line}" + (
            f" in {finding.commit[:10]}" if finding.commit else ""
        )
        what = f"{finding.rule} {finding.sample}: {visible(finding.reason)}"
        render.err(f"{number:3}  {finding.risk:6} {place}  {what}", _STYLES[finding.risk])
    hidden = sum(number > MOST_SHOWN or _is_generated(each) for number, each in enumerate(findings, 1))
    if hidden:
        render.err(f"     and {hidden} more in generated files or further down; the report has them all", "dim")


def _is_generated(finding: Finding) -> bool:
    """Made by a tool and ignored by git. A `.env` is ignored, too, but nobody generates it."""
    names = finding.file.split("/")
    is_output = any(name in GENERATED for name in names[:-1]) or names[-1].endswith((".map", ".min.js"))
    return finding.is_ignored and is_output


def _show_skipped(report: Report) -> None:
    for each in report.skipped[:MOST_SHOWN]:
        render.err(f"not scanned: {visible(each.path)}: {each.reason}", "warn")
