"""What deserves a look before it comes to the host, and why."""

from typing import Literal

import msgspec


class Danger(msgspec.Struct, frozen=True, kw_only=True):
    """Why a change deserves a look before it comes to the host."""

    reason: str
    severity: Literal["low", "medium", "high"]
    is_auto_run: bool = False
    """Something on the host runs it without being asked to, or as soon as a usual command is typed."""
    needs_yes: bool = False
    """Held back for another reason."""

    @property
    def is_held_back(self) -> bool:
        """Never applied by a blanket yes."""
        return self.is_auto_run or self.needs_yes
