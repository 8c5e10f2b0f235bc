"""What vibedom.toml asks for is used after its user agreed to exactly that, and never before."""

import json
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.run.conftest import Vibedom
from tests.support.origin import origin

pytestmark = [pytest.mark.anyio, pytest.mark.engine]
HOST = "needed.test"


def wants(data: Path, *, more: str = "") -> str:
    return f"""
hosts = ["{HOST}/v1/"]
caches = [".cache/tool"]
pass_env = ["NEEDED"]
{more}
[env]
MODE = "test"
[setup]
commands = ["echo one >> ~/order", "echo two >> ~/order; date +%s >> ~/.cache/tool/runs"]
[[mounts]]
source = "{data}"
target = "/data"
[[mounts]]
source = "{data / "out"}"
target = "/data-out"
writable = true
"""


@pytest.fixture
def data() -> Iterator[Path]:
    """Not in /tmp, which stays closed."""
    with tempfile.TemporaryDirectory(dir="/var/tmp") as directory:
        (Path(directory) / "out").mkdir()
        yield Path(directory)


async def test_a_project_gets_what_its_user_agreed_to_and_is_asked_about_again_when_it_changes(
    vibedom: Vibedom, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (data / "set.csv").write_text("1,2\n")
    monkeypatch.setenv("NEEDED", "passed on")
    (vibedom.project / "vibedom.toml").write_text(wants(data))
    script = (
        f"cat ~/order; wc -l < ~/.cache/tool/runs; echo $MODE $NEEDED; cat /data/set.csv;"
        f" (echo x > /data/x) 2>/dev/null; echo made > /data-out/file; curl -s -o /dev/null -w '%{{http_code}}\\n' https://{HOST}/v1/x"
    )
    refused = await vibedom.sh(script)
    assert refused.code == 2
    assert f"vibedom trust {vibedom.project}" in refused.err
    for line in (f"reach the host {HOST}/v1/", f"read {data} of this machine", "'test'", "your variable NEEDED"):
        assert line in refused.err
    assert vibedom.sessions == []
    assert (await vibedom("trust", str(vibedom.project))).code == 0
    async with origin(names=(HOST,)) as secure:
        vibedom.policy(
            policy=f'[[hosts]]\npattern = "{HOST}"\npaths = ["/never"]\n'
            f'dial = "127.0.0.1:{secure.port}"\nca = "{secure.ca_file}"\n'
        )
        for runs in ("1", "2"):
            done = await vibedom.sh(script, options=("--name", f"run-{runs}"))
            assert done.out.split("\n")[:6] == ["one", "two", runs, "test passed on", "1,2", "200"], done
    assert (data / "out" / "file").read_text() == "made\n"
    assert not (data / "x").exists()
    (vibedom.project / "vibedom.toml").write_text(wants(data, more='deny = ["x.test"]'))
    assert (await vibedom("trust", "--show", str(vibedom.project))).err.endswith("\nagreed to\n"), "narrowing is free"
    (vibedom.project / "vibedom.toml").write_text(wants(data).replace("echo two", "echo three"))
    assert (await vibedom.sh("true")).code == 2
    assert (await vibedom("trust", "--revoke", str(vibedom.project))).code == 0


@pytest.mark.parametrize("runtime", ["local"], indirect=True)
async def test_what_the_agent_writes_into_vibedom_toml_is_held_back_and_agreed_to_by_nobody(vibedom: Vibedom) -> None:
    done = await vibedom.sh("""echo 'hosts = ["evil.test"]' > vibedom.toml""", options=("--apply",))
    assert done.code == 0, done
    assert not (vibedom.project / "vibedom.toml").exists()
    listed = json.loads((await vibedom("diff", vibedom.session.name, "--json")).out)
    assert "vibedom obeys it" in json.dumps(listed)
    (vibedom.project / "vibedom.toml").write_text('hosts = ["evil.test"]\n')
    again = await vibedom.sh("true")
    assert again.code == 2
    assert "reach the host evil.test" in again.err
