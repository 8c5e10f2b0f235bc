"""`vibedom scan`: looks for secrets in files."""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import asyncclick as click
import msgspec

from vibedom.cli import render
from vibedom.errors import UsageError
from vibedom.fingerprints import fingerprinter
from vibedom.paths import home
from vibedom.preflight.builtin import ScanLimits, scan_paths
from vibedom.preflight.file_report import ScanReport
from vibedom.preflight.sarif import to_sarif
from vibedom.rule_files import load_engine, load_hints, user_rule_files
from vibedom.workspace.spelling import spell, visible

CLEAN, FOUND, NOT_SCANNED = 0, 1, 2
_LISTED = 20
"""Names of files that were not read are shown up to here."""


@click.command()
@click.argument("path", type=click.Path(path_type=Path, exists=True), default=".")
@click.option("--json", "as_json", is_flag=True, help="The whole report as JSON.")
@click.option("--sarif", is_flag=True, help="The findings as SARIF 2.1.0.")
@click.option("--no-gitignore", is_flag=True, help="Also read what git ignores.")
@click.option("--pii", is_flag=True, help="Also look for personal data and private addresses.")
@click.option(
    "--rules",
    "rule_files",
    multiple=True,
    type=click.Path(exists=True, dir_okay=False),
    metavar="FILE",
    help="One more rule file in gitleaks' format.",
)
@click.option("--jobs", "-j", type=click.IntRange(1, 256), help="Processes (default: one per core).")
@click.option(
    "--max-file-mib", type=click.IntRange(1, 4096), default=32, show_default=True, help="Larger files are not read."
)
@click.option(
    "--timeout",
    type=click.FloatRange(min=0, min_open=True),
    default=600.0,
    show_default=True,
    metavar="SECONDS",
    help="Stop after that long.",
)
def command(
    path: Path,
    as_json: bool,
    sarif: bool,
    no_gitignore: bool,
    pii: bool,
    rule_files: tuple[str, ...],
    jobs: int | None,
    max_file_mib: int,
    timeout: float,
) -> int:
    """Look for secrets in PATH (default: here) with the proxy's rules.

    Exit code 0: nothing found. 1: something found. 2: nothing found, but not everything could be read.

    A line with `gitleaks:allow` and what `.gitleaksignore` lists is no finding. Directories of dependencies and caches
    are left out, and named.

    \b
    vibedom scan
    vibedom scan --json src | jq '.findings[].file'
    vibedom scan --sarif . > secrets.sarif
    """
    if as_json and sarif:
        raise UsageError("--json and --sarif exclude each other; choose one")
    limits = ScanLimits(max_file_bytes=max_file_mib << 20, max_seconds=timeout)

    load_hints(home())
    report = scan_paths(
        path,
        engine=load_engine(home(), (*user_rule_files(home()), *rule_files), pii=pii, progress=render.progress),
        fingerprint=fingerprinter(home()),
        jobs=jobs,
        progress=lambda files, size: render.progress(f"{files} files, {size / 1e6:.0f} MB"),
        include_ignored=no_gitignore,
        limits=limits,
    )
    render.end_progress()
    if as_json:
        render.out_json(_as_data(report))
    elif sarif:
        render.out_json(to_sarif(report))
    else:
        _show(report)
    return FOUND if report.findings else NOT_SCANNED if report.skipped else CLEAN


def _as_data(report: ScanReport) -> dict[str, Any]:
    """The report for JSON: names that are no UTF-8 are spelled so that they can be read back."""
    data: dict[str, Any] = msgspec.to_builtins(report)
    for row in (*data["findings"], *data["skipped"]):
        row["file"] = spell(row["file"])
    data["excluded"] = [spell(name) for name in data["excluded"]]
    return data


def _show(report: ScanReport) -> None:
    for finding in report.findings:
        place = f"{visible(finding.file)}:{finding.start_line}:{finding.start_column}"
        note = "  (ignored by git)" if finding.is_ignored else ""
        render.out(f"{place}  {finding.severity:8} {finding.rule}  {visible(finding.sample)}{note}")
    for line in _notes(report):
        render.err(line, "dim")
    counts = Counter(finding.rule for finding in report.findings)
    total = f"{sum(counts.values())} found" if counts else "nothing found"
    speed = f"{report.files} files, {report.bytes / 1e6:.1f} MB in {report.seconds:.2f} s"
    render.err(f"{total} in {speed}", "bad" if counts else "good")


def _notes(report: ScanReport) -> Iterator[str]:
    """What was not looked at."""
    for each in report.skipped[:_LISTED]:
        yield f"not read ({each.reason}): {visible(each.file)}"
    if len(report.skipped) > _LISTED:
        yield f"not read: {len(report.skipped) - _LISTED} more files; --json lists them"
    if report.excluded:
        names = sorted({name.rpartition("/")[2] for name in report.excluded})
        yield f"left out: {len(report.excluded)} directories named {', '.join(map(visible, names))}"
    if report.binary_files:
        yield f"no text: {report.binary_files} files"
    if report.suppressed:
        yield f"allowed by gitleaks:allow or .gitleaksignore: {report.suppressed} findings"
