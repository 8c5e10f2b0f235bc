"""A crew out of a process of its own, for a scan in a process that has threads and cannot be copied.

`python -m vibedom.preflight.spawned_crew` reads a `Brief` from its standard input, which is a socket, makes the search
that it describes, and copies itself once for each socket that it was given.
"""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Sequence
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import NamedTuple

from vibedom.errors import NotScannedError
from vibedom.fingerprints import fingerprinter
from vibedom.paths import Home
from vibedom.preflight.channel import Channel
from vibedom.preflight.crew import Crew, work
from vibedom.preflight.file_search import FileSearch
from vibedom.preflight.ignore_files import GitleaksIgnore
from vibedom.rule_files import load_engine, load_hints


class Brief(NamedTuple):
    """All that makes a search."""

    home: Home
    rule_files: tuple[str, ...]
    root: Path
    max_file_bytes: int
    deadline: float
    pii: bool

    def search(self) -> FileSearch:
        """Raises `SettingsError`."""
        load_hints(self.home)
        return FileSearch(
            load_engine(self.home, self.rule_files),
            fingerprinter(self.home),
            GitleaksIgnore(self.root),
            max_file_bytes=self.max_file_bytes,
            deadline=self.deadline,
            pii=self.pii,
        )


def spawn_crew(brief: Brief, count: int) -> Crew:
    """`count` processes that search as `brief` says; they are asked at once, and answer when they have loaded the
    rules. Raises `NotScannedError`."""
    with ExitStack() as given:
        pairs = [socket.socketpair() for _ in range(count + 1)]
        for _, theirs in pairs:
            given.enter_context(theirs)
        inherited = [theirs.fileno() for _, theirs in pairs[1:]]
        try:
            process = subprocess.Popen(
                # -P: the current directory is a project, and no place to import from.
                [sys.executable, "-P", "-m", "vibedom.preflight.spawned_crew", *map(str, inherited)],
                stdin=pairs[0][1].fileno(),
                stdout=subprocess.DEVNULL,
                pass_fds=inherited,
                start_new_session=True,  # the terminal's Ctrl-C is for this process, which ends the crew
            )
        except OSError as error:
            raise NotScannedError(f"no process for the scan can be started: {error.strerror}") from None
    told, *channels = (Channel(ours) for ours, _ in pairs)
    crew = Crew([*channels], lambda: _end(process))
    try:
        told.send(brief)
    except OSError:
        pass  # it has ended already, as the crew will say when it is asked
    finally:
        told.close()
    return crew


def _end(process: "subprocess.Popen[bytes]") -> None:
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def main(arguments: Sequence[str]) -> None:
    told = Channel(socket.socket(fileno=os.dup(0)))
    brief: Brief = told.receive()
    told.close()
    ends = [socket.socket(fileno=int(each)) for each in arguments]
    search = brief.search()
    for number, end in enumerate(ends):
        if not os.fork():
            work(end, search, not_ours=[*ends[:number], *ends[number + 1 :]])
    for end in ends:
        end.close()
    for _ in ends:
        os.wait()


if __name__ == "__main__":
    main(sys.argv[1:])
