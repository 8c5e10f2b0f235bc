"""The processes of a scan: which find the same as one alone, and end with it."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.support.scrubbing import TOKEN, fingerprint
from vibedom.paths import Home
from vibedom.preflight.builtin import scan_paths
from vibedom.preflight.crew import Crew, Help
from vibedom.preflight.file_search import FileSearch
from vibedom.preflight.spawned_crew import Brief, spawn_crew
from vibedom.rule_files import load_engine

DEADLINE_SECONDS = 60.0
VIBEDOM = "import sys; from vibedom.cli.main import main; sys.argv[0] = 'vibedom'; main()"


def test_processes_started_for_a_scan_find_what_it_finds_alone(tmp_path: Path, rules_home: Path) -> None:
    for number in range(150):
        (tmp_path / f"f{number}.txt").write_bytes(b"bob@mail.test\n" * number + (TOKEN if number % 10 == 0 else b""))
    home = Home(root=rules_home)
    started: list[int] = []

    def recruit(search: FileSearch, count: int) -> Crew:
        started.append(count)
        return spawn_crew(Brief(home, (), tmp_path, search.max_file_bytes, search.deadline, pii=False), count)

    engine = load_engine(home, ())
    alone = scan_paths(tmp_path, engine=engine, fingerprint=fingerprint, jobs=1, pii=False)
    helped = scan_paths(
        tmp_path, engine=engine, fingerprint=fingerprint, jobs=2, pii=False, crew_help=Help(-1.0, recruit)
    )
    assert started == [2]
    places = [(each.file, each.rule, each.start_line) for each in alone.findings]
    assert [(each.file, each.rule, each.start_line) for each in helped.findings] == places
    assert (helped.files, helped.bytes, len(places)) == (alone.files, alone.bytes, 15)


@pytest.fixture
def big_tree(tmp_path: Path) -> Path:
    """Gigabytes, in the room of a megabyte."""
    root = tmp_path / "big"
    root.mkdir()
    first = root / "0.txt"
    first.write_bytes(b"rows = [row.price for row in rows]  # \\x41\n" * 25_000)
    for number in range(1, 3000):
        os.link(first, root / f"{number}.txt")
    return root


def state(process: str) -> tuple[str, int]:
    """Its state, as a letter, and its parent."""
    try:
        fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return "gone", 0
    return fields[0], int(fields[1])


def children(process: int) -> list[str]:
    return [each for each in os.listdir("/proc") if each.isdigit() and state(each)[1] == process]


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="processes are looked up in /proc")
def test_ctrl_c_ends_a_scan_and_all_its_processes(rules_home: Path, big_tree: Path) -> None:
    load_engine(Home(root=rules_home), (), pii=False)
    scan = subprocess.Popen(
        [sys.executable, "-c", VIBEDOM, "scan", "--jobs", "2", str(big_tree)],
        env={**os.environ, "VIBEDOM_HOME": str(rules_home)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        process_group=0,
    )
    deadline = time.monotonic() + DEADLINE_SECONDS
    with scan:
        while len(crew := children(scan.pid)) < 2:
            assert scan.poll() is None
            assert time.monotonic() < deadline
        os.killpg(scan.pid, signal.SIGINT)
        out, err = scan.communicate(timeout=DEADLINE_SECONDS)
    assert (scan.returncode, out, err.strip()) == (130, b"", b"")
    assert {state(each)[0] for each in crew} <= {"gone", "Z"}
