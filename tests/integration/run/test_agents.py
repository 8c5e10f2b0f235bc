"""An agent is a table: installed through the proxy, let through, given its credentials, told where it is."""

import pytest
from aiohttp import web

from tests.integration.run.conftest import Vibedom
from tests.support.origin import Origin, origin

pytestmark = [pytest.mark.anyio, pytest.mark.engine]
HOST = "tools.test"
PROGRAM = """\
#!/bin/sh
echo "arguments: $*"
echo "credential: $SCRIPTED_KEY, other: ${OTHER_KEY-none}, set: $SCRIPTED_MODE"
echo "remembered: $(cat ~/.scripted/memory 2>/dev/null)"
echo "from last time" > ~/.scripted/memory
echo "brief: $(head -n 1 ~/.scripted/deep/RULES.md) / $(head -n 1 "$VIBEDOM_BRIEF")"
echo "host: $(grep -c 'tools.test/v1' "$VIBEDOM_BRIEF")"
echo "writable: $( (echo x > "$VIBEDOM_BRIEF") 2>/dev/null && echo yes || echo no)"
curl -s -o /dev/null -w 'api: %{http_code}\\n' https://tools.test/v1/model
curl -s -o /dev/null -w 'else: %{http_code}\\n' https://tools.test/other
"""
TABLE = f"""
[agents.scripted]
description = "A script"
command = ["scripted", "--yes"]
hosts = ["{HOST}/v1/", "{HOST}/install"]
credentials = ["SCRIPTED_KEY", "SCRIPTED_UNSET"]
environment = {{ SCRIPTED_MODE = "careful" }}
state = [".scripted"]
instructions = ".scripted/deep/RULES.md"
install = '''
mkdir -p "$VIBEDOM_TOOLS/bin"
curl -fsS https://{HOST}/install > "$VIBEDOM_TOOLS/bin/scripted"
chmod +x "$VIBEDOM_TOOLS/bin/scripted"
'''
"""


async def serve_program(request: web.Request) -> web.StreamResponse:
    return web.Response(text=PROGRAM if request.path == "/install" else "fine")


def reachable(secure: Origin) -> str:
    """How the host is reached; of itself the entry allows a path that nobody asks for."""
    return (
        f'[[hosts]]\npattern = "{HOST}"\npaths = ["/never"]\n'
        f'dial = "127.0.0.1:{secure.port}"\nca = "{secure.ca_file}"\n'
    )


async def test_a_table_is_an_agent_that_is_installed_once_and_remembers(
    vibedom: Vibedom, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SCRIPTED_KEY", "key-of-the-agent")
    monkeypatch.setenv("OTHER_KEY", "key-of-another")
    async with origin(serve_program, names=(HOST,)) as secure:
        vibedom.policy(policy=reachable(secure))
        (vibedom.home / "config" / "agents.toml").write_text(TABLE)
        first = await vibedom.run("--fast", "a b", options=("--agent", "scripted", "--name", "one"))
        again = await vibedom.run(options=("--agent", "scripted", "--name", "two"))
    for done, arguments, memory in ((first, "--yes --fast a b", ""), (again, "--yes", "from last time")):
        assert done.code == 0, done
        assert f"arguments: {arguments}\n" in done.out
        assert "credential: key-of-the-agent, other: none, set: careful\n" in done.out
        assert f"remembered: {memory}".strip() in [line.strip() for line in done.out.splitlines()]
        assert "brief: # You are in a vibedom sandbox / # You are in a vibedom sandbox\n" in done.out
        assert "host: 1\nwritable: no\napi: 200\nelse: 403\n" in done.out
        assert "changes   none" in done.err
    assert "installing scripted" in first.err
    assert "installing" not in again.err
    assert [a.target for a in secure.arrived] == ["/install", "/v1/model", "/v1/model"]


@pytest.mark.parametrize("runtime", ["local"], indirect=True)
async def test_what_the_user_wrote_for_the_agent_stays(vibedom: Vibedom) -> None:
    rules = ".claude/CLAUDE.md"
    (vibedom.home / "config" / "agents.toml").write_text(
        f'[agents.other]\ncommand = ["cat", "/home/agent/{rules}"]\nstate = [".claude"]\ninstructions = "{rules}"\n'
    )
    kept = vibedom.home / "agents" / "other" / str(vibedom.project.stat().st_uid) / rules
    kept.parent.mkdir(parents=True)
    kept.write_text("# My own rules\n")
    assert (await vibedom.run(options=("--agent", "other"))).out == "# My own rules\n"
    unknown = await vibedom.run(options=("--agent", "nobody"))
    assert unknown.code == 2
    assert "claude, codex, gemini, opencode, other" in unknown.err
