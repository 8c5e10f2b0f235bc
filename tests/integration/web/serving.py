"""Pages served beside a test: by an event loop in a thread, or by the command in a process of its own."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import AbstractAsyncContextManager, contextmanager
from pathlib import Path

from anyio.from_thread import start_blocking_portal
from playwright.sync_api import Error, Page


@contextmanager
def served(serving: AbstractAsyncContextManager[str]) -> Iterator[str]:
    """Enter `serving` in a thread of its own and yield the address."""
    with start_blocking_portal("asyncio") as portal, portal.wrap_async_context_manager(serving) as url:
        yield url


@contextmanager
def command(*arguments: str, home: Path) -> Iterator[str]:
    """Run `vibedom ARGUMENTS --json` as its user does, until Ctrl-C, and yield the address it prints."""
    with subprocess.Popen(
        [sys.executable, "-m", "vibedom", *arguments, "--json"],
        env={**os.environ, "VIBEDOM_HOME": str(home)},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        said = ""
        while not said.endswith("}\n") and (line := process.stdout.readline()):
            said += line
        try:
            yield json.loads(said)["url"]
        finally:
            process.send_signal(signal.SIGINT)
            _, err = process.communicate(timeout=30)
    assert process.returncode == 128 + signal.SIGINT, err


def reach(page: Page, url: str) -> None:
    """Open a page as a user does, who tries again where Chromium says that the network has changed: a sandbox that
    another test starts or ends changes it."""
    for _ in range(20):
        try:
            page.goto(url)
            return
        except Error as error:
            if "ERR_NETWORK_CHANGED" not in str(error):
                raise
    raise AssertionError("the network of this machine does not come to rest")
