"""What a session's supervisor does when it is asked through the control socket."""

import os
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import anyio

from pipeline.events import Record
from pipeline.patterns import Pattern
from vibedom import line_tail, remote_view
from vibedom.console import Console
from vibedom.control import messages as m
from vibedom.control.server import Line
from vibedom.errors import SandboxError, SettingsError, UsageError
from vibedom.grants import ONCE_SECONDS
from vibedom.host_entries import read_pattern
from vibedom.paths import Home
from vibedom.process_memory import resident_bytes
from vibedom.sandbox.runtime import WORK_MOUNT, Command, Sandbox
from vibedom.settings import Policy
from vibedom.whitelist_edit import add_patterns

if TYPE_CHECKING:
    from vibedom.wiring import Border

MAX_ARGUMENTS_BYTES = 128 * 1024


class SessionControl:
    """Handles the requests of one session. `console` is there once the agent runs."""

    def __init__(
        self,
        home: Home,
        session: str,
        sandbox: Sandbox,
        border: "Border",
        load_policy: Callable[[], Policy],
        saved: Callable[[], None],
    ) -> None:
        """`saved` keeps what has changed (paused, grants) on disk."""
        self.console: Console | None = None
        self.is_paused = False
        self.held: str | None = None
        """Why vibedom itself has frozen the sandbox."""
        self.before_resume: Callable[[], None] = lambda: None
        """Called where a held sandbox is to go on; raises a `VibedomError` where it must not. Blocking."""
        self.watchers = 0
        """Clients that watch the questions."""
        self._home = home
        self._session = session
        self._sandbox = sandbox
        self._border = border
        self._load_policy = load_policy
        self._saved = saved
        self._turn = anyio.Lock()

    @property
    def is_watched(self) -> bool:
        """Somebody is there who could answer a question."""
        return self.watchers > 0 or (self.console is not None and self.console.has_tty and self.console.is_watched)

    async def handle(self, request: m.Request, line: Line) -> None:
        match request:
            case m.Status():
                await line.reply(self._report())
            case m.Pending():
                await self._pending(request, line)
            case m.Follow():
                await self._follow(line)
            case m.Attach():
                await self._attach(request, line)
            case m.Exec():
                await self._exec(request, line)
            case _:
                await line.reply(m.Done(text=await self._do(request)))

    async def _do(self, request: m.Request) -> str:
        match request:
            case m.Allow():
                return await self._allow(request)
            case m.Deny():
                return await self._deny(request)
            case m.Decide():
                return await self._decide(request)
            case m.Pause():
                return await self._pause()
            case m.Resume():
                return await self._resume()
            case m.Reload():
                await self.reload()
                return "policy reloaded"
            case m.Stop():
                # What a user's `kill` does: the one way a session is ended from outside.
                os.kill(os.getpid(), signal.SIGTERM)
                return "ending"
        raise UsageError("not a request that this session knows")

    def _report(self) -> m.Report:
        console = self.console
        return m.Report(
            session=self._session,
            pid=os.getpid(),
            is_paused=self.is_paused,
            is_attached=console is not None and console.is_watched,
            is_recording=self._border.topology.is_recording,
            has_tty=console is not None and console.has_tty,
            grants=(*self._border.grants.grants, *self._border.grants.waiting),
            questions=len(self._border.approvals.questions()),
            memory_bytes=resident_bytes(),
            held=self.held or "",
        )

    # -- hosts --------------------------------------------------------------------------------------------------

    async def _allow(self, request: m.Allow) -> str:
        pattern = checked_pattern(request.pattern)
        seconds = _checked_seconds(request.seconds, request.scope)
        if request.scope == "always":
            return await self._for_good(pattern, is_denied=False)
        if request.scope == "once":
            seconds = ONCE_SECONDS if seconds is None else seconds
            self._border.grants.allow_once(pattern, seconds)
        else:
            self._border.grants.add(pattern, seconds=seconds)
        await self._note(f"allowed {request.scope}", pattern)
        return f"{pattern.text}: allowed {_how_long(request.scope, seconds)}"

    async def _deny(self, request: m.Deny) -> str:
        pattern = checked_pattern(request.pattern, is_denied=True)
        seconds = _checked_seconds(request.seconds, request.scope)
        if request.scope == "always":
            return await self._for_good(pattern, is_denied=True)
        self._border.grants.add(pattern, is_denied=True, seconds=seconds)
        await self._note("denied session", pattern)
        return f"{pattern.text}: denied {_how_long(request.scope, seconds)}"

    async def _decide(self, request: m.Decide) -> str:
        seconds = _checked_seconds(request.seconds, request.answer)
        pattern = self._border.approvals.decide(request.question, request.answer, seconds)
        if request.answer == "always":
            return await self._for_good(pattern, is_denied=False)
        await self._note("denied" if request.answer == "no" else f"allowed {request.answer}", pattern)
        if request.answer == "no":
            return f"{pattern.text}: not allowed; not asked again in this session"
        return f"{pattern.text}: allowed {_how_long(request.answer, seconds)}"

    async def _for_good(self, pattern: Pattern, *, is_denied: bool) -> str:
        # For the session first: the files are written and read again in a moment.
        self._border.grants.add(pattern, is_denied=is_denied)
        text = f"!{pattern.text}" if is_denied else pattern.text
        (result,) = await anyio.to_thread.run_sync(add_patterns, self._home, [text])
        await self.reload()
        await self._note("denied always" if is_denied else "allowed always", pattern)
        return result

    async def reload(self) -> None:
        """Judge by the policy files as they are now. Raises `SettingsError`; then the old policy holds."""
        self._border.reload(await anyio.to_thread.run_sync(self._load_policy))
        await self._write("policy-reloaded")

    # -- the sandbox --------------------------------------------------------------------------------------------

    async def _pause(self) -> str:
        """Egress is closed before the agent is frozen, and stays closed where it cannot be."""
        async with self._turn:
            if self.is_paused:
                # From now on it is the user's: it does not go on by itself.
                self.held = None
                return "paused already"
            await self._freeze("paused")
        return "paused: the agent is frozen and nothing of it is forwarded"

    async def _freeze(self, note: str) -> None:
        self._border.pause()
        self.is_paused = True
        self._saved()
        await self._sandbox.pause()
        await self._write(note)

    async def hold(self, why: str) -> None:
        """Pause it for a reason of vibedom's own, which the record names. Raises `SandboxError` where it cannot be
        frozen; its egress is closed all the same."""
        async with self._turn:
            if not self.is_paused:
                self.held = why
                await self._freeze(f"paused: {why}")

    async def go_on(self) -> None:
        """The reason for `hold` is gone. What its user has paused stays so."""
        async with self._turn:
            if self.held is not None:
                await self._thaw()

    async def _resume(self) -> str:
        async with self._turn:
            if not self.is_paused:
                return "was not paused"
            if self.held is not None:
                await anyio.to_thread.run_sync(self.before_resume)
            await self._thaw()
        return "resumed"

    async def _thaw(self) -> None:
        await self._sandbox.resume()
        self._border.resume()
        self.is_paused, self.held = False, None
        self._saved()
        await self._write("resumed")

    async def _exec(self, request: m.Exec, line: Line) -> None:
        if not request.argv or sum(map(len, request.argv)) > MAX_ARGUMENTS_BYTES:
            raise UsageError("exec needs a command, of at most 128 KiB")
        if self.is_paused:
            raise SandboxError("the session is paused; `vibedom resume` it first")
        process = await self._sandbox.exec(
            Command(
                argv=request.argv,
                tty=request.tty,
                environment=request.environment,
                working_directory=request.working_directory or WORK_MOUNT,
            )
        )
        await remote_view.execute(process, line, request)

    async def _attach(self, request: m.Attach, line: Line) -> None:
        if self.console is None:
            raise SandboxError("the agent has not been started yet; try again in a moment")
        await remote_view.attach(self.console, line, request.columns, request.rows)

    # -- streams ------------------------------------------------------------------------------------------------

    async def _pending(self, request: m.Pending, line: Line) -> None:
        approvals = self._border.approvals
        if not request.watch:
            await line.reply(m.Questions(questions=approvals.questions()))
            return

        async def watch() -> None:
            while True:
                changed = approvals.next_change()
                await line.reply(m.Questions(questions=approvals.questions()))
                await changed.wait()

        self.watchers += 1
        try:
            await line.while_connected(watch)
        finally:
            self.watchers -= 1

    async def _follow(self, line: Line) -> None:
        path: Path = self._home.session(self._session).network_log

        async def follow() -> None:
            async for data in line_tail.follow(path):
                await line.reply(m.Lines(data=data))

        await line.while_connected(follow)

    async def _note(self, what: str, pattern: Pattern) -> None:
        self._saved()
        await self._write(f"{what}: {pattern.text}")

    async def _write(self, note: str) -> None:
        record = Record(kind="session", flow=self._session, at=time.time(), verdict="allow", reason="listed", note=note)
        await self._border.topology.note(record)


def checked_pattern(text: str, *, is_denied: bool = False) -> Pattern:
    """Raises `UsageError` for what is no pattern, and for allowing everything."""
    try:
        pattern = read_pattern(" ".join(text.split()), source="session")
    except SettingsError as error:
        raise UsageError(str(error)) from None
    if pattern.is_wildcard and not pattern.host and not is_denied:
        raise UsageError("'*' can only be denied; name what may be reached")
    return pattern


def _checked_seconds(seconds: float | None, scope: str) -> float | None:
    if seconds is None:
        return None
    if scope not in ("session", "once"):
        raise UsageError(f"a time is not for {scope!r}; leave out one of them")
    if not 0 < seconds <= 366 * 86400:
        raise UsageError("the time must be more than nothing and at most a year")
    return seconds


def _how_long(scope: str, seconds: float | None) -> str:
    if scope == "once":
        return "once, for its next request" + ("" if seconds is None else f" if it comes within {seconds:.0f} s")
    return f"for {seconds:.0f} s" if seconds is not None else "until the session ends"
