"""Pre-flight: what secrets are in a workspace before an agent gets to see it."""

import os
import tomllib
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

import anyio.from_thread
import anyio.to_thread
import msgspec

from pipeline.events import Payload, Severity
from vibedom.errors import NotScannedError
from vibedom.fingerprints import fingerprinter
from vibedom.paths import Home
from vibedom.preflight.approved import OWN_FILES, read_approvals
from vibedom.preflight.builtin import ScanLimits, scan_paths
from vibedom.preflight.categories import categorise
from vibedom.preflight.crew import Crew, Help
from vibedom.preflight.file_report import FileFinding
from vibedom.preflight.file_search import FileSearch
from vibedom.preflight.finding import Detection, Finding, sample_of
from vibedom.preflight.gitleaks import Gitleaks, installed_gitleaks, probe_gitleaks, scan_with_gitleaks
from vibedom.preflight.history_scan import scan_history
from vibedom.preflight.ignore_files import GitIgnore
from vibedom.preflight.known_values import NOT_READ, KnownValues, known_values, values_of
from vibedom.preflight.settings import PreflightSettings
from vibedom.preflight.spawned_crew import Brief, spawn_crew
from vibedom.rule_files import load_engine, load_hints
from vibedom.user_files import shipped_text

Progress = Callable[[str], None]
_ALONE_SECONDS = 0.5
"""Other processes have to load the rules first, which takes about half of that."""
_SEVERITIES: tuple[Severity, ...] = ("critical", "high", "medium", "low")
_RISKS = {"HIGH": 0, "MEDIUM": 1, "LOW": 2}


class Skipped(msgspec.Struct, frozen=True):
    """A file that was not read, and why."""

    path: str
    reason: str


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """What pre-flight found. No field but `values` holds a secret, and that shows only a count."""

    workspace: Path
    scanner: str
    findings: tuple[Finding, ...]
    """The worst first."""
    skipped: tuple[Skipped, ...]
    values: KnownValues
    """For the proxy's exact matcher: all that was found, and what credential files of the workspace hold."""

    @property
    def to_decide(self) -> tuple[Finding, ...]:
        """The findings that nobody has approved."""
        return tuple(finding for finding in self.findings if not finding.is_approved)


class _Scanned(msgspec.Struct, frozen=True):
    """What a scanner brought."""

    scanner: str
    detections: Sequence[Detection]
    skipped: Sequence[Skipped]


async def preflight(
    workspace: Path,
    *,
    home: Home,
    settings: PreflightSettings | None = None,
    rule_files: Sequence[str] = (),
    progress: Progress = lambda text: None,
) -> Report:
    """Scan the workspace by the shipped rules and those of `rule_files` (the policy's).

    Raises `NotScannedError` where that could not be finished, `SettingsError` where rules or the workspace's approvals
    cannot be read.
    """
    settings = settings or PreflightSettings()
    progress("looking for secrets in the project")
    gitleaks = await _gitleaks(workspace, settings, rule_files)
    if gitleaks is not None:
        scanned = await _by_gitleaks(gitleaks, workspace, settings)
    else:
        scanned = await anyio.to_thread.run_sync(_by_builtin, workspace, home, settings, rule_files, progress)
    return await anyio.to_thread.run_sync(_report, workspace, home, scanned)


async def _gitleaks(workspace: Path, settings: PreflightSettings, rule_files: Sequence[str]) -> Gitleaks | None:
    """The installed gitleaks, where it is to be used: it knows the shipped rules only."""
    if settings.scanner == "builtin" or (rule_files and settings.scanner == "auto"):
        return None
    binary = await anyio.to_thread.run_sync(installed_gitleaks, workspace)
    gitleaks = await probe_gitleaks(binary) if binary is not None else None
    if gitleaks is None and settings.scanner == "gitleaks":
        raise NotScannedError("no gitleaks 8.18 to 8.30 is on the path; install it, or set the scanner to auto")
    return gitleaks


def _by_builtin(
    workspace: Path, home: Home, settings: PreflightSettings, rule_files: Sequence[str], progress: Progress
) -> _Scanned:
    detections: list[Detection] = []

    def show(files: int, size: int) -> None:
        anyio.from_thread.check_cancelled()
        progress(f"looking for secrets: {files} files, {size >> 20} MB")

    def recruit(search: FileSearch, count: int) -> Crew:
        return spawn_crew(
            Brief(home, tuple(rule_files), workspace, search.max_file_bytes, search.deadline, pii=False), count
        )

    load_hints(home)
    try:
        report = scan_paths(
            workspace,
            engine=load_engine(home, rule_files, progress=progress),
            fingerprint=fingerprinter(home),
            progress=show,
            on_secret=lambda finding, secret: detections.append(_detection(finding, secret)),
            limits=ScanLimits(max_file_bytes=settings.max_file_mib << 20, max_seconds=settings.timeout_seconds),
            pii=False,  # nobody decides on it before a session
            crew_help=Help(_ALONE_SECONDS, recruit),
        )
    except OSError as error:
        raise NotScannedError(f"{workspace} cannot be scanned: {error.strerror}") from None
    if settings.history:
        detections += scan_history(
            workspace,
            load_engine(home, rule_files),
            max_file_bytes=settings.max_file_mib << 20,
            max_seconds=settings.timeout_seconds,
            progress=lambda objects, size: progress(f"looking through the history: {objects} files, {size >> 20} MB"),
        )
    if report.is_truncated:
        raise NotScannedError(
            f"{workspace} was not scanned in {settings.timeout_seconds:g} s, so nothing starts;"
            " give it more in policy.toml ([preflight] timeout_seconds)"
        )
    skipped = [Skipped(each.file, each.reason) for each in report.skipped]
    return _Scanned("built-in", detections, skipped)


