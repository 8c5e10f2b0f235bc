"""The attack table run against a real session of a runtime, with a far side of its own: the scorecard of `doctor`."""

import json
import shutil
from collections.abc import Callable, Sequence
from importlib.resources import files
from pathlib import Path

import msgspec

from vibedom.attack.attempt import Attempt, holds, program
from vibedom.attack.attempts import ATTEMPTS
from vibedom.attack.disk import FLOOD
from vibedom.attack.far_side import DISK_BYTES, DISK_FILES, MEMORY_BYTES, PIDS, FarSide, far_side
from vibedom.errors import SandboxError, own_error
from vibedom.launch import Prepared
from vibedom.paths import Home
from vibedom.sandbox.runtime import WORKSPACE_MOUNT, Limits, RuntimeName
from vibedom.trial import NOBODY, Trial, hold_trial

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
        self.flood: Path | None = None
        """Where the host sees the directory that very many files are made in."""
        self.trouble = ""
        """Why the sandbox was frozen although it had made nothing."""
        self._tell = tell
        self._rest = b""
        self._rows = {attempt.name: attempt for attempt in attempts}

    def orders(self) -> list[list[str]]:
        """What the driver runs: name and program of each row."""
        return [[name, program(attempt)] for name, attempt in self._rows.items()]

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

    def warn(self, line: str) -> None:
        """The sandbox is frozen, or goes on: where it was frozen for a flood of files, that is taken away."""
        if self.flood is not None and self.flood.is_dir():
            shutil.rmtree(self.flood)
        else:
            self.trouble = line

    def scorecard(self) -> list[Score]:
        """One score a row, in the table's order; a row without an answer does not hold."""
        return [self.scores.get(name, Score(name=name, holds=False, seen="no answer")) for name in self._rows]


async def besiege(
    name: RuntimeName,
    directory: Path,
    tell: Tell,
    attempts: Sequence[Attempt] = ATTEMPTS,
    *,
    owner: int = NOBODY,
    rules: Home | None = None,
) -> list[Score]:
    """Run the table in a sandbox of this runtime, on a project of its own below `directory`, "
    "which root gives to `owner`.

    `rules` is the home whose compiled rules are used, where they are not to be made anew.
    Raises what a session raises, and `OSError` where the far side cannot be put up.
    """
    siege = Siege(tell, attempts)
    try:
        with far_side(directory / "far") as outside:
            trial = _trial(name, directory, siege, outside)
            await hold_trial(msgspec.structs.replace(trial, owner=owner, rules=rules), siege.show)
    except BaseExceptionGroup as exc:
        raise own_error(exc) from None
    scores = siege.scorecard()
    if siege.trouble and len(siege.scores) < len(attempts):
        raise SandboxError(siege.trouble)
    return scores


def _trial(name: RuntimeName, directory: Path, siege: Siege, outside: FarSide) -> Trial:
    def furnish(project: Path, prepared: Prepared) -> None:
        siege.far = outside.around(prepared.directory.root, project)
        siege.flood = prepared.directory.agent_home / FLOOD
        (project / DRIVER).write_text((files("vibedom.attack") / DRIVER).read_text("utf-8"))
        (project / ORDERS).write_text(json.dumps({"far": dict(siege.far.facts), "rows": siege.orders()}))

    return Trial(
        name=name,
        directory=directory,
        argv=("python3", f"{WORKSPACE_MOUNT}/{DRIVER}", f"{WORKSPACE_MOUNT}/{ORDERS}"),
        limits=Limits(pids=PIDS, memory_bytes=MEMORY_BYTES, disk_bytes=DISK_BYTES, disk_files=DISK_FILES),
        policy=outside.policy,
        furnish=furnish,
        warn=siege.warn,
    )
