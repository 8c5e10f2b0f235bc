"""How long the diff of a few changes takes in a large project, against `diff -r` of the project and the agent's view.

python -m benchmarks.bench_diff [--json FILE] [--files 500000] [--changes 10] [--repeat 3] [--cold]

Needs root: the agent's view is a real overlay mount. The tree is made in a temporary directory, and removed. `--cold`
drops what the kernel keeps of all disks before each run, which makes the whole machine slow for a moment.
"""

import argparse
import json
import os
import resource
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec

from benchmarks.timing import machine
from vibedom.cli.diff_view import diff_lines
from vibedom.paths import Home
from vibedom.preflight.new_secrets import SecretFinder
from vibedom.sessions import SessionRecord, save
from vibedom.workspace.base import record_base
from vibedom.workspace.review import reviewing

PER_DIRECTORY = 100
SESSION = "calm-otter-1"
Figures = dict[str, float]


class How(msgspec.Struct, frozen=True):
    """How the programs are run."""

    environment: dict[str, str]
    is_cold: bool = False


def make_project(root: Path, files: int) -> None:
    """`files` small files, 100 in each directory."""
    for number in range(files // PER_DIRECTORY):
        directory = root / f"part{number // 100:03d}" / f"package{number:05d}"
        directory.mkdir(parents=True)
        for each in range(PER_DIRECTORY):
            with open(directory / f"module{each:03d}.py", "wb") as file:
                file.write(b"value = %d\n" % (number * PER_DIRECTORY + each))


@contextmanager
def agents_view(project: Path, home: Home) -> Iterator[Path]:
    """The overlay, mounted as the sandbox sees it."""
    directory, merged = home.session(SESSION), home.root / "merged"
    for each in (directory.upper, directory.work, merged):
        each.mkdir(parents=True)
    layers = f"lowerdir={project},upperdir={directory.upper},workdir={directory.work}"
    subprocess.run(["mount", "-t", "overlay", "overlay", "-o", layers, str(merged)], check=True)
    try:
        yield merged
    finally:
        subprocess.run(["umount", str(merged)], check=True)


def keep_session(project: Path, home: Home) -> None:
    """What `vibedom diff` looks for."""
    record = SessionRecord(
        id=SESSION, workspace=project, uid=0, gid=0, runtime="docker", command=(), created_at=1.0, owner_pid=1,
        owner_ticks=None, status="ended",
    )  # fmt: skip
    save(home, record)


def best(repeat: int, argv: list[str], how: How) -> tuple[float, float]:
    """Seconds on the clock, and of the processor, of the quickest run: on a busy machine only the latter tells much."""
    clock, processor = [], []
    for _ in range(repeat):
        if how.is_cold:
            os.sync()
            Path("/proc/sys/vm/drop_caches").write_text("3\n")
        start, used = time.perf_counter(), resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run(argv, env=how.environment, capture_output=True, check=False)
        clock.append(time.perf_counter() - start)
        now = resource.getrusage(resource.RUSAGE_CHILDREN)
        processor.append(now.ru_utime + now.ru_stime - used.ru_utime - used.ru_stime)
    return min(clock), min(processor)


def in_process(project: Path, home: Home, changes: int) -> float:
    """Seconds of the diff alone, its secrets looked for, without the start of Python and the loading of the rules."""
    finder, found = SecretFinder(home), []
    finder.conceal(b"rules are loaded when they are first needed")
    for _ in range(5):
        start = time.perf_counter()
        with reviewing(home.session(SESSION), project, scan=finder.scan, conceal=finder.conceal) as review:
            lines = list(diff_lines(review, review.changes, unfold=False))
        found.append(time.perf_counter() - start)
        assert lines.count("+changed = True") == changes
    return min(found)


def measure(files: int, changes: int, repeat: int, *, is_cold: bool) -> Figures:
    with tempfile.TemporaryDirectory(prefix="vibedom-bench-diff-") as directory:
        project, home = Path(directory) / "project", Home(root=Path(directory) / "home")
        make_project(project, files)
        figures: Figures = {"files": files, "changes": changes}
        with agents_view(project, home) as merged:
            start = time.perf_counter()
            record_base(project, home.session(SESSION).base)
            figures["record_base_seconds"] = time.perf_counter() - start
            keep_session(project, home)
            paths = sorted(project.glob("part*/package*/module050.py"))
            for path in paths[:: max(1, len(paths) // changes)][:changes]:
                with open(merged / path.relative_to(project), "ab") as file:
                    file.write(b"changed = True\n")
            environment = {**os.environ, "VIBEDOM_HOME": str(home.root)}
            how = How(environment, is_cold)
            vibedom = [sys.executable, "-m", "vibedom", "diff", SESSION]
            shown = subprocess.run(vibedom, env=environment, capture_output=True, check=True).stdout
            assert shown.count(b"\n+changed = True") == changes, shown
            figures["in_process_seconds"] = in_process(project, home, changes)
            for name, argv in (("vibedom_diff", vibedom), ("diff_r", ["diff", "-r", str(project), str(merged)])):
                seconds = best(repeat, argv, how)
                figures[f"{name}_seconds"], figures[f"{name}_processor_seconds"] = seconds
    figures["ratio_in_process_seconds"] = figures["diff_r_seconds"] / figures["in_process_seconds"]
    for kind in ("seconds", "processor_seconds"):
        figures[f"ratio_{kind}"] = figures[f"diff_r_{kind}"] / figures[f"vibedom_diff_{kind}"]
    return figures


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", metavar="FILE")
    parser.add_argument("--files", type=int, default=500_000)
    parser.add_argument("--changes", type=int, default=10)
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--cold", action="store_true")
    arguments = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(128 + number))  # the mount and the tree go first
    figures = measure(arguments.files, arguments.changes, arguments.repeat, is_cold=arguments.cold)
    for name, value in figures.items():
        sys.stdout.write(f"{name:30} {value:10.3f}\n")
    if arguments.json:
        Path(arguments.json).write_bytes(
            json.dumps({"machine": msgspec.to_builtins(machine()), **figures}, indent=2).encode()
        )


if __name__ == "__main__":
    main()
