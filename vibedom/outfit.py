"""What a session's sandbox gets beside the project: an agent, what a trusted project asks for, SSH, a brief."""

import hashlib
import os
from collections.abc import Mapping

import msgspec

from vibedom import brief
from vibedom.agents import Agent, passed_credentials, read_hosts
from vibedom.errors import UsageError
from vibedom.git_identity import git_identity, write_git_identity
from vibedom.kept import agent_directory, cache_directory, keep
from vibedom.paths import Home, SessionDir
from vibedom.project_file import NAME, ProjectFile
from vibedom.project_mounts import project_mounts
from vibedom.sandbox.runtime import Mount
from vibedom.sandbox.trust import write_public
from vibedom.sessions import SessionRecord
from vibedom.settings import Policy
from vibedom.ssh import sandbox_files
from vibedom.ssh.keys import list_keys
from vibedom.ssh.known_hosts import read_known
from vibedom.start_script import FILE, TOOLS_PATH, start_script
from vibedom.start_script import NAME as START


class Outfit(msgspec.Struct, frozen=True, kw_only=True):
    """What was chosen on the command line and agreed to."""

    agent_name: str = ""
    agent: Agent | None = None
    project: ProjectFile = ProjectFile()
    """As trusted at the start: a later edit of the file widens nothing."""
    environment: Mapping[str, str] = {}
    """The user's own, of which what is named is passed."""

    def widened(self, policy: Policy) -> Policy:
        """The policy with the hosts of agent and project. What is denied stays denied. Raises `SettingsError`."""
        patterns = read_hosts(self.project.hosts, policy.groups, f"{NAME} $.hosts")
        if self.agent is not None:
            patterns += read_hosts(self.agent.hosts, policy.groups, f"agents.toml $.agents.{self.agent_name}.hosts")
        if not patterns:
            return policy
        return msgspec.structs.replace(policy, hosts=policy.hosts.allowing(patterns))

    @property
    def image(self) -> str | None:
        return self.project.image or (self.agent.image if self.agent else None)

    @property
    def variables(self) -> dict[str, str]:
        """Raises `UsageError` where the project needs a variable that is not set."""
        passed = {}
        for name in self.project.pass_env:
            if name not in self.environment:
                raise UsageError(f"{NAME} $.pass_env: {name} is not set here; export it, or take it out of the file")
            passed[name] = self.environment[name]
        agent = self.agent
        own = {**agent.environment, **passed_credentials(agent, self.environment)} if agent else {}
        return {**own, **self.project.env, **passed}

    def argv(self, given: tuple[str, ...]) -> tuple[str, ...]:
        """The command: the agent's with what was given added, else what was given."""
        return (*self.agent.command, *given) if self.agent else given


class Equipment(msgspec.Struct, frozen=True, kw_only=True):
    """What a session is started with because of its outfit."""

    argv: tuple[str, ...]
    environment: dict[str, str]
    mounts: tuple[Mount, ...]


def equip(outfit: Outfit, home: Home, record: SessionRecord, policy: Policy | None, *, is_new: bool) -> Equipment:
    """Write the files of a session that is about to start, and say what it is started with.

    Where the session is not new the agent has had its home for itself: then nothing is written into it.
    Raises `SettingsError`, `UsageError`.
    """
    directory, project = home.session(record.id), outfit.project
    kept = _kept(outfit, home, record)
    shown = project_mounts(project.mounts, record.workspace, home)
    sandbox_files.write_ssh_files(directory.trust, list_keys(home), read_known(home))
    if is_new:
        sandbox_files.write_home_config(directory.agent_home, record.uid, record.gid)
        identity = git_identity(outfit.environment or os.environ)
        write_git_identity(directory.agent_home, identity, record.uid, record.gid)
    outliving = (*project.caches, *(outfit.agent.state if outfit.agent else ()))
    write_public(directory.trust / brief.NAME, _brief(record.id, policy, outliving, shown).encode())
    return Equipment(
        argv=_started(outfit, directory, record.command),
        environment={**sandbox_files.ENVIRONMENT, "VIBEDOM_BRIEF": brief.FILE, **outfit.variables},
        mounts=(*kept, *shown),
    )


def _kept(outfit: Outfit, home: Home, record: SessionRecord) -> list[Mount]:
    owner = (home.session(record.id).agent_home, record.uid, record.gid)
    found: list[Mount] = []
    if outfit.project.caches:
        found += keep(cache_directory(home, record.workspace, record.uid), outfit.project.caches, *owner)
    if outfit.agent is not None:
        state = agent_directory(home, outfit.agent_name, record.uid)
        found += keep(state, outfit.agent.state, *owner)
        # Programs of one runtime or image may not run in another.
        place = f"{record.runtime} {record.launch.image or record.launch.root or ''}"
        found += keep(state / f"tools-{hashlib.sha256(place.encode()).hexdigest()[:8]}", [TOOLS_PATH], *owner)
    return found


def _started(outfit: Outfit, directory: SessionDir, argv: tuple[str, ...]) -> tuple[str, ...]:
    script = start_script(outfit.agent, outfit.project.setup.commands)
    if script is None:
        return argv
    write_public(directory.trust / START, script.encode())
    return ("/bin/sh", FILE, *argv)


def _brief(session: str, policy: Policy | None, kept: tuple[str, ...], shown: list[Mount]) -> str:
    hosts = policy.hosts if policy is not None else None
    ssh = [route.pattern for route in hosts.routes if route.is_ssh] if hosts else []
    return brief.text(
        brief.Brief(
            session=session,
            hosts=[p.text for p in (*hosts.allow, *hosts.session) if p not in ssh] if hosts else (),
            ssh_hosts=[f"{host}:{port}" for host, port in hosts.ssh_hosts()] if hosts else (),
            kept=kept,
            shown=[f"`{m.target}` is from the host, {'read-only' if m.read_only else 'writable'}." for m in shown],
        )
    )