def _detection(finding: FileFinding, secret: bytes) -> Detection:
    return Detection(
        rule=finding.rule,
        description=finding.description or finding.rule,
        file=finding.file,
        start_line=finding.start_line,
        end_line=finding.end_line,
        start_column=finding.start_column,
        end_column=finding.end_column,
        entropy=finding.entropy,
        secret=Payload(secret),
        severity=finding.severity,
        is_secret=finding.secret_class in ("secret", "credential"),
    )


async def _by_gitleaks(gitleaks: Gitleaks, workspace: Path, settings: PreflightSettings) -> _Scanned:
    rules = shipped_text("gitleaks.toml")
    severities = _severities(rules)
    found: list[Detection] = []
    for history in (False, True) if settings.history else (False,):
        found += await scan_with_gitleaks(
            gitleaks,
            workspace,
            rules=rules,
            severities=severities,
            history=history,
            timeout_seconds=settings.timeout_seconds,
            max_file_mib=settings.max_file_mib,
        )
    skipped = await anyio.to_thread.run_sync(lambda: list(_large_files(workspace, settings.max_file_mib)))
    return _Scanned(gitleaks.name, found, skipped)


def _severities(rules: str) -> Mapping[str, Severity]:
    tables = tomllib.loads(rules).get("vibedom", {}).get("rules", {})
    return {rule: table.get("severity", "high") for rule, table in tables.items()}


def _report(workspace: Path, home: Home, scanned: _Scanned) -> Report:
    approvals, fingerprint, ignored = read_approvals(workspace), fingerprinter(home), GitIgnore(workspace)
    detections = [each for each in scanned.detections if each.is_secret and each.file not in OWN_FILES]
    findings = []
    for found in _once(detections):
        finding = _finding(found, fingerprint(found.secret.data), is_ignored=ignored.ignores(found.file))
        findings.append(msgspec.structs.replace(finding, is_approved=approvals.cover(finding)))
    findings.sort(key=lambda each: (each.is_approved, _RISKS[each.risk], each.file, each.start_line))
    return Report(
        workspace=workspace,
        scanner=scanned.scanner,
        findings=tuple(findings),
        skipped=tuple(scanned.skipped),
        values=KnownValues([*values_of(detections), *known_values(workspace)]),
    )


def _finding(found: Detection, fingerprint: str, *, is_ignored: bool) -> Finding:
    risk, reason = categorise(found)
    return Finding(
        rule=found.rule,
        description=found.description,
        file=found.file,
        start_line=found.start_line,
        end_line=found.end_line,
        start_column=found.start_column,
        end_column=found.end_column,
        entropy=found.entropy,
        commit=found.commit,
        risk=risk,
        reason=reason,
        sample=sample_of(found.secret.data),
        fingerprint=fingerprint,
        is_ignored=is_ignored,
    )


def _once(detections: Iterable[Detection]) -> Iterable[Detection]:
    """Each secret once per place, whatever rules know it, and not again for each commit that has it."""
    seen: set[tuple[str, str, int, bytes]] = set()
    kept: set[tuple[str, bytes]] = set()
    for found in sorted(detections, key=lambda each: (bool(each.commit), _is_vague(each))):
        key = (found.file, found.commit, found.start_line, found.secret.data)
        if key in seen or (found.commit and (found.file, found.secret.data) in kept):
            continue
        seen.add(key)
        kept.add((found.file, found.secret.data))
        yield found


def _is_vague(found: Detection) -> tuple[bool, int]:
    """Orders the rules that match one secret: the one that knows whose it is comes first."""
    return ("generic" in found.rule, _SEVERITIES.index(found.severity))


def _large_files(workspace: Path, max_file_mib: int) -> Iterable[Skipped]:
    limit = max_file_mib << 20
    for directory, directories, files in os.walk(workspace, followlinks=False):
        directories[:] = [name for name in directories if name not in NOT_READ]
        for name in files:
            path = os.path.join(directory, name)
            try:
                size = os.lstat(path).st_size
            except OSError:
                continue
            if size > limit:
                yield Skipped(os.path.relpath(path, workspace), f"larger than {max_file_mib} MiB")
