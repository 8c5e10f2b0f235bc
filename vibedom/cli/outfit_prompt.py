"""What a session is equipped with: the agent that was chosen, and what its user agrees that the project gets."""

import shlex
from collections.abc import Mapping
from pathlib import Path

from vibedom.agents import find_agent
from vibedom.cli import render
from vibedom.cli.ask import can_ask, confirm
from vibedom.errors import UsageError
from vibedom.outfit import Outfit
from vibedom.paths import Home
from vibedom.project_file import NAME, ProjectFile, read_project
from vibedom.project_mounts import project_mounts
from vibedom.project_trust import asks, is_trusted, trust


async def choose_outfit(home: Home, workspace: Path, *, agent: str | None, environment: Mapping[str, str]) -> Outfit:
    """Asks about a vibedom.toml that wants more than the policy allows, once for each content.

    Raises `UsageError` where nobody is there to ask, or the answer is no; `SettingsError` for files.
    """
    found = find_agent(home, agent) if agent else None
    project = read_project(workspace)
    if not is_trusted(home, workspace, project):
        await _agree(home, workspace, project)
    outfit = Outfit(agent_name=agent or "", agent=found, project=project, environment=environment)
    # What cannot be had is said before anything is made.
    project_mounts(project.mounts, workspace, home)
    _ = outfit.variables
    return outfit


async def _agree(home: Home, workspace: Path, project: ProjectFile) -> None:
    show_asks(workspace, project)
    command = f"vibedom trust {shlex.quote(str(workspace))}"
    if not can_ask():
        raise UsageError(f"{workspace / NAME}: asks for the above; look at it, then run: {command}")
    if not await confirm("Agree to this for as long as it stays the same?"):
        raise UsageError(f"{workspace / NAME}: not agreed to; nothing was started. Later: {command}")
    trust(home, workspace, project)


def show_asks(workspace: Path, project: ProjectFile) -> None:
    """What the project asks for, one line each."""
    render.err(render.printable(f"{workspace / NAME} asks for more than your policy allows:"), "warn")
    for line in asks(project):
        render.err(f"  {render.printable(line)}")
