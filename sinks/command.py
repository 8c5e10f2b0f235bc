"""Alerts to a command of the user's: one run for each batch, JSON lines on its standard input."""

import subprocess
from collections.abc import Sequence

import anyio
import msgspec

from pipeline.events import Severity
from sinks.alert import Alert
from sinks.delivery_error import DeliveryError
from sinks.line import printable_json


class CommandSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag="command"):
    """`[[sinks]] type = "command"`. No shell: the first word is the program."""

    argv: tuple[str, ...]
    min_severity: Severity = "medium"
    timeout_seconds: float = 10.0

    def __post_init__(self) -> None:
        if not self.argv or not self.argv[0]:
            raise ValueError("argv must name a program")
        if self.timeout_seconds <= 0:
            raise ValueError("timeout_seconds must be greater than 0")


class CommandRunner:
    """Runs the command and waits for it; it is killed when it takes too long."""

    def __init__(self, settings: CommandSettings) -> None:
        self._settings = settings

    async def deliver(self, alerts: Sequence[Alert], /) -> None:
        """Raises `DeliveryError` where the command cannot start, fails or takes too long. Its output is dropped."""
        lines = b"".join(printable_json(alert) + b"\n" for alert in alerts)
        try:
            with anyio.fail_after(self._settings.timeout_seconds):
                done = await anyio.run_process(
                    self._settings.argv,
                    input=lines,
                    stdout=subprocess.DEVNULL,
                    stderr=subprocess.DEVNULL,
                    check=False,
                    start_new_session=True,
                )
        except TimeoutError:
            raise DeliveryError("command: took too long and was killed") from None
        except OSError as error:
            raise DeliveryError(f"command: cannot be started ({error.strerror})") from None
        if done.returncode != 0:
            raise DeliveryError(f"command: ended with {done.returncode}")

    async def aclose(self) -> None:
        """Nothing is open between batches."""
