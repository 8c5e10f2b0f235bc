"""`vibedom trust`: agree to what a project's vibedom.toml asks for."""

from pathlib import Path

import anyio.to_thread
import asyncclick as click

from vibedom.beforehand import checked_workspace
from vibedom.cli import render
from vibedom.cli.outfit_prompt import show_asks
from vibedom.paths import home as find_home
from vibedom.project_file import NAME, read_project
from vibedom.project_trust import asks, is_trusted, revoke, trust


@click.command()
@click.argument("project", default=".", metavar="[PROJECT]")
@click.option("--revoke", "is_revoked", is_flag=True, help="Take it back.")
@click.option("--show", "is_shown", is_flag=True, help="Only show what it asks for, and whether you have agreed.")
async def command(project: str, is_revoked: bool, is_shown: bool) -> None:
    """Agree to what the vibedom.toml of PROJECT (default: here) asks for beyond your policy.

    Hosts, mounts, variables, an image, commands that are run before the agent: `vibedom run` uses none of it before you
    have agreed, and asks again when it has changed. What only narrows the policy needs no agreement.
    """
    await anyio.to_thread.run_sync(_trust, Path(project), is_revoked, is_shown)


def _trust(path: Path, is_revoked: bool, is_shown: bool) -> None:
    home = find_home()
    workspace = checked_workspace(path, home)
    if is_revoked:
        render.err("taken back" if revoke(home, workspace) else "nothing was agreed to")
        return
    project = read_project(workspace)
    if not asks(project):
        render.err(f"{NAME}: asks for nothing beyond your policy" if (workspace / NAME).exists() else f"no {NAME} here")
        return
    show_asks(workspace, project)
    if is_shown:
        render.err("agreed to" if is_trusted(home, workspace, project) else "not agreed to")
        return
    trust(home, workspace, project)
    render.err("agreed to, for as long as it stays the same")
