"""`vibedom diff`: what a session's agent changed."""

import os
from functools import partial
from pathlib import Path

import anyio.to_thread
import asyncclick as click

from vibedom.cli import diff_view, render
from vibedom.cli.review_session import Chosen, choose
from vibedom.errors import UsageError, WorkspaceError
from vibedom.workspace.changes import Change
from vibedom.workspace.entry import Entry
from vibedom.workspace.patch import LeftOut, write_patch
from vibedom.workspace.review import Review
from vibedom.workspace.spelling import spell, visible


@click.command()
@click.argument("arguments", nargs=-1, metavar="[SESSION] [PATH]...")
@click.option("--stat", is_flag=True, help="One line per change, with the lines added and removed.")
@click.option("--name-only", is_flag=True, help="Only the paths, one a line.")
@click.option("--json", "as_json", is_flag=True, help="The changes and their dangers as JSON.")
@click.option("--patch", metavar="FILE", help="Write a patch that `git apply` takes ('-' is stdout).")
@click.option("--all", "unfold", is_flag=True, help="Show every file of generated directories such as node_modules.")
async def command(
    arguments: tuple[str, ...], stat: bool, name_only: bool, as_json: bool, patch: str | None, unfold: bool
) -> None:
    """Show what a session's agent changed: what is dangerous first, then the diff.

    Without SESSION it is the newest one of the current directory. Nothing is changed by looking.

    \b
    vibedom diff                     the whole diff
    vibedom diff --stat src tests    a summary of two directories
    vibedom diff --patch work.patch  for `git apply`, binary files included
    """
    if sum((stat, name_only, as_json, patch is not None)) > 1:
        raise UsageError("--stat, --name-only, --json and --patch exclude each other; choose one")
    chosen = choose(arguments)
    show = partial(_show, chosen, stat=stat, name_only=name_only, as_json=as_json, patch=patch, unfold=unfold)
    await anyio.to_thread.run_sync(show)


def _show(chosen: Chosen, *, stat: bool, name_only: bool, as_json: bool, patch: str | None, unfold: bool) -> None:
    with chosen.review(looks_for_secrets=patch is None and not name_only) as review:
        changes = review.select(chosen.paths)
        if patch is not None:
            _say_left_out(_write(review, changes, patch))
        elif as_json:
            render.out_json(as_data(chosen.record.id, review, changes))
        elif name_only:
            for change in changes:
                render.out(visible(change.path))
        elif not changes:
            render.err("the agent has changed nothing")
        else:
            _print(review, changes, stat=stat, unfold=unfold)


def _print(review: Review, changes: list[Change], *, stat: bool, unfold: bool) -> None:
    selected = {change.path for change in changes}
    for line in diff_view.danger_lines({path: found for path, found in review.dangers.items() if path in selected}):
        render.out(line)
    lines = diff_view.stat_lines if stat else diff_view.diff_lines
    for line in lines(review, changes, unfold=unfold):
        render.out(line)


def _write(review: Review, changes: list[Change], target: str) -> list[LeftOut]:
    if target == "-":
        with os.fdopen(os.dup(1), "wb") as file:
            return write_patch(changes, workspace=review.workspace, upper=review.upper, out=file)
    try:
        with Path(target).open("wb") as file:
            return write_patch(changes, workspace=review.workspace, upper=review.upper, out=file)
    except OSError as error:
        raise WorkspaceError(f"{visible(target)} cannot be written: {error.strerror}") from error


def _say_left_out(left_out: list[LeftOut]) -> None:
    for each in left_out:
        render.err(f"not in the patch: {visible(each.path)}: {each.reason}", "warn")


def as_data(session: str, review: Review, changes: list[Change]) -> dict[str, object]:
    """The JSON form of a review. Paths are spelled: bytes that are no UTF-8 are `\\xNN`, `\\` is doubled."""
    return {
        "session": session,
        "changes": [
            {
                "path": spell(change.path),
                "kind": change.kind,
                "old": _entry_data(change.old),
                "new": _entry_data(change.new),
                "is_binary": change.is_binary,
                "dangers": review.dangers.get(change.path, []),
            }
            for change in changes
        ],
    }


def _entry_data(entry: Entry | None) -> dict[str, object] | None:
    if entry is None:
        return None
    link = {"target": entry.target} if entry.type == "symlink" else {}
    return {"type": entry.type, "mode": f"{entry.mode:04o}", "size_bytes": entry.size, **link}
