"""Pre-flight as `vibedom run` sees it: what is masked, and which values the proxy is told."""

from pathlib import Path

import msgspec

from vibedom.cli import render
from vibedom.cli.review_prompt import OnFindings, decide
from vibedom.paths import Home
from vibedom.preflight.canary import Canary, canary_values, new_canaries, plant_canaries
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
    canaries: tuple[Canary, ...] = ()
    """Fake credentials for the agent's home; the proxy knows them by value."""

    def plant(self, home: Path, *, uid: int, gid: int) -> None:
        """Put the canaries into the agent's home. Raises `OSError`."""
        if self.canaries:
            plant_canaries(self.canaries, home, uid=uid, gid=gid)

    def keep_report(self, path: Path) -> None:
        """Write the findings, without their secrets, in gitleaks' format."""
        write_report(self.findings, path)


async def screen(
    workspace: Path,
    home: Home,
    policy: Policy,
    *,
    on_findings: OnFindings | None,
    history: bool = False,
    canary: bool = False,
) -> Screening:
    """Scan the workspace (with its git history, if wanted) and decide what happens with the findings.

    Raises `NotScannedError`, or `FindingsError` where nobody decides or the user cancels.
    """
    settings = msgspec.structs.replace(policy.preflight, history=history or policy.preflight.history)
    report = await preflight(
        workspace, home=home, settings=settings, rule_files=policy.dlp.rule_files, progress=render.progress
    )
    render.end_progress()
    decision = await decide(report, on_findings=on_findings)
    canaries = new_canaries() if canary else ()
    values = KnownValues((*report.values.reveal(), *canary_values(canaries)))
    return Screening(masked=decision.masked, values=values, findings=report.findings, canaries=canaries)
