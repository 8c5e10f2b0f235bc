"""The gitleaks binary as a scanner: which versions, how it is called, and its JSON report as detections."""

import re
import shutil
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

import anyio
import msgspec

from pipeline.events import Payload, Severity
from vibedom.errors import NotScannedError
from vibedom.preflight.finding import Detection

OLDEST, NEWEST = (8, 18), (8, 30)
"""Versions whose flags and report are known to be what is expected here."""
FIRST_WITH_DIR = (8, 19)
"""Older ones say `detect --no-git` for what is `dir` since then, and `detect` for `git`."""
_PROBE_SECONDS = 20
_EXCLUDED = re.compile(r"(?:^|/)\.git/")
_NOT_READ = r"""(?:^|/)(?:\.git|node_modules|\.venv|venv|__pycache__|\.mypy_cache|\.tox|bower_components)/"""


class Gitleaks(msgspec.Struct, frozen=True):
    """An installed gitleaks that can be used."""

    binary: Path
    version: tuple[int, int, int]
    writes_to_stdout: bool
    """Takes `-` as the report path, so that the report with the secrets is never on a disk."""

    @property
    def name(self) -> str:
        return "gitleaks {}.{}.{}".format(*self.version)


class _Row(msgspec.Struct, rename="pascal", frozen=True):
    """One finding in gitleaks' report."""

    rule_id: str = msgspec.field(name="RuleID")
    file: str
    start_line: int
    end_line: int
    start_column: int
    end_column: int
    secret: str
    description: str = ""
    commit: str = ""
    entropy: float = 0.0


def installed_gitleaks(workspace: Path) -> Path | None:
    """The binary on the user's path, or None. One that lies in the workspace is not run."""
    found = shutil.which("gitleaks")
    binary = Path(found).resolve() if found else None
    return None if binary is None or workspace == binary or workspace in binary.parents else binary


async def probe_gitleaks(binary: Path) -> Gitleaks | None:
    """What this binary can do; None where its version is not one that is known here."""
    texts: dict[str, str] = {}

    async def ask(*arguments: str) -> None:
        texts[arguments[0]] = await _probe(binary, *arguments)

    async with anyio.create_task_group() as group:
        group.start_soon(ask, "version")
        group.start_soon(ask, "dir", "--help")  # versions without `dir` do not write to stdout either
    match = re.search(r"(\d+)\.(\d+)\.(\d+)", texts["version"])
    version = (int(match[1]), int(match[2]), int(match[3])) if match else (0, 0, 0)
    return Gitleaks(binary, version, 'use "-"' in texts["dir"]) if OLDEST <= version[:2] <= NEWEST else None


async def _probe(binary: Path, *arguments: str) -> str:
    try:
        with anyio.fail_after(_PROBE_SECONDS):
            done = await anyio.run_process([str(binary), *arguments], check=False, stdin=subprocess.DEVNULL)
    except (OSError, TimeoutError):
        return ""
    return (done.stdout + done.stderr).decode(errors="replace")


async def scan_with_gitleaks(
    gitleaks: Gitleaks,
    workspace: Path,
    *,
    rules: str,
    severities: Mapping[str, Severity],
    history: bool,
    timeout_seconds: float,
    max_file_mib: int,
) -> list[Detection]:
    """Everything it finds by `rules` (the text of a rule file) in the workspace, or in its git history.

    Raises `NotScannedError` for any run that did not end by itself and with success: a scan that was cut short has not
    scanned.
    """
    with tempfile.TemporaryDirectory(prefix="vibedom-gitleaks-", dir=_memory()) as private:
        config, report = Path(private) / "rules.toml", Path(private) / "report.json"
        config.write_text(_with_exclusions(rules), encoding="utf-8")
        target = "-" if gitleaks.writes_to_stdout else str(report)
        arguments = _arguments(gitleaks, config, target, history=history, max_file_mib=max_file_mib)
        output = await _run(gitleaks, arguments, workspace, timeout_seconds)
        data = output if gitleaks.writes_to_stdout else _read(report)
    return [_detection(row, severities) for row in _rows(data) if not _EXCLUDED.search(row.file)]


def _memory() -> str | None:
    """A file system in memory where there is one: an old gitleaks writes its report, secrets included, to a file."""
    shared = Path("/dev/shm")  # noqa: S108  a private directory is made in it
    return str(shared) if shared.is_dir() else None


def _with_exclusions(rules: str) -> str:
    """The rules with dependency and cache directories, and git's own files, excluded before they are read."""
    exclusion = f"[[allowlists]]\ndescription = 'not read by pre-flight'\npaths = ['''{_NOT_READ}''']\n\n"
    first = re.search(r"^\[", rules, re.MULTILINE)
    at = first.start() if first else len(rules)
    return rules[:at] + exclusion + rules[at:]


def _arguments(gitleaks: Gitleaks, config: Path, report: str, *, history: bool, max_file_mib: int) -> Sequence[str]:
    if gitleaks.version[:2] >= FIRST_WITH_DIR:
        mode = ["git", "."] if history else ["dir", "."]
    else:
        mode = ["detect", "--source", "."] if history else ["detect", "--no-git", "--source", "."]
    return [
        *mode,
        "--config",
        str(config),
        "--report-format",
        "json",
        "--report-path",
        report,
        "--exit-code",
        "0",
        "--no-banner",
        "--log-level",
        "error",
        "--max-target-megabytes",
        str(max_file_mib),
        "--gitleaks-ignore-path",
        ".",
    ]


async def _run(gitleaks: Gitleaks, arguments: Sequence[str], workspace: Path, timeout_seconds: float) -> bytes:
    """Standard output. What it says on standard error is not passed on: nobody has promised that it holds no secret."""
    try:
        with anyio.fail_after(timeout_seconds):
            done = await anyio.run_process(
                [str(gitleaks.binary), *arguments],
                cwd=workspace,
                check=False,
                stdin=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )
    except TimeoutError:
        raise NotScannedError(
            f"{gitleaks.name} did not finish in {timeout_seconds:g} s, so {workspace} counts as not scanned;"
            " give it more in policy.toml ([preflight] timeout_seconds)"
        ) from None
    except OSError as error:
        raise NotScannedError(f"{gitleaks.binary} could not be started: {error.strerror}") from None
    if done.returncode != 0:
        how = f"was killed by signal {-done.returncode}" if done.returncode < 0 else f"failed with {done.returncode}"
        raise NotScannedError(f"{gitleaks.name} {how}, so {workspace} counts as not scanned")
    return done.stdout


def _read(report: Path) -> bytes:
    try:
        return report.read_bytes()
    except OSError:
        raise NotScannedError("gitleaks has written no report, so the workspace counts as not scanned") from None


def _rows(data: bytes) -> list[_Row]:
    try:
        return msgspec.json.decode(data, type=list[_Row])
    except msgspec.MsgspecError:  # its message could quote the report
        raise NotScannedError("gitleaks' report is not understood, so the workspace counts as not scanned") from None


def _detection(row: _Row, severities: Mapping[str, Severity]) -> Detection:
    return Detection(
        rule=row.rule_id,
        description=row.description or row.rule_id,
        file=row.file.removeprefix("./"),
        start_line=row.start_line,
        end_line=row.end_line,
        start_column=row.start_column,
        end_column=row.end_column,
        entropy=row.entropy,
        secret=Payload(row.secret.encode()),
        commit=row.commit,
        severity=severities.get(row.rule_id, "high"),
    )
