"""What pre-flight found, in two forms: with the secret, in memory only, and without it, for everything else."""

from typing import Literal

import msgspec

from pipeline.events import Payload, Severity

Risk = Literal["HIGH", "MEDIUM", "LOW"]


class Detection(msgspec.Struct, frozen=True, kw_only=True):
    """One match as a scanner saw it. Never written anywhere; the representation does not show the secret."""

    rule: str
    description: str
    file: str
    """Relative to the workspace, as `os.fsdecode` gives it."""
    start_line: int
    end_line: int
    start_column: int
    end_column: int
    entropy: float
    secret: Payload
    commit: str = ""
    """Where it was found in the history, or ""."""
    severity: Severity = "high"
    is_secret: bool = True
    """Not personal data or an address: those hold up no session."""


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """One match without its secret: what is shown, decided on and written."""

    rule: str
    description: str
    file: str
    start_line: int
    end_line: int
    start_column: int
    end_column: int
    entropy: float
    commit: str
    risk: Risk
    reason: str
    """Why it is in this risk category."""
    sample: str
    """At most four characters of the secret, and its length."""
    fingerprint: str
    """Keyed hash of the secret (vibedom/fingerprints.py)."""
    is_approved: bool = False
    is_ignored: bool = False
    """The file is ignored by git: often generated, but the agent can read it."""


def sample_of(secret: bytes) -> str:
    """`ghp_... (40 bytes)`: enough to find it in a file, too little to use it."""
    start = secret[:4] if len(secret) >= 16 else b""
    shown = "".join(chr(byte) if 0x20 < byte < 0x7F else "?" for byte in start)
    return f"{shown}... ({len(secret)} bytes)"
