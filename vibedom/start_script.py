"""What runs in the sandbox before the agent: it is told where it is, it is installed, the project is set up.

All of it happens inside, as the agent's user, through the proxy; then the agent takes the script's place.
"""

import shlex
from collections.abc import Sequence

from vibedom import brief
from vibedom.agents import Agent
from vibedom.sandbox.runtime import HOME_MOUNT, TRUST_MOUNT

NAME = "start"
FILE = f"{TRUST_MOUNT}/{NAME}"
TOOLS_PATH = ".vibedom/tools"
TOOLS = f"{HOME_MOUNT}/{TOOLS_PATH}"
"""Where an agent's install step puts programs; kept between sessions."""
_HEAD = f"""\
VIBEDOM_TOOLS={TOOLS}
PATH=$VIBEDOM_TOOLS/bin:$VIBEDOM_TOOLS/.local/bin:$PATH
export VIBEDOM_TOOLS PATH
fail() {{
    echo "vibedom: $1" >&2
    exit 1
}}
"""
_END = """\
if [ $# -gt 0 ]; then
    exec "$@"
fi
for shell in "$SHELL" /bin/bash /bin/sh; do
    if [ -x "$shell" ]; then
        exec "$shell" -l
    fi
done
"""


def start_script(agent: Agent | None, commands: Sequence[str]) -> str | None:
    """The script (for `sh FILE COMMAND...`), or None where there is nothing to do before the command."""
    steps = [*(_instructions(agent) if agent else ()), *(_install(agent) if agent else ())]
    steps += [_setup(command) for command in commands]
    return "".join([_HEAD, *steps, _END]) if steps or agent else None


def _instructions(agent: Agent) -> list[str]:
    """Only an earlier copy of the brief is replaced: what somebody wrote there stays."""
    if not agent.instructions:
        return []
    target = f"{HOME_MOUNT}/{agent.instructions}"
    return [
        f"there={shlex.quote(target)}\n"
        f'if [ ! -e "$there" ] || [ "$(head -n 1 "$there")" = {shlex.quote(brief.TITLE)} ]; then\n'
        f'    mkdir -p "${{there%/*}}" && cp {brief.FILE} "$there" || fail "the brief cannot be put into $there"\n'
        "fi\n"
    ]


def _install(agent: Agent) -> list[str]:
    program = shlex.quote(agent.command[0])
    missing = f"{agent.command[0]} is not in the sandbox"
    if not agent.install:
        return [f"command -v {program} >/dev/null || fail {shlex.quote(missing + '; use an image that has it')}\n"]
    failed = f"{missing} and could not be installed; see above, or use an image that has it"
    return [
        f"if ! command -v {program} >/dev/null; then\n"
        f"    echo {shlex.quote('vibedom: installing ' + agent.command[0] + '; it is kept for the next session')} >&2\n"
        f"    sh -ec {shlex.quote(agent.install)} </dev/null >&2 || fail {shlex.quote(failed)}\n"
        f"    command -v {program} >/dev/null || fail {shlex.quote(failed)}\n"
        "fi\n"
    ]


def _setup(command: str) -> str:
    said, failed = shlex.quote(f"vibedom: setup: {command}"), shlex.quote(f"setup failed: {command}")
    return f"printf '%s\\n' {said} >&2\nsh -c {shlex.quote(command)} </dev/null >&2 || fail {failed}\n"
