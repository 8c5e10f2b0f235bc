"""`[preflight]` of the policy."""

from typing import Literal

import msgspec


class PreflightSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How the workspace is scanned before a session."""

    scanner: Literal["auto", "gitleaks", "builtin"] = "auto"
    """`auto`: gitleaks where a version that is known here is installed, else the built-in scanner; same rules."""
    timeout_seconds: float = 300.0
    """A scan that takes longer has not scanned."""
    max_file_mib: int = 100
    """Larger files are not read, and listed as skipped."""
    history: bool = False
    """Also scan the git history."""

    def __post_init__(self) -> None:
        if not 1 <= self.timeout_seconds <= 86400:
            raise ValueError("timeout_seconds must be from 1 to 86400")
        if not 1 <= self.max_file_mib <= 1024:
            raise ValueError("max_file_mib must be from 1 to 1024")
