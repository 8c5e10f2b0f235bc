"""`vibedom apply`: take a session's changes into the project."""

from collections import Counter
from functools import partial
from pathlib import Path

import anyio.to_thread
import asyncclick as click
import msgspec

from vibedom import sessions
from vibedom.cli import diff_view, render
from vibedom.cli.ask import can_ask, confirm
from vibedom.cli.conflict_prompt import resolve_conflicts
from vibedom.cli.interruption import heed_interruption, in_thread
from vibedom.cli.review_session import Chosen, choose
from vibedom.errors import UsageError
from vibedom.workspace.apply import Outcome, apply, resume
from vibedom.workspace.apply_progress import ApplyProgress
from vibedom.workspace.plan import OnConflict, Plan, Refusal
from vibedom.workspace.review import Review, is_selected
from vibedom.workspace.selection import Selection
from vibedom.workspace.settled import settle
from vibedom.workspace.spelling import spell, visible

MOST_LISTED = 5
"""Paths that are listed one by one for the same reason; `--json` has them all."""


class Wish(msgspec.Struct, frozen=True, kw_only=True):
    """What the command line asks for."""

    everything: bool
    include_dangerous: bool
    yes: bool
    on_conflict: OnConflict
    mine: tuple[str, ...] = ()
    theirs: tuple[str, ...] = ()
    hunks: tuple[str, ...] = ()
    """`PATH:1,3`, counted from 1."""


@click.command()
@click.argument("arguments", nargs=-1, metavar="[SESSION] [PATH]...")
@click.option("--all", "everything", is_flag=True, help="All changes (but not the dangerous ones).")
@click.option("--include-dangerous", is_flag=True, help="Also what something on this machine would run by itself.")
@click.option("--yes", is_flag=True, help="Do not ask. Dangerous changes still need --include-dangerous.")
@click.option(
    "--on-conflict",
    type=click.Choice(["fail", "skip", "overwrite"]),
    default="fail",
    show_default=True,
    help="What to do where the project was edited meanwhile.",
)
@click.option("--mine", multiple=True, metavar="PATH", help="In conflict: your file stays, and that is decided.")
@click.option("--theirs", multiple=True, metavar="PATH", help="In conflict: the agent's file replaces yours.")
@click.option("--hunk", "hunks", multiple=True, metavar="PATH:N[,N]", help="Only these hunks of the file, from 1.")
@click.option("--settled", "with_settled", is_flag=True, help="Also changes that you have decided against.")
@click.option("--json", "as_json", is_flag=True, help="What was applied, and what was not and why, as JSON.")
async def command(
    arguments: tuple[str, ...],
    everything: bool,
    include_dangerous: bool,
    yes: bool,
    on_conflict: OnConflict,
    mine: tuple[str, ...],
    theirs: tuple[str, ...],
    hunks: tuple[str, ...],
    with_settled: bool,
    as_json: bool,
) -> None:
    """Take a session's changes into the project: all of them, or those at and below the PATHs.

    Files are replaced atomically and belong to you; `vibedom undo` takes everything back. A file that you edited since
    the session started is a conflict and is never overwritten by itself: you are asked whether to take yours, the
    agent's, both in your editor, or to skip it. What git, editors, shells or CI would run is
    held back until you say yes to it separately.

    \b
    vibedom apply                        ask, then apply
    vibedom apply src README.md          only these
    vibedom apply --all --yes            in a script
    vibedom apply --hunk src/a.py:2,3    two hunks of one file, as `vibedom diff` shows them
    """
    chosen = choose(arguments)
    wish = Wish(
        everything=everything,
        include_dangerous=include_dangerous,
        yes=yes,
        on_conflict=on_conflict,
        mine=chosen.named(mine),
        theirs=chosen.named(theirs),
        hunks=hunks,
    )
    is_named = chosen.paths or everything or mine or theirs or hunks
    if not is_named and not can_ask():
        raise UsageError("nobody is here to ask: name paths or give --all, and --yes")
    if not yes and not can_ask():
        raise UsageError("nobody is here to ask: give --yes to apply without a question")
    finished = await anyio.to_thread.run_sync(resume, chosen.directory.journal)
    if finished is not None:
        render.err(f"an interrupted one was finished first: {len(finished.paths)} changes {finished.action}", "warn")
    await _run(chosen, wish, as_json=as_json, with_settled=with_settled)


async def _run(chosen: Chosen, wish: Wish, *, as_json: bool, with_settled: bool) -> None:
    with chosen.review(with_settled=with_settled) as review:
        _check_paths(review, (*chosen.paths, *wish.mine, *wish.theirs))
        selection = _select(review, chosen, wish)
        plan = await _agree(selection, wish)
        outcome = None
        _list("conflict", plan.conflicts if plan is not None else ())
        if plan is not None and (plan.steps or plan.conflicts):
            outcome = await carry_out(plan, chosen)
        if plan is not None:
            settle_mine(selection, chosen.directory.base)
    if plan is not None and not _left(selection, outcome):
        await anyio.to_thread.run_sync(note_progress, chosen)
    if as_json:
        render.out_json(_as_data(chosen.record.id, plan, outcome))
    else:
        _report(plan, outcome)


def _check_paths(review: Review, paths: tuple[str, ...]) -> None:
    for path in paths:
        if not any(is_selected(change.path, (path,)) for change in review.changes):
            raise UsageError(
                f"the agent changed nothing at {visible(path)}; `vibedom diff --name-only` lists its changes"
            )


