"""Agents as data: what `vibedom run --agent NAME` runs, installs, lets through and keeps."""

import re
from collections.abc import Mapping

import msgspec

from pipeline.patterns import Pattern
from vibedom.errors import SettingsError, UsageError
from vibedom.home_path import check_home_paths
from vibedom.host_entries import Groups
from vibedom.paths import Home
from vibedom.policy_file import parse_toml
from vibedom.user_files import read_text, shipped_text

AGENTS = "agents.toml"
_NAME = re.compile(r"[a-z][a-z0-9-]{0,30}")
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


class Agent(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`[agents.NAME]`."""

    command: tuple[str, ...]
    """What is run; what follows `--` on the command line is added to it."""
    description: str = ""
    install: str = ""
    """A shell script that is run in the sandbox, through the proxy, where `command` is not there. It puts programs into
    `$VIBEDOM_TOOLS/bin` (or `.local/bin` below it), which is kept for the next session."""
    image: str | None = None
    """Image it runs in (docker), where the command line names none."""
    hosts: tuple[str, ...] = ()
    """What it may reach beside what the policy lists: lines as in trusted_domains.txt."""
    credentials: tuple[str, ...] = ()
    """Variables of the user's environment that it gets, where they are set."""
    environment: dict[str, str] = {}
    state: tuple[str, ...] = ()
    """Directories of its home that are kept between sessions."""
    instructions: str = ""
    """File of its home that it reads as instructions: the brief is put there."""

    def __post_init__(self) -> None:
        if not self.command or not self.command[0]:
            raise ValueError("command must name a program")
        names = [*self.credentials, *self.environment]
        if wrong := next((name for name in names if not _VARIABLE.fullmatch(name)), None):
            raise ValueError(f"{wrong!r} is not a variable's name")
        check_home_paths((*self.state, *((self.instructions,) if self.instructions else ())))


class _AgentsFile(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    agents: dict[str, Agent] = {}


def load_agents(home: Home) -> dict[str, Agent]:
    """The shipped agents with the user's own (`VIBEDOM_HOME/config/agents.toml`). Raises `SettingsError`."""
    shipped = parse_toml(shipped_text(AGENTS), _AgentsFile, name=AGENTS).agents
    path = home.config / AGENTS
    own = parse_toml(read_text(path), _AgentsFile, name=str(path)).agents if path.exists() else {}
    if wrong := next((name for name in own if not _NAME.fullmatch(name)), None):
        raise SettingsError(f"{path}: [agents.{wrong}]: use lower-case letters, digits and hyphens, at most 31")
    return {**shipped, **own}


def find_agent(home: Home, name: str) -> Agent:
    """Raises `UsageError` that lists the names there are."""
    agents = load_agents(home)
    if name not in agents:
        known = ", ".join(sorted(agents))
        raise UsageError(f"--agent {name}: there is none of that name; known are {known} (see vibedom agents)")
    return agents[name]


def passed_credentials(agent: Agent, environment: Mapping[str, str]) -> dict[str, str]:
    """Those of its credentials that the user's environment has."""
    return {name: environment[name] for name in agent.credentials if environment.get(name)}


def read_hosts(words: tuple[str, ...], groups: Groups, source: str) -> list[Pattern]:
    """What the lines allow. Raises `SettingsError` for what is no pattern, or allows everything."""
    found = []
    for index, word in enumerate(words):
        place = f"{source}[{index}]"
        for pattern in groups.patterns(word, source=place):
            if pattern.is_wildcard and not pattern.host:
                raise SettingsError(f"{place}: '*' can only deny; list what may be reached")
            found.append(pattern)
    return found
