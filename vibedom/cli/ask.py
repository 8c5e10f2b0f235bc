"""Asks the user on the terminal. Questions go to stderr, so that stdout holds results only."""

import sys

import anyio.to_thread

from vibedom.cli import render


def can_ask() -> bool:
    """Whether somebody is there to answer."""
    return sys.stdin.isatty() and sys.stderr.isatty()


async def ask(question: str) -> str:
    """One line of answer, stripped, in lower case; "" at the end of the input."""
    render.err(question, "bold")
    line: str = await anyio.to_thread.run_sync(sys.stdin.readline, abandon_on_cancel=True)
    return line.strip().lower()


async def confirm(question: str) -> bool:
    """Yes or no; anything but a clear yes is no."""
    return await ask(f"{question} [y/N]") in ("y", "yes")
