"""Pre-flight as `vibedom run` sees it: what is masked, and which values the proxy is told."""

from pathlib import Path

import msgspec

from vibedom.paths import Home
from vibedom.settings import Policy


class Screening(msgspec.Struct, frozen=True, kw_only=True):
    """What pre-flight decided."""

    masked: tuple[str, ...] = ()
    known_values: tuple[tuple[str, bytes], ...] = ()

    def __repr__(self) -> str:
        return f"Screening({len(self.masked)} masked, {len(self.known_values)} values)"

    def keep_report(self, path: Path) -> None: ...


async def screen(workspace: Path, home: Home, policy: Policy, *, on_findings: str | None) -> Screening:
    return Screening()
