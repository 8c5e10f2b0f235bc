"""Alerts on the desktop of the user who sits in front of this machine."""

import html
import shutil
import subprocess
import sys
from collections.abc import Sequence

import anyio
import msgspec

from pipeline.events import Severity
from sinks.alert import Alert
from sinks.alert_rules import SEVERITIES
from sinks.delivery_error import DeliveryError
from sinks.digest import SHOWN, digest

_TIMEOUT_SECONDS = 10.0
_URGENCY: dict[Severity, str] = {"low": "low", "medium": "normal", "high": "critical", "critical": "critical"}
_APPLE_SCRIPT = (
    "on run argv",
    "display notification (item 2 of argv) with title (item 1 of argv)",
    "end run",
)


class DesktopSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag="desktop"):
    """`[[sinks]] type = "desktop"`: notify-send on Linux, osascript on macOS."""

    min_severity: Severity = "high"


class Desktop:
    """One notification for each batch."""

    def __init__(
        self,
        settings: DesktopSettings,
        *,
        program: str | None = None,
        platform: str = sys.platform,
        shown: int = SHOWN,
    ) -> None:
        """`program`: the notifier, instead of the one that is installed."""
        self._is_mac = platform == "darwin"
        self._program = program
        self._shown = shown

    async def deliver(self, alerts: Sequence[Alert], /) -> None:
        """Raises `DeliveryError` where nobody can be notified (no program for it, no desktop)."""
        program = self._program or shutil.which("osascript" if self._is_mac else "notify-send")
        if program is None:
            raise DeliveryError("desktop: no program to notify with is installed")
        try:
            with anyio.fail_after(_TIMEOUT_SECONDS):
                done = await anyio.run_process(
                    [program, *self.arguments(alerts)],
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.DEVNULL,
                    stderr=subprocess.DEVNULL,
                    check=False,
                    start_new_session=True,
                )
        except (TimeoutError, OSError) as error:
            raise DeliveryError(f"desktop: notifying failed ({type(error).__name__})") from None
        if done.returncode != 0:
            raise DeliveryError(f"desktop: the notifier ended with {done.returncode}")

    async def aclose(self) -> None:
        """Nothing is open between batches."""

    def arguments(self, alerts: Sequence[Alert]) -> list[str]:
        """Of the notifier. The texts are arguments, never part of a script, and hold no markup."""
        title, body = digest(alerts, shown=self._shown)
        if self._is_mac:
            return [*(part for line in _APPLE_SCRIPT for part in ("-e", line)), title, body]
        gravest = max((alert.severity for alert in alerts), key=SEVERITIES.index)
        return ["--app-name=vibedom", f"--urgency={_URGENCY[gravest]}", "--", title, html.escape(body, quote=False)]
