"""What an agent may use: apart from the runtimes, because the record of every session has it."""

import msgspec


class Limits(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the agent may use at the most."""

    pids: int = 4096
    memory_bytes: int | None = None
    cpus: float | None = None
    disk_bytes: int = 20 << 30
    """Of the agent's changes and its home; no single file becomes longer, in any place."""
    disk_files: int = 1_000_000
    """Files and directories there."""
    disk_reserve_bytes: int | None = None
    """What the agent leaves free on the disk; None is 1 GiB or a fiftieth, whichever is smaller."""
    disk_wait_seconds: float = 60.0
    """How long a session without a terminal stays frozen over its disk before it is ended."""

    def __post_init__(self) -> None:
        if self.disk_bytes < 1 << 20 or self.disk_files < 100:
            raise ValueError("disk_bytes must be at least 1048576, and disk_files at least 100")
        if (self.disk_reserve_bytes or 0) < 0 or self.disk_wait_seconds < 0:
            raise ValueError("disk_reserve_bytes and disk_wait_seconds must not be negative")
