"""Applies a plan: backups and journal first, then the steps; a failure on the way takes back what was done."""

import os
import secrets
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import msgspec

from vibedom.errors import ConflictError, VibedomError, WorkspaceError
from vibedom.workspace.base import amend_base
from vibedom.workspace.entry import Entry
from vibedom.workspace.executor import Job, execute
from vibedom.workspace.journal import Header, Journal, locked, new_journal
from vibedom.workspace.plan import Plan
from vibedom.workspace.settled import settle, unsettle
from vibedom.workspace.spelling import spell, unspell, visible
from vibedom.workspace.staging import copy
from vibedom.workspace.step import Step
from vibedom.workspace.tree import Tree
from vibedom.workspace.twins import find_twins, unharmed

Notify = Callable[[str], None]


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """What was done to the workspace."""

    action: str
    """`applied` or `undone`."""
    paths: tuple[str, ...]
    journal: Path


def apply(plan: Plan, journal_dir: Path, *, notify: Notify = lambda event: None) -> Outcome:
    """Carry out `plan`. Killed at any point, `resume` finishes it; failing, it takes back what it did.

    Raises `ConflictError` where the plan has conflicts or the host's files changed since it was made, `WorkspaceError`
    where an earlier apply must be resumed first or a file cannot be written.
    """
    with locked(journal_dir) as journals:
        if any(journal.state in ("applying", "undoing") for journal in journals):
            raise WorkspaceError(f"an earlier apply was interrupted ({journal_dir}); resume or undo it first")
        _refuse_conflicts(plan)
        journal = new_journal(journal_dir, journals)
        try:
            header, steps = _prepare(plan, journal, notify)
        except OSError as error:
            journal.discard()
            raise WorkspaceError(f"nothing was applied: {_place(error)}") from error
        except VibedomError:
            journal.discard()
            raise
        journal.enter("applying")
        notify("journaled")
        return _forward(journal, header, steps, notify, is_rerun=False)


def _refuse_conflicts(plan: Plan) -> None:
    if plan.conflicts:
        first = plan.conflicts[0]
        more = f" and {len(plan.conflicts) - 1} more" if len(plan.conflicts) > 1 else ""
        raise ConflictError(f"{visible(first.path)} {first.reason}{more}; nothing was applied")


def resume(journal_dir: Path, *, notify: Notify = lambda event: None) -> Outcome | None:
    """Finish what a crash interrupted: an apply forwards, an undo backwards. None where there was nothing."""
    with locked(journal_dir) as journals:
        for journal in journals:
            state = journal.state
            if state == "preparing":
                journal.discard()
            elif state == "applying":
                return _forward(journal, *journal.read(), notify, is_rerun=True)
            elif state == "undoing":
                return backward(journal, *journal.read(), notify, is_rerun=True)
    return None


def _prepare(plan: Plan, journal: Journal, notify: Notify) -> tuple[Header, list[Step]]:
    with Tree(plan.workspace) as host:
        steps = [_backed_up(step, journal, host, notify) for step in plan.steps]
        for step in steps:
            if step.is_composed:
                journal.content(step).write_bytes(plan.contents[step.number])
        header = Header(
            token=secrets.token_hex(6),
            workspace=spell(os.fspath(plan.workspace)),
            upper=spell(os.fspath(plan.upper)),
            base_file=spell(os.fspath(plan.base_file)),
            parents=_parents(steps, host),
            twins=tuple((spell(path), entry) for path, entry in find_twins(steps, plan.workspace, plan.base_file)),
        )
    journal.write(header, steps)
    return header, steps


