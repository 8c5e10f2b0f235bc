"""What the built-in scanner reports: findings without their secrets, and what it did not read."""

from typing import Literal

import msgspec

from pipeline.events import SecretClass, Severity

SkipReason = Literal["too-big", "unreadable", "timed-out"]


class FileFinding(msgspec.Struct, frozen=True, kw_only=True):
    """One secret in one file. No byte of it but the sample's four."""

    rule: str
    description: str
    secret_class: SecretClass
    severity: Severity
    file: str
    """Relative to the scanned root with `/`, as `os.fsdecode` gives it."""
    start_line: int
    start_column: int
    """Both from 1; columns count bytes."""
    end_line: int
    end_column: int
    length: int
    """Bytes."""
    sample: str
    """At most four characters of the secret, and its length."""
    fingerprint: str
    """Keyed hash of the secret (vibedom/fingerprints.py)."""
    entropy: float
    """Bits a byte."""
    is_ignored: bool = False
    """The file is ignored by git."""


class Skipped(msgspec.Struct, frozen=True, kw_only=True):
    """A file that was not read, so nobody knows what is in it."""

    file: str
    reason: SkipReason


class ScanReport(msgspec.Struct, frozen=True, kw_only=True):
    """One scan of a tree."""

    findings: tuple[FileFinding, ...]
    """By file, then place."""
    skipped: tuple[Skipped, ...]
    excluded: tuple[str, ...]
    """Directories left out because of their names: dependencies, caches, git's own."""
    suppressed: int
    """Findings that `gitleaks:allow` or `.gitleaksignore` says are none."""
    files: int
    """Files read, without `binary_files`."""
    binary_files: int
    """Files that are no text: not searched."""
    bytes: int
    seconds: float
    is_truncated: bool
    """The time limit ended the scan before it had seen everything."""