def _select(review: Review, chosen: Chosen, wish: Wish) -> Selection:
    """What the command line wants of the review. Raises `UsageError` for a hunk that is none."""
    selection = Selection(review)
    only_parts = (wish.mine or wish.theirs or wish.hunks) and not chosen.paths and not wish.everything
    if not only_parts:
        selection.choose([change.path for change in review.select(chosen.paths)], is_wanted=True)
    for path in wish.mine:
        selection.resolve(path, "mine")
    for path in wish.theirs:
        selection.resolve(path, "theirs")
    for text in wish.hunks:
        _select_hunks(selection, chosen, text)
    return selection


def _select_hunks(selection: Selection, chosen: Chosen, text: str) -> None:
    name, _, numbers = text.rpartition(":")
    path = chosen.named((name,))[0] if name else ""
    wanted = numbers.split(",")
    if path not in {change.path for change in selection.review.changes}:
        raise UsageError(f"--hunk {visible(text)}: the agent changed no such file; write PATH:N or PATH:N,N")
    diff = selection.diff(path)
    if not diff.is_splittable:
        raise UsageError(f"--hunk {visible(text)}: it has no hunks to choose from; apply the whole path")
    for number in wanted:
        if not number.isdecimal() or not 1 <= int(number) <= len(diff.hunks):
            raise UsageError(f"--hunk {visible(text)}: its hunks are numbered 1 to {len(diff.hunks)}")
    selection.choose((path,), is_wanted=False)
    for number in wanted:
        selection.choose_hunk(diff, int(number) - 1, is_wanted=True)


async def _agree(selection: Selection, wish: Wish) -> Plan | None:
    """The plan the user agrees to, or None."""
    review = selection.review
    plan = selection.plan(include_dangerous=wish.include_dangerous, on_conflict=wish.on_conflict)
    if plan.conflicts and not wish.yes:
        await resolve_conflicts(selection, plan.conflicts)
        plan = selection.plan(include_dangerous=wish.include_dangerous, on_conflict=wish.on_conflict)
    if wish.yes or plan.conflicts:
        return plan
    for line in diff_view.stat_lines(review, review.select(selection.paths), unfold=False):
        render.err(line)
    if plan.held_back:
        _list("held back, because something on this machine could run it", plan.held_back)
    if plan.steps and not await confirm(f"apply {len(plan.steps)} changes to {visible(str(review.workspace))}?"):
        return None
    if plan.held_back and await confirm(f"apply the {len(plan.held_back)} dangerous ones as well?"):
        return selection.plan(include_dangerous=True, on_conflict=wish.on_conflict)
    return plan


def settle_mine(selection: Selection, base: Path) -> None:
    """Keep in mind what the user has decided against for good."""
    new = {change.path: change.new for change in selection.review.changes}
    settle(base, [(path, new[path]) for path in selection.settled_by_mine if path in new])


async def carry_out(plan: Plan, chosen: Chosen) -> Outcome:
    """`apply`, with its progress on a terminal; Ctrl-C takes it back. Raises `ConflictError`, `WorkspaceError`
    in a group."""
    check = partial(heed_interruption, "interrupted: nothing was applied, or what was has been taken back")
    progress = ApplyProgress(render.progress, len(plan.steps), check)
    outcome = await in_thread(partial(apply, plan, chosen.directory.journal, notify=progress))
    if progress.has_spoken:
        render.end_progress()
    return outcome


def _left(selection: Selection, outcome: Outcome | None) -> set[str]:
    """What was neither applied nor decided against: while there is any, nobody has to look whether all is done."""
    done = {*(outcome.paths if outcome is not None else ()), *selection.settled_by_mine}
    return {change.path for change in selection.review.changes} - done


def note_progress(chosen: Chosen) -> None:
    """A session whose work is all at home is `applied`: it may be removed without a question."""
    with chosen.review(looks_for_secrets=False) as review:
        is_done = not review.changes
    mark_if_done(chosen, is_done)


def mark_if_done(chosen: Chosen, is_done: bool) -> None:
    """`note_progress` for whoever has just read that nothing is left."""
    if is_done and chosen.record.status == "ended":
        sessions.save(chosen.state, msgspec.structs.replace(chosen.record, status="applied"))


def _report(plan: Plan | None, outcome: Outcome | None) -> None:
    if plan is None:
        render.err("nothing was applied")
        return
    _list("held back (--include-dangerous applies it)", plan.held_back)
    _list("skipped", plan.skipped)
    _list("note", plan.notes)
    count = len(outcome.paths) if outcome is not None else 0
    render.out(f"{count} changes applied" + ("; `vibedom undo` takes them back" if count else ""))


def _list(title: str, refusals: tuple[Refusal, ...]) -> None:
    """One line each; many with the same reason are one line."""
    counts = Counter(each.reason for each in refusals)
    for reason, count in counts.items():
        paths = [visible(each.path) for each in refusals if each.reason == reason]
        if count > MOST_LISTED:
            render.err(f"{title}: {count} paths from {paths[0]} on: {visible(reason)}", "warn")
        else:
            for path in paths:
                render.err(f"{title}: {path}: {visible(reason)}", "warn")


def _as_data(session: str, plan: Plan | None, outcome: Outcome | None) -> dict[str, object]:
    def data(refusals: tuple[Refusal, ...]) -> list[dict[str, str]]:
        return [{"path": spell(each.path), "reason": each.reason} for each in refusals]

    return {
        "session": session,
        "applied": [spell(path) for path in outcome.paths] if outcome is not None else [],
        "held_back": data(plan.held_back) if plan is not None else [],
        "skipped": data(plan.skipped) if plan is not None else [],
        "required": [spell(path) for path in plan.required] if plan is not None else [],
        "notes": data(plan.notes) if plan is not None else [],
    }
