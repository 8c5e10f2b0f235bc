"""From Enter to the agent's first byte: `vibedom run` on each runtime, beside the bare sandbox tools in the same run.

Baselines: `bwrap --ro-bind / / true` (local), `docker run --rm IMAGE true` (docker), and a Python that imports what
`vibedom run` imports. Medians of wall time; ratios are to the baseline named beside them.
"""

import argparse
import json
import os
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

IMPORTS = "import vibedom.cli.main, vibedom.cli.run, vibedom.cli.run_session, vibedom.sandbox."


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=7, help="runs of each; the median counts")
    parser.add_argument("--json", metavar="FILE", help="write the figures to FILE as well")
    args = parser.parse_args(argv)
    figures = measure(args.rounds)
    for row in figures["rows"]:
        ratio = f"{row['ratio']:.2f}x {row['baseline']}" if row["baseline"] else ""
        print(f"{row['name']:34} {row['median_seconds'] * 1000:8.0f} ms   {ratio}")
    if args.json:
        Path(args.json).write_text(json.dumps(figures, indent=1) + "\n")
    return 0


def measure(rounds: int) -> dict[str, object]:
    rows: list[dict[str, object]] = []

    def add(name: str, command: Callable[[], None], baseline: str = "") -> None:
        median = timed(command, rounds)
        base = next((row["median_seconds"] for row in rows if row["name"] == baseline), None)
        ratio = median / base if isinstance(base, float) else None
        rows.append({"name": name, "median_seconds": median, "baseline": baseline, "ratio": ratio})

    with tempfile.TemporaryDirectory() as directory:
        project = Path(directory) / "project"
        project.mkdir()
        (project / "readme.txt").write_text("a project\n")
        state = Path(directory) / "state"
        (state / "config").mkdir(parents=True)
        (state / "config" / "trusted_domains.txt").write_text("api.example.com\n")
        add("python -c pass", ran([sys.executable, "-c", "pass"]))
        add("vibedom --help", ran([sys.executable, "-m", "vibedom", "--help"]), "python -c pass")
        for runtime, bare in baselines():
            name = f"imports of run --runtime {runtime}"
            add(name, ran([sys.executable, "-c", IMPORTS + runtime]), "python -c pass")
            add(bare[0], ran(bare[1]))
            add(f"vibedom run --runtime {runtime}", first_byte(project, state, runtime), bare[0])
    return {"machine": platform.platform(), "rounds": rounds, "rows": rows}


def baselines() -> list[tuple[str, tuple[str, list[str]]]]:
    """Runtimes that work here, with the bare tool each is compared with."""
    found = []
    if shutil.which("bwrap"):
        found.append(("local", ("bwrap --ro-bind / / true", ["bwrap", "--ro-bind", "/", "/", "true"])))
    image = "vibedom/sandbox:latest"
    has_image = (
        shutil.which("docker")
        and not subprocess.run(["docker", "image", "inspect", image], capture_output=True, check=False).returncode
    )
    if has_image:
        found.append(("docker", ("docker run --rm IMAGE true", ["docker", "run", "--rm", image, "true"])))
    return found


def ran(command: list[str]) -> Callable[[], None]:
    return lambda: subprocess.run(command, check=True, capture_output=True) and None


def first_byte(project: Path, state: Path, runtime: str) -> Callable[[], None]:
    """Runs `echo` in a sandbox and returns at its first byte; the rest of the session is not timed."""
    argv = [sys.executable, "-m", "vibedom", "run", str(project), "--runtime", runtime, "--", "echo", "x"]
    environment = {**os.environ, "VIBEDOM_HOME": str(state)}
    running: list[subprocess.Popen[bytes]] = []

    def once() -> None:
        process = subprocess.Popen(argv, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        running.append(process)
        assert process.stdout is not None
        if process.stdout.read(1) != b"x":
            raise RuntimeError(process.communicate()[1].decode())

    def finish() -> None:
        while running:
            running.pop().communicate()

    once.finish = finish  # type: ignore[attr-defined]
    return once


def timed(command: Callable[[], None], rounds: int) -> float:
    """Median seconds; the first run warms caches and does not count."""
    seconds = []
    for number in range(rounds + 1):
        start = time.perf_counter()
        command()
        if number:
            seconds.append(time.perf_counter() - start)
        getattr(command, "finish", lambda: None)()
    return statistics.median(seconds)


if __name__ == "__main__":
    sys.exit(main())
