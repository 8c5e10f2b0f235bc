"""Where the time of a start goes, from Enter to the agent's first byte.

Each run is a process of its own that starts vibedom as its user does, and notes what it says it is doing and which call
the engine has answered. Printed is the run with the earliest first byte, in milliseconds since Enter.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

FROM, TO = "VIBEDOM_TIMELINE_FROM", "VIBEDOM_TIMELINE_TO"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runtime", choices=["docker", "local"], default="docker")
    parser.add_argument("--rounds", type=int, default=5, help="starts; the quickest counts")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as directory:
        root = Path(directory)
        (root / "project").mkdir()
        (root / "project" / "readme.txt").write_text("a project\n")
        (root / "state" / "config").mkdir(parents=True)
        (root / "state" / "config" / "trusted_domains.txt").write_text("api.example.com\n")
        # The first one compiles the rules.
        found = [one_run(root, args.runtime) for _ in range(args.rounds + 1)][1:]
    for at, what in min(found, key=lambda events: events[-1][0]):
        print(f"{at:7.0f} ms  {what}")
    return 0


def one_run(root: Path, runtime: str) -> list[tuple[float, str]]:
    """The events of one start; the first byte comes last."""
    notes = root / "notes"
    notes.unlink(missing_ok=True)
    start = time.time()
    environment = {**os.environ, "VIBEDOM_HOME": str(root / "state"), FROM: repr(start), TO: str(notes)}
    argv = [sys.executable, "-m", __spec__.name, "--watched", "run", str(root / "project"), "--runtime", runtime]
    pipe = subprocess.PIPE
    process = subprocess.Popen([*argv, "--", "echo", "x"], env=environment, stdout=pipe, stderr=pipe)
    assert process.stdout is not None
    got, first_byte = process.stdout.read(1), (time.time() - start) * 1000
    _, said = process.communicate()
    if got != b"x":
        raise RuntimeError(said.decode())
    events = [(float(at), str(what)) for at, what in map(json.loads, notes.read_text().splitlines())]
    return [*(event for event in events if event[0] < first_byte), (first_byte, "the agent's first byte")]


def watched() -> None:
    """vibedom itself, with its words and its calls to the engine noted."""
    start, notes = float(os.environ.pop(FROM)), Path(os.environ.pop(TO))

    def note(what: str) -> None:
        with notes.open("a") as file:
            file.write(json.dumps([(time.time() - start) * 1000, what]) + "\n")

    note("Python runs")
    from vibedom.cli import main as entry
    from vibedom.cli import render

    note("the command line is imported")

    def progress(text: str) -> None:
        if text:
            note(text)

    render.progress = progress
    _watch_the_engine(note)
    del sys.argv[1]
    entry.main()


def _watch_the_engine(note: Callable[[str], None]) -> None:
    """Both clients, the thread's and the event loop's."""
    from vibedom.sandbox.docker_caller import Caller
    from vibedom.sandbox.docker_client import EngineClient

    called, asked, attached = Caller.call, EngineClient._call, EngineClient.attach

    def call(self: Any, what: str, method: str, path: str, *rest: Any, **named: Any) -> Any:
        with _timed(note, f"  {method} {_short(path)} (foundation)"):
            return called(self, what, method, path, *rest, **named)

    async def ask(self: Any, what: str, method: str, path: str, *rest: Any, **named: Any) -> Any:
        with _timed(note, f"  {method} {_short(path)}"):
            return await asked(self, what, method, path, *rest, **named)

    async def attach(self: Any, what: str, path: str, *rest: Any, **named: Any) -> Any:
        with _timed(note, f"  POST {_short(path)}"):
            return await attached(self, what, path, *rest, **named)

    Caller.call, EngineClient._call, EngineClient.attach = call, ask, attach  # type: ignore[method-assign]


def _short(path: str) -> str:
    """Without the version and what is only an id."""
    return "/".join(part for part in path.split("/") if part and len(part) < 60 and not part.startswith("v1."))


@contextmanager
def _timed(note: Callable[[str], None], what: str) -> Iterator[None]:
    start = time.time()
    try:
        yield
    finally:
        note(f"{what}: {(time.time() - start) * 1000:.0f} ms")


if __name__ == "__main__":
    if sys.argv[1:2] == ["--watched"]:
        watched()
    else:
        sys.exit(main())
