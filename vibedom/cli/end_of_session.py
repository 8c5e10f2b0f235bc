"""What the user sees when the agent is done: what crossed the border, what changed, and what can be done with it."""

from collections.abc import Sequence
from functools import partial

import anyio
import msgspec

from sinks.spool import undelivered
from vibedom import sessions
from vibedom.cli import diff_view, render
from vibedom.cli.amounts import size
from vibedom.cli.ask import ask, can_ask
from vibedom.cli.review_session import Chosen
from vibedom.network_log import Traffic, read_traffic
from vibedom.paths import Home, SessionDir
from vibedom.sessions import SessionRecord
from vibedom.workspace.apply import Outcome, apply
from vibedom.workspace.patch import write_patch
from vibedom.workspace.plan import plan_apply
from vibedom.workspace.review import Review
from vibedom.workspace.spelling import spell, visible

MOST_LINES = 12


async def report(home: Home, session_id: str, code: int, *, apply_changes: bool | None, as_json: bool) -> None:
    """Sum up a session that ended, keep its patch, and offer its changes."""
    record = sessions.load(home, session_id)
    directory = home.session(session_id)
    traffic = await anyio.to_thread.run_sync(read_traffic, directory.network_log)
    outcome: Outcome | None = None
    with Chosen(home, record, ()).review() as review:
        await anyio.to_thread.run_sync(_keep_patch, review, directory)
        _show(record, code, traffic, review)
        if review.changes and await _wants_apply(review, apply_changes):
            outcome = await anyio.to_thread.run_sync(partial(_apply, review, directory))
            _show_outcome(outcome)
    if as_json:
        render.out_json(_as_data(record, code, traffic, review, outcome))
    elif not review.changes or outcome is None:
        _show_next(record, review, directory)


def _show(record: SessionRecord, code: int, traffic: Traffic, review: Review) -> None:
    render.err("")
    render.err(f"session {record.id} ended with exit code {code}", "bold")
    sent, received = size(traffic.sent_bytes), size(traffic.received_bytes)
    render.err(f"  traffic   {traffic.requests} requests, {sent} sent, {received} received")
    _show_counts("blocked", traffic.blocked, "bad")
    _show_counts("scrubbed", traffic.scrubbed, "warn")
    if record.commits:
        plural = "s" if record.commits > 1 else ""
        render.err(f"  commits   {record.commits} new one{plural} in the branch {record.branch}", "good")
    for inner in record.inner_branches:
        if inner.commits:
            where = f"in the branch {record.branch} of {visible(inner.directory)}"
            render.err(f"  commits   {inner.commits} new {where}", "good")
    for note in record.notes:
        render.err(f"  note      {render.printable(note)}", "warn")
    if not review.changes:
        render.err("  changes   none")
        return
    render.err(f"  changes   {len(review.changes)}")
    for line in diff_view.stat_lines(review, review.changes, unfold=False):
        render.err(f"    {line}")


def _show_counts(title: str, counts: Sequence[tuple[str, int]], how: render.Style) -> None:
    for number, (what, count) in enumerate(counts[:MOST_LINES]):
        times = f" x{count}" if count > 1 else ""
        render.err(f"  {title if number == 0 else '':9} {render.printable(what)}{times}", how)
    if len(counts) > MOST_LINES:
        render.err(f"  {'':9} and {len(counts) - MOST_LINES} more: vibedom logs --{title}")


async def _wants_apply(review: Review, apply_changes: bool | None) -> bool:
    """The flag decides; without it the user, who may look first."""
    if apply_changes is not None or not can_ask():
        return bool(apply_changes)
    while (answer := await ask("[d]iff, [a]pply, or [k]eep for later?")) in ("d", "diff"):
        for line in diff_view.diff_lines(review, review.changes, unfold=False):
            render.err(line)
    return answer in ("a", "apply")


def _apply(review: Review, directory: SessionDir) -> Outcome:
    """Take home what is neither dangerous nor in conflict."""
    plan = plan_apply(
        review.changes,
        workspace=review.workspace,
        upper=review.upper,
        base=review.base,
        dangers=review.dangers,
        on_conflict="skip",
    )
    for refusal in (*plan.skipped, *plan.held_back):
        render.err(f"  not applied: {render.printable(refusal.path)}: {render.printable(refusal.reason)}", "warn")
    return apply(plan, directory.journal)


def _show_outcome(outcome: Outcome) -> None:
    render.err(f"applied {len(outcome.paths)} changes; `vibedom undo` takes them back", "good")


def _show_next(record: SessionRecord, review: Review, directory: SessionDir) -> None:
    if review.changes:
        render.err(f"  kept      look: vibedom diff {record.id}   take home: vibedom apply {record.id}")
    if waiting := undelivered(directory.root):
        render.err(f"  alerts    {waiting} could not be delivered yet and are kept: vibedom sinks flush", "warn")
    render.err(f"  logs      {directory.root}", "dim")


def _keep_patch(review: Review, directory: SessionDir) -> None:
    with directory.patch.open("wb") as out:
        directory.patch.chmod(0o600)
        write_patch(review.changes, workspace=review.workspace, upper=review.upper, out=out)


def _as_data(
    record: SessionRecord, code: int, traffic: Traffic, review: Review, outcome: Outcome | None
) -> dict[str, object]:
    return {
        "session": record.id,
        "exit_code": code,
        "runtime": record.runtime,
        "branch": record.branch if record.commits else None,
        "commits": record.commits,
        "inner_branches": {spell(each.directory): each.commits for each in record.inner_branches if each.commits},
        "notes": list(record.notes),
        "traffic": msgspec.to_builtins(traffic),
        "changes": [{"path": c.path, "kind": c.kind} for c in review.changes],
        "applied": list(outcome.paths) if outcome else [],
    }
