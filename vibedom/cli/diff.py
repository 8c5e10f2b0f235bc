"""`vibedom diff`: what a session's agent changed."""

import os
from collections.abc import Iterator
from pathlib import Path

import asyncclick as click
import msgspec

from vibedom.cli import diff_view, pager, render
from vibedom.cli.review_session import Chosen, choose
from vibedom.errors import UsageError, WorkspaceError
from vibedom.workspace.changes import Change
from vibedom.workspace.entry import Entry
from vibedom.workspace.patch import LeftOut, write_patch
from vibedom.workspace.renames import find_renames
from vibedom.workspace.review import Review
from vibedom.workspace.spelling import spell, visible
from vibedom.workspace.tree import Tree


@click.command()
@click.argument("arguments", nargs=-1, metavar="[SESSION] [PATH]...")
@click.option("--stat", is_flag=True, help="One line per change, with the lines added and removed.")
@click.option("--name-only", is_flag=True, help="Only the paths, one a line.")
@click.option("--json", "as_json", is_flag=True, help="The changes and their dangers as JSON.")
@click.option("--patch", metavar="FILE", help="Write a patch that `git apply` takes ('-' is stdout).")
@click.option("--settled", "with_settled", is_flag=True, help="Also changes that you have decided against.")
@click.option("--no-pager", is_flag=True, help="Do not use $PAGER on a terminal.")
@click.option("--all", "unfold", is_flag=True, help="Show every file of generated directories such as node_modules.")
def command(
    arguments: tuple[str, ...],
    stat: bool,
    name_only: bool,
    as_json: bool,
    patch: str | None,
    with_settled: bool,
    no_pager: bool,
    unfold: bool,
) -> None:
    """Show what a session's agent changed: what is dangerous first, then the diff.

    Secrets in it are shown as [REDACTED_RULE]; `--patch` has them. Hunks have the numbers that `vibedom apply --hunk`
    takes.

    Without SESSION it is the newest one of the current directory. Nothing is changed by looking.

    \b
    vibedom diff                     the whole diff
    vibedom diff --stat src tests    a summary of two directories
    vibedom diff --patch work.patch  for `git apply`, binary files included
    """
    if sum((stat, name_only, as_json, patch is not None)) > 1:
        raise UsageError("--stat, --name-only, --json and --patch exclude each other; choose one")
    chosen = choose(arguments)
    form = Form(stat=stat, name_only=name_only, as_json=as_json, patch=patch, unfold=unfold, is_paged=not no_pager)
    _show(chosen, form, with_settled=with_settled)


class Form(msgspec.Struct, frozen=True, kw_only=True):
    """How the changes are shown."""

    stat: bool
    name_only: bool
    as_json: bool
    patch: str | None
    unfold: bool
    is_paged: bool


def _show(chosen: Chosen, form: Form, *, with_settled: bool) -> None:
    looks_for_secrets = form.patch is None and not form.name_only
    with chosen.review(looks_for_secrets=looks_for_secrets, with_settled=with_settled) as review:
        changes = review.select(chosen.paths)
        if form.patch is not None:
            _say_left_out(_write(review, changes, form.patch))
        elif form.as_json:
            render.out_json(as_data(chosen.record.id, review, changes))
        elif form.name_only:
            pager.show((visible(change.path) for change in changes), is_paged=form.is_paged)
        elif not changes:
            _say_nothing(chosen)
        else:
            pager.show(_lines(review, changes, form), is_paged=form.is_paged)


def _say_nothing(chosen: Chosen) -> None:
    """No change to show. Raises `UsageError` for a path that is none: a session's name with a mistake in it, mostly."""
    project = chosen.record.workspace
    for path in chosen.paths:
        if not os.path.lexists(project / path):
            raise UsageError(
                f"{visible(path)} is no session, no file of {visible(str(project))}, and nothing the agent changed;"
                " `vibedom list` shows the sessions"
            )
    where = f" at {', '.join(map(visible, chosen.paths))}" if chosen.paths else ""
    render.err(f"the agent has changed nothing{where}")


def _lines(review: Review, changes: list[Change], form: Form) -> Iterator[str]:
    selected = {change.path for change in changes}
    yield from diff_view.danger_lines({path: each for path, each in review.dangers.items() if path in selected})
    lines = diff_view.stat_lines if form.stat else diff_view.diff_lines
    yield from lines(review, changes, unfold=form.unfold)


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
    with Tree(review.workspace) as host:
        renames = find_renames(changes, host)
    return {
        "session": session,
        "changes": [
            {
                "path": spell(change.path),
                "kind": change.kind,
                "old": _entry_data(change.old),
                "new": _entry_data(change.new),
                "is_binary": change.is_binary,
                "renamed_from": spell(renames[change.path]) if change.path in renames else None,
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
