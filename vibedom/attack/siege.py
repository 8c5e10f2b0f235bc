"""The attack table run against a real session of a runtime, with a far side of its own: the scorecard of `doctor`."""

import json
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from importlib.resources import files
from pathlib import Path

import msgspec

from vibedom.attack.attempt import Attempt, holds, program
from vibedom.attack.attempts import ATTEMPTS
from vibedom.attack.far_side import DISK_BYTES, PIDS, FarSide, far_side
from vibedom.launch import Prepared
from vibedom.sandbox.runtime import WORKSPACE_MOUNT, Limits, RuntimeName
from vibedom.trial import Trial, hold_trial

ORDERS, DRIVER = "attack.json", "driver.py"

Tell = Callable[[int, int], None]
"""Progress: rows done, rows in all."""


class Score(msgspec.Struct, frozen=True, kw_only=True):
    """One row of the scorecard."""

    name: str
    holds: bool
    seen: str = ""
    """What the attempt printed, where the border did not hold as it must: JSON-quoted, at most 200 characters."""


class Siege:
    """Gathers the answers of the driver as they come, and looks after the far side with each."""

    def __init__(self, tell: Tell, attempts: Sequence[Attempt]) -> None:
        self.scores: dict[str, Score] = {}
        self.far: FarSide | None = None
        self._tell = tell
        self._rest = b""
        self._rows = {attempt.name: attempt for attempt in attempts}

    def show(self, data: bytes) -> None:
        """Output of the driver, in pieces of any size."""
        *lines, self._rest = (self._rest + data).split(b"\n")
        for line in lines:
            self._score(line)
        self._tell(len(self.scores), len(self._rows))

    def _score(self, line: bytes) -> None:
        """The agent's side wrote it: a line that is no answer leaves its row unanswered."""
        try:
            name, seen = msgspec.json.decode(line, type=tuple[str, str])
        except msgspec.DecodeError:
            return
        attempt = self._rows.get(name)
        if attempt is None:
            return
        is_held = holds(attempt, seen) and self.far is not None and self.far.is_untouched()
        self.scores[name] = Score(name=name, holds=is_held, seen="" if is_held else json.dumps(seen)[:200])

    def scorecard(self) -> list[Score]:
        """One score a row, in the table's order; a row without an answer does not hold."""
        return [self.scores.get(name, Score(name=name, holds=False, seen="no answer")) for name in self._rows]


async def besiege(
    name: RuntimeName, directory: Path, tell: Tell, attempts: Sequence[Attempt] = ATTEMPTS
) -> list[Score]:
    """Run the table in a sandbox of this runtime, on a project of its own below `directory`.

    Raises what a session raises, and `OSError` where the far side cannot be put up.
    """
    siege = Siege(tell, attempts)
    with ExitStack() as stack:

        def furnish(project: Path, prepared: Prepared) -> None:
            siege.far = stack.enter_context(far_side(directory / "far", prepared.directory.root, project))
            (project / DRIVER).write_text((files("vibedom.attack") / DRIVER).read_text("utf-8"))
            (project / ORDERS).write_text(json.dumps(_orders(siege.far, attempts)))

        argv = ("python3", f"{WORKSPACE_MOUNT}/{DRIVER}", f"{WORKSPACE_MOUNT}/{ORDERS}")
        limits = Limits(pids=PIDS, disk_bytes=DISK_BYTES)
        await hold_trial(Trial(name=name, directory=directory, argv=argv, limits=limits, furnish=furnish), siege.show)
        return siege.scorecard()


def _orders(far: FarSide, attempts: Sequence[Attempt]) -> dict[str, object]:
    return {"far": dict(far.facts), "rows": [[attempt.name, program(attempt)] for attempt in attempts]}
