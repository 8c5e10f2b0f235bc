"""A host that is not listed, asked about while the agent's request waits; and a session that stands still."""

import json
import subprocess
from collections.abc import AsyncIterator
from pathlib import Path

import anyio
import pytest

from tests.integration.run.conftest import Vibedom, until, usable
from tests.integration.run.live import detached, terminal
from tests.support.origin import Origin, origin
from vibedom.control import messages as m
from vibedom.control.client import Client
from vibedom.paths import Home
from vibedom.sandbox.runtime import Runtime

pytestmark = [pytest.mark.anyio, pytest.mark.engine]
HOST = "api.good.test"
IDLE = "while :; do sleep 1; done"


@pytest.fixture
async def runtime(tmp_path: Path) -> AsyncIterator[Runtime]:
    async with usable("local", tmp_path) as found:
        yield found


def reachable(secure: Origin) -> str:
    """How the host is reached, without listing it: one of its paths is all a rule allows."""
    return (
        f'[[hosts]]\npattern = "other.{HOST}"\ndial = "127.0.0.1:{secure.port}"\nca = "{secure.ca_file}"\n'
        f'[[hosts]]\npattern = "{HOST}"\nverdict = "deny"\npaths = ["/never/"]\n'
        f'dial = "127.0.0.1:{secure.port}"\nca = "{secure.ca_file}"\n'
    )


async def asked(client: Client) -> m.Question:
    """The one question, as soon as a request waits for it."""
    with anyio.fail_after(60):
        async for questions in client.watch_pending():
            for question in questions:
                if question.waiting:
                    return question
    raise AssertionError("the session ended")


async def test_the_held_request_succeeds_when_the_user_allows_it(vibedom: Vibedom) -> None:
    home = Home(root=vibedom.home)
    async with origin(names=(HOST,)) as secure:
        vibedom.policy(policy=reachable(secure))
        async with detached(vibedom, IDLE, name="task"):
            client = Client(home, "task")
            curl = ("exec", "--", "curl", "-sS", "-m", "60", "-o", "/dev/null", "-w", "%{http_code}")
            assert (await vibedom(*curl, f"https://{HOST}/")).err != "", "nobody watches: denied at once"
            for answer, expected in (("once", "200"), ("no", "")):
                results: list[str] = []

                async def get(results: list[str] = results) -> None:
                    results.append((await vibedom(*curl, f"https://{HOST}/")).out)

                async with anyio.create_task_group() as group:
                    group.start_soon(get)
                    question = await asked(client)
                    assert (question.host, question.port) == (HOST, 443)
                    listed = json.loads((await vibedom("approve", "--json")).out)
                    assert [(one["session"], one["host"]) for one in listed] == [("task", HOST)]
                    assert (await vibedom("approve", HOST, f"--{answer}")).code == 0
                assert results[0].removesuffix("000") == expected
            assert len(secure.arrived) == 1


async def test_a_terminal_rings_names_the_host_and_gets_its_title_back(vibedom: Vibedom) -> None:
    arguments = ("run", str(vibedom.project), "--runtime", vibedom.runtime, "--name", "shown")
    script = f"curl -sS -m 60 http://{HOST}/ | grep -o 'refused {HOST}'; echo over"
    vibedom.policy(policy="[approval]\nwait_seconds = 60\ndesktop = false\n")
    with terminal(vibedom, *arguments, "--", "sh", "-c", script) as shown:
        seen = shown.read_until(rb"\x07")
        assert b"\x1b]2;" + HOST.encode() in seen
        assert (await vibedom("approve", HOST, "--no")).code == 0
        assert b"\x1b[23;2t" in shown.read_until(rb"over")


async def test_nothing_passes_while_a_session_is_paused_and_all_of_it_afterwards(vibedom: Vibedom) -> None:
    home = Home(root=vibedom.home)
    async with origin(names=(HOST,)) as secure:
        vibedom.policy(
            policy=f'[[hosts]]\npattern = "{HOST}"\ndial = "127.0.0.1:{secure.port}"\nca = "{secure.ca_file}"\n'
        )
        script = f"i=0; while :; do i=$((i+1)); echo $i > count; curl -s https://{HOST}/$i; done"
        async with detached(vibedom, script, name="task"):
            await until(lambda: len(secure.arrived) > 2, "the first requests")
            assert (await vibedom("pause")).code == 0
            with anyio.move_on_after(1):
                await until(lambda: False, "what was under way at the origin")
            standing = len(secure.arrived), (vibedom.session / "upper" / "count").read_text()
            assert (await Client(home, "task").status()).is_paused
            assert (await vibedom("exec", "--", "true")).code == 70
            await anyio.to_thread.run_sync(lambda: subprocess.run(["sleep", "1"], check=True))
            assert (len(secure.arrived), (vibedom.session / "upper" / "count").read_text()) == standing
            assert (await vibedom("resume")).code == 0
            await until(lambda: len(secure.arrived) > standing[0] + 2, "more requests")
        assert "paused" not in {record["reason"] for record in vibedom.records()}, "nothing was cut, it stood still"


async def test_a_grant_for_a_time_is_over_when_it_is(vibedom: Vibedom) -> None:
    home = Home(root=vibedom.home)
    async with detached(vibedom, IDLE, name="task"):
        assert (await vibedom("allow", "short.test", "--for", "1s")).code == 0
        client = Client(home, "task")
        with anyio.fail_after(30):
            while (await client.status()).grants:  # noqa: ASYNC110  # another process has no event for it
                await anyio.sleep(0.05)


async def test_what_is_allowed_for_good_is_in_the_file_and_denied_takes_it_out(vibedom: Vibedom) -> None:
    file = vibedom.home / "config" / "trusted_domains.txt"
    assert (await vibedom("allow", "good.test")).code == 0
    assert file.read_text() == "good.test\n"
    assert (await vibedom("deny", "good.test")).code == 0
    assert file.read_text() == "!good.test\n"
    assert (await vibedom("allow", "good.test")).code == 0
    assert file.read_text() == "good.test\n"
    assert (await vibedom("deny", "--once", "x.test")).code == 2
