"""Tells the user that a host is asked about: on the session's terminal, and on the desktop where there is one."""

from collections.abc import Sequence

import anyio

from vibedom import desktop
from vibedom.approval import Approvals
from vibedom.control.messages import Question
from vibedom.policy_file import ApprovalSettings
from vibedom.session_control import SessionControl

BELL = b"\x07"
KEEP_TITLE = b"\x1b[22;2t"
RESTORE_TITLE = b"\x1b[23;2t"


async def announce(approvals: Approvals, control: SessionControl, settings: ApprovalSettings) -> None:
    """Until cancelled. Nothing is written over what the agent draws: the bell rings and the title changes, until
    nothing is asked any more."""
    told: set[int] = set()
    async with anyio.create_task_group() as group:
        while True:
            changed = approvals.next_change()
            waiting = [question for question in approvals.questions() if question.waiting]
            fresh = [question for question in waiting if question.id not in told]
            is_over = bool(told) and not waiting
            if settings.bell and control.console is not None and (fresh or is_over):
                await control.console.notify(notice(waiting))
            if settings.desktop:
                for question in fresh:
                    group.start_soon(desktop.notify, "vibedom", words(question))
            told = {question.id for question in waiting}
            await changed.wait()


def notice(waiting: Sequence[Question]) -> bytes:
    """What a terminal is sent: bell and title, or the title it had before."""
    return notice_of_words(words(waiting[0]) if waiting else "")


def notice_of_words(text: str) -> bytes:
    """The same for `text` of vibedom's own; empty: it is over."""
    if not text:
        return RESTORE_TITLE
    return KEEP_TITLE + b"\x1b]2;" + text.encode() + b"\x1b\\" + BELL


def words(question: Question) -> str:
    """One line; a host is canonical, so it holds nothing but letters, digits, dots, hyphens and colons."""
    return f"{question.host}:{question.port} is asked for - vibedom approve {question.id}"
