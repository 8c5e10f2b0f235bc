"""Many sessions at once on one machine and one project: each with its own names, sandbox, policy and log.

`VIBEDOM_MANY=20 pytest -s tests/integration/run/test_many.py` is the long run and prints what each takes.
"""

import json
import os
from pathlib import Path

import anyio
import pytest

from tests.integration.run.conftest import Vibedom, until
from tests.integration.run.live import start
from vibedom import sessions
from vibedom.control import messages as m
from vibedom.control.client import Client
from vibedom.paths import Home

pytestmark = [pytest.mark.anyio, pytest.mark.engine, pytest.mark.timeout(1800)]

MANY = int(os.environ.get("VIBEDOM_MANY", "5"))
SCRIPT = """
echo $NAME > mine
echo $http_proxy > proxy
while [ ! -e go ]; do sleep 0.2; done
for name in $ALL; do curl -s -o /dev/null http://$name.test/; done; touch done; while :; do sleep 1; done
"""


async def test_sessions_at_once_do_not_meet(vibedom: Vibedom) -> None:
    home = Home(root=vibedom.home)
    names = [f"many-{number}" for number in range(MANY)]
    every = " ".join(names[:3])

    async def begin(name: str) -> None:
        options = ("--env", f"NAME={name}", "--env", f"ALL={every}")
        done = await start(vibedom, SCRIPT, name=name, options=options)
        assert done.code == 0, done

    try:
        for batch in range(0, MANY, 4):
            async with anyio.create_task_group() as group:
                for name in names[batch : batch + 4]:
                    group.start_soon(begin, name)
        for name in names:
            await Client(home, name).do(m.Allow(pattern=f"{name}.test"))
            await run_inside(home, name, "touch", "go")
        for name in names:
            await until(lambda n=name: (home.session(n).upper / "done").exists(), f"{name} to be done", 300)
        memory = [(await Client(home, name).status()).memory_bytes for name in names]
        print(f"\n{MANY} sessions ({vibedom.runtime}): supervisor {min(memory) >> 20}-{max(memory) >> 20} MB resident")
        assert max(memory) < 400 << 20
        proxies = {(home.session(name).upper / "proxy").read_text() for name in names}
        # `local` has a network for each, in which every address is free.
        assert len(proxies) == (MANY if vibedom.runtime == "docker" else 1)
        for name in names:
            assert (home.session(name).upper / "mine").read_text() == f"{name}\n"
            reasons = own_reasons(home.session(name).network_log)
            allowed = {host for host, reason in reasons.items() if reason != "not-listed"}
            assert set(reasons) == {f"{other}.test" for other in names[:3]}
            assert allowed == {f"{name}.test"} & set(reasons), (name, reasons)
    finally:
        await vibedom("stop", "--all")
    assert not any(record.is_alive for record in sessions.all_sessions(home))


async def run_inside(home: Home, name: str, *argv: str) -> None:
    async with Client(home, name).stream(m.Exec(argv=argv)) as conversation:
        while not isinstance(reply := await conversation.next(), m.Exited):
            assert reply is not None
        assert reply.code == 0


def own_reasons(log: Path) -> dict[str, str]:
    """Host -> how its request was judged."""
    records = [json.loads(line) for line in log.read_bytes().splitlines()]
    return {r["host"]: r["reason"] for r in records if r["kind"] == "request"}
