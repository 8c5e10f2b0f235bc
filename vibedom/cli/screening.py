"""Pre-flight as `vibedom run` sees it: what is masked, and which values the proxy is told."""

from pathlib import Path

import msgspec

from vibedom.cli import render
from vibedom.cli.review_prompt import OnFindings, decide
from vibedom.paths import Home
from vibedom.preflight.finding import Finding
from vibedom.preflight.known_values import KnownValues
from vibedom.preflight.report_file import write_report
from vibedom.preflight.scan import preflight
from vibedom.settings import Policy


class Screening(msgspec.Struct, frozen=True, kw_only=True):
    """What pre-flight found and its user decided."""

    masked: tuple[str, ...]
    values: KnownValues
    findings: tuple[Finding, ...]

    def keep_report(self, path: Path) -> None:
        """Write the findings, without their secrets, in gitleaks' format."""
        write_report(self.findings, path)


async def screen(workspace: Path, home: Home, policy: Policy, *, on_findings: OnFindings | None) -> Screening:
    """Scan the workspace and decide what happens with the findings.

    Raises `NotScannedError`, or `FindingsError` where nobody decides or the user cancels.
    """
    report = await preflight(workspace, home=home, rule_files=policy.dlp.rule_files, progress=render.progress)
    render.end_progress()
    decision = await decide(report, on_findings=on_findings)
    return Screening(masked=decision.masked, values=report.values, findings=report.findings)
