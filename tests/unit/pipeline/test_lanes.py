"""Threads for long work: who unpacks bombs waits behind himself."""

import asyncio
import threading
import time

import anyio
import anyio.lowlevel
import pytest

from pipeline.lanes import QUICK_THREADS, SLOW_SECONDS, Lanes

pytestmark = pytest.mark.anyio


def toil() -> None:
    """Use this thread's time up, as unpacking a bomb does."""
    end = time.thread_time() + 2 * SLOW_SECONDS
    while time.thread_time() < end:
        pass


async def test_whoever_was_slow_leaves_the_quick_threads_to_the_others() -> None:
    lanes, go_on = Lanes(), threading.Event()
    bombers = [f"bomb{number}.test" for number in range(QUICK_THREADS + 1)]
    for bomber in bombers:
        await lanes.run(bomber, toil)
    started = [0]

    def bomb() -> None:
        started[0] += 1
        go_on.wait(20)

    with anyio.fail_after(20):
        async with anyio.create_task_group() as group:
            for bomber in bombers:
                group.start_soon(lanes.run, bomber, bomb)
            while not started[0]:
                await anyio.lowlevel.checkpoint()
            assert await lanes.run("small.test", lambda: "answered while a bomb is being unpacked") is not None
            assert started == [1], "one thread is theirs, not all of them"
            go_on.set()
    assert started == [len(bombers)]


async def test_whoever_is_quick_again_is_quick_for_all_purposes() -> None:
    lanes, go_on = Lanes(), threading.Event()
    await lanes.run("once.test", toil)
    await lanes.run("once.test", int)
    await lanes.run("bomb.test", toil)
    with anyio.fail_after(20):
        async with anyio.create_task_group() as group:
            group.start_soon(lanes.run, "bomb.test", go_on.wait)
            await anyio.wait_all_tasks_blocked()
            assert await lanes.run("once.test", lambda: 7) == 7
            go_on.set()


async def test_what_the_work_raises_is_raised() -> None:
    with pytest.raises(ZeroDivisionError):
        await Lanes().run("x.test", divmod, 1, 0)


async def test_work_nobody_waits_for_any_longer_keeps_its_thread_or_never_begins() -> None:
    lanes, go_on, begun = Lanes(), threading.Event(), list[str]()

    def wait(name: str) -> None:
        begun.append(name)
        go_on.wait(20)

    with anyio.fail_after(20):
        async with anyio.create_task_group() as group:
            for number in range(QUICK_THREADS):
                group.start_soon(lanes.run, "x.test", wait, f"begun {number}")
            group.start_soon(lanes.run, "x.test", wait, "queued")
            while len(begun) < QUICK_THREADS:
                await anyio.lowlevel.checkpoint()
            group.cancel_scope.cancel()
        late = asyncio.ensure_future(lanes.run("x.test", begun.append, "late"))
        await anyio.wait_all_tasks_blocked()
        assert "late" not in begun, "there is no thread for it while the first ones run"
        go_on.set()
        await late
    assert sorted(begun) == ["begun 0", "begun 1", "late"]