def _backed_up(step: Step, journal: Journal, host: Tree, notify: Notify) -> Step:
    """`step` with the digest of what it replaces, and a copy of that in the journal."""
    before = step.before
    if before is None or before.type != "file":
        return step
    with host.reading(step.path) as source:
        if step.is_mode_only:
            digest = step.after.digest if step.after is not None else ""
        else:
            fd = os.open(journal.backup(step), os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
            try:
                digest = copy(source, fd)
            except OSError as error:
                raise OSError(error.errno, error.strerror, f"{step.path} to {journal.directory}") from error
            finally:
                os.close(fd)
    now = host.lstat(step.path)
    if now is None or not before.is_untouched(now):
        raise ConflictError(f"{visible(step.path)} was changed on the host just now; nothing was applied")
    notify("backed up")
    return msgspec.structs.replace(step, before=msgspec.structs.replace(before, digest=digest))


def _parents(steps: Sequence[Step], host: Tree) -> tuple[tuple[str, Entry], ...]:
    """Directories that are written into and have no step of their own, as they are. Spelled."""
    own = {step.path for step in steps}
    above = {step.path.rpartition("/")[0] for step in steps} - own
    found = ((path, host.lstat(path)) for path in sorted(above))
    return tuple((spell(path), entry) for path, entry in found if entry is not None)


def _forward(journal: Journal, header: Header, steps: Sequence[Step], notify: Notify, *, is_rerun: bool) -> Outcome:
    workspace, upper = Path(unspell(header.workspace)), Path(unspell(header.upper))
    with Tree(workspace) as host, Tree(upper) as layer, Tree(journal.contents) as contents:
        job = Job(
            steps=steps,
            source=lambda step: contents.reading(str(step.number)) if step.is_composed else layer.reading(step.path),
            token=header.token,
            parents=[(unspell(path), entry) for path, entry in header.parents],
            is_rerun=is_rerun,
            notify=notify,
        )
        try:
            states: dict[str, Entry | None] = dict(execute(job, host))
        except (OSError, VibedomError) as error:
            why = _place(error) if isinstance(error, OSError) else str(error)
            if trouble := _trouble_with_taking_back(journal, header, steps, notify):
                raise WorkspaceError(
                    f"the apply stopped ({why}), and not all of it could be taken back: {trouble}"
                ) from error
            if isinstance(error, VibedomError):
                raise
            raise WorkspaceError(f"what was applied has been taken back: {why}") from error
        states |= _unharmed(header, host)
    base = Path(unspell(header.base_file))
    with _recording(journal):
        amend_base(base, states.items())
        settle(base, [(step.path, step.agents) for step in steps if step.settles])
        notify("recorded")
        journal.enter("applied")
    return Outcome(action="applied", paths=tuple(step.path for step in steps), journal=journal.directory)


def _trouble_with_taking_back(journal: Journal, header: Header, steps: Sequence[Step], notify: Notify) -> str:
    """Take back what an apply did before it failed. What stopped that, in words, or ""."""
    try:
        journal.enter("undoing")
        backward(journal, header, steps, notify, is_rerun=True, is_lenient=True)
    except OSError as error:
        return f"{_place(error)}; `vibedom undo` goes on with it"
    except VibedomError as error:
        return str(error)
    return ""


def _unharmed(header: Header, host: Tree) -> dict[str, Entry | None]:
    return dict(unharmed([(unspell(path), entry) for path, entry in header.twins], host))


def backward(
    journal: Journal,
    header: Header,
    steps: Sequence[Step],
    notify: Notify,
    *,
    is_rerun: bool,
    is_lenient: bool = False,
) -> Outcome:
    """Take the steps back, in a journal that is `undoing`."""
    with Tree(Path(unspell(header.workspace))) as host, Tree(journal.directory / "backup") as backups:
        job = Job(
            steps=[step.turned_round() for step in steps],
            source=lambda step: backups.reading(str(step.number)),
            token=header.token,
            parents=[(unspell(path), entry) for path, entry in header.parents],
            restores_times=True,
            is_rerun=is_rerun,
            is_lenient=is_lenient,
            notify=notify,
        )
        try:
            states = execute(job, host)
        except OSError as error:
            raise WorkspaceError(f"the undo stopped: {_place(error)}; `vibedom undo` goes on from there") from error
        others = _unharmed(header, host)
    # A host edit that was overwritten is a conflict again: the base must not say that the agent has seen it.
    seen = [(each.path, each.old if each.overwrites else states[each.path]) for each in steps if each.path in states]
    base = Path(unspell(header.base_file))
    with _recording(journal):
        amend_base(base, [*seen, *others.items()])
        unsettle(base, [step.path for step in steps if step.settles])
        notify("recorded")
        journal.enter("undone")
    return Outcome(action="undone", paths=tuple(step.path for step in steps), journal=journal.directory)


@contextmanager
def _recording(journal: Journal) -> Iterator[None]:
    """The project is as it should be, and only the session has to hear of it."""
    try:
        yield
    except OSError as error:
        raise WorkspaceError(
            f"the project's files are done, but {journal.directory.parent.parent} could not be written"
            f" ({error.strerror}); once it can, `vibedom apply` or `vibedom undo` goes on"
        ) from error


def _place(error: OSError) -> str:
    where = f"{visible(os.fsdecode(error.filename))}: " if error.filename else ""
    return f"{where}{error.strerror}"
