"""Takes the last apply back, byte for byte."""

from pathlib import Path

from vibedom.errors import ConflictError, WorkspaceError
from vibedom.workspace.apply import Notify, Outcome, backward
from vibedom.workspace.journal import locked
from vibedom.workspace.spelling import unspell, visible
from vibedom.workspace.step import is_at
from vibedom.workspace.tree import Tree


def undo(journal_dir: Path, *, is_lenient: bool = False, notify: Notify = lambda event: None) -> Outcome:
    """Undo the last apply that has not been undone: content, modes and mtimes are what they were.

    Raises `ConflictError`, before anything is touched, where a path was edited since the apply (`is_lenient` leaves
    such paths alone instead), and `WorkspaceError` where there is nothing to undo.
    """
    with locked(journal_dir) as journals:
        applied = [journal for journal in journals if journal.state in ("applying", "applied", "undoing")]
        if not applied:
            raise WorkspaceError("nothing of this session has been applied, so there is nothing to undo")
        journal = applied[-1]
        was_interrupted = journal.state != "applied"
        header, steps = journal.read()
        if not is_lenient and not was_interrupted:
            with Tree(Path(unspell(header.workspace))) as host:
                edited = [step.path for step in steps if not is_at(host, step.path, step.after)]
            if edited:
                more = f" and {len(edited) - 1} more" if len(edited) > 1 else ""
                raise ConflictError(f"{visible(edited[0])}{more} was edited since it was applied; nothing was undone")
        journal.enter("undoing")
        return backward(journal, header, steps, notify, is_rerun=was_interrupted, is_lenient=is_lenient)
