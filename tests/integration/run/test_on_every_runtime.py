"""What the control socket asks of a sandbox, on every runtime."""

import pytest

from tests.integration.run.conftest import Vibedom, until
from tests.integration.run.live import detached
from vibedom.sandbox.runtime import Runtime

pytestmark = [pytest.mark.anyio, pytest.mark.engine]


async def test_a_session_in_the_background_is_entered_frozen_thawed_and_ended(
    vibedom: Vibedom, runtime: Runtime
) -> None:
    script = "i=0; while :; do i=$((i+1)); echo $i > count; sleep 0.1; done"
    async with detached(vibedom, script, name="task"):
        count = vibedom.session / "upper" / "count"
        await until(count.exists, "the agent")
        done = await vibedom("exec", "--", "sh", "-c", "cat; echo oops >&2; exit 9")
        assert (done.code, done.out, done.err) == (9, "", "oops\n")
        assert (await vibedom("pause")).code == 0
        standing = count.read_bytes()
        assert (await vibedom("list")).out.count("paused") == 1
        assert count.read_bytes() == standing
        assert (await vibedom("resume")).code == 0
        await until(lambda: count.read_bytes() not in (standing, b""), "the agent to go on")
        assert (await vibedom("pause")).code == 0
    assert (await vibedom("list")).out.count("ended") == 1, "a paused session ends in order, too"
    assert await runtime.leftovers() == []
