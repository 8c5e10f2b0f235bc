"""Follows a stream over outages of its server."""

from collections.abc import AsyncIterator, Callable

import anyio

from sinks.stream import Message
from vibedom.errors import VibedomError
from vibedom.fleet.source import SourceSettings, open_source

FIRST_PAUSE_SECONDS = 1.0
LONGEST_PAUSE_SECONDS = 30.0


async def lasting(setting: SourceSettings, *, since: float, say: Callable[[str], None]) -> AsyncIterator[Message]:
    """Everything stored since `since` and what comes, for ever, doubles included.

    After an outage all of it is read again from `since`: what was stored meanwhile, or had not been read yet, has no
    mark to go on from that every server keeps. `say` gets one line for each outage. Raises `VibedomError` only where
    the stream was never reached.
    """
    was_reached, pause = False, FIRST_PAUSE_SECONDS
    while True:
        source = open_source(setting)
        try:
            async for message in source.messages(since=since, follow=True):
                yield message
        except VibedomError as error:
            if not was_reached and not source.is_reached:
                raise
            if source.is_reached:
                pause = FIRST_PAUSE_SECONDS
                say(f"{error}; trying again until it answers")
            was_reached = True
        finally:
            await source.aclose()
        await anyio.sleep(pause)
        pause = min(2 * pause, LONGEST_PAUSE_SECONDS)
