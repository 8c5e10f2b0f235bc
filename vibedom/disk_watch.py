"""Freezes a session's sandbox before it fills the disk, and lets it go on when there is room again."""

from collections.abc import Awaitable, Callable
from functools import partial

import anyio
import anyio.to_thread

from vibedom.disk_gauge import DiskGauge, Excess
from vibedom.errors import DiskFullError, SandboxError
from vibedom.sandbox.runtime import Limits, SandboxSpec
from vibedom.session_control import SessionControl

LOOK_SECONDS, SOON_SECONDS = 0.2, 0.02
"""Between two looks; and while the disk fills quickly."""

Tell = Callable[[str, bool], Awaitable[None]]
"""One line, and whether the agent is frozen."""


class DiskWatch:
    """The watch over one sandbox. `ended` is why the session has to end, once it is `given_up`."""

    def __init__(
        self,
        spec: SandboxSpec,
        control: SessionControl,
        limits: Callable[[], Limits],
        tell: Tell,
    ) -> None:
        """`limits` answers with those that hold now; `tell` takes what its user has to know."""
        self.ended: str | None = None
        self.given_up = anyio.Event()
        self._control = control
        self._limits = limits
        self._tell = tell
        self._session = spec.session
        self._gauge = DiskGauge(
            (spec.upper, spec.agent_home), [mount.source for mount in spec.mounts if not mount.read_only]
        )
        self._held_at: float | None = None
        control.before_resume = self._before_resume

    async def run(self) -> None:
        """Until cancelled, or until it has given up the session."""
        pause = LOOK_SECONDS
        while self.ended is None:
            await anyio.sleep(pause)
            before = self._gauge.rooms
            excess = await anyio.to_thread.run_sync(partial(self._gauge.look, self._limits()))
            pause = SOON_SECONDS if self._gauge.is_shrinking_fast(before) else LOOK_SECONDS
            if self._control.console is not None:
                await self._react(excess)

    async def _react(self, excess: Excess | None) -> None:
        if self._control.held is None:
            self._held_at = None
            if excess is not None and not self._control.is_paused:
                await self._hold(excess)
        elif excess is None:
            await self._go_on()
        if self._held_at is not None and self._is_hopeless():
            self._give_up()

    async def _hold(self, excess: Excess) -> None:
        self._held_at = anyio.current_time()
        try:
            await self._control.hold(excess.text)
        except SandboxError as exc:
            # What cannot be frozen is ended: it would go on writing.
            await self._tell(f"the agent could not be frozen ({exc})", True)
            self._give_up()
            return
        more = "" if excess.is_reserve else f", or let it have a tenth more: vibedom resume {self._session}"
        await self._tell(
            f"{excess.text}: the agent is frozen, its work is kept; free some space or raise [limits] in policy.toml"
            f"{more}; or end it: vibedom stop {self._session}",
            True,
        )

    async def _go_on(self) -> None:
        try:
            await self._control.go_on()
        except SandboxError as exc:  # something from outside has ended it meanwhile
            await self._tell(f"the agent cannot go on ({exc})", True)
            self._give_up()
            return
        await self._tell("there is room on the disk again: the agent goes on", False)

    def _is_hopeless(self) -> bool:
        """Nobody sits there who could make room."""
        console = self._control.console
        has_user = console is not None and console.has_tty
        waited = anyio.current_time() - (self._held_at or 0.0)
        return self._control.held is not None and not has_user and waited >= self._limits().disk_wait_seconds

    def _give_up(self) -> None:
        """What it wrote stays; why it ended is told with the end."""
        self.ended = f"ended because of the disk: {self._control.held or 'it could not be frozen'}; its work is kept"
        self.given_up.set()

    def _before_resume(self) -> None:
        """Raises `DiskFullError` where the machine has no room, whatever its user says."""
        limits = self._limits()
        excess = self._gauge.look(limits)
        if excess is not None and excess.is_reserve:
            raise DiskFullError(
                f"{excess.text}; free some space and try again, or end it: vibedom stop {self._session}"
            )
        if excess is not None:
            self._gauge.grant_more(limits)
