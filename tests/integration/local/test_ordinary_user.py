"""Root runs the whole suite of the local runtime once more as an ordinary user, who nobody on this machine is."""

import os
import re
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
OWN = "tests/integration/local/test_ordinary_user.py"
USER = 23456
SUITE = (
    "tests/integration/local",
    "tests/integration/test_runtime_conformance.py",
    "tests/integration/test_runtime_conformance_network.py",
    "tests/integration/test_runtime_conformance_process.py",
    "tests/attack/test_attempts.py",
)

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(900),
    pytest.mark.skipif(os.getuid() != 0, reason="whoever runs this is an ordinary user already"),
]


def copy_interpreter(target: Path) -> Mapping[str, str]:
    """A copy of this interpreter that everybody can run, and the environment it needs.

    The one that runs may lie below root's home, which nobody else can enter.
    """
    base = Path(sys.base_prefix)
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    leave_out = shutil.ignore_patterns("site-packages", "test", "idlelib", "config-*")
    shutil.copytree(base / "lib" / version, target / "lib" / version, ignore=leave_out)
    for library in (base / "lib").glob("libpython*.so*"):
        shutil.copy(library, target / "lib")
    (target / "bin").mkdir()
    shutil.copy(Path(sys.executable).resolve(), target / "bin" / version)
    packages = sysconfig.get_paths()["purelib"]
    return {
        "PATH": f"{target / 'bin'}:/usr/bin:/bin:/usr/sbin:/sbin",
        "LD_LIBRARY_PATH": str(target / "lib"),
        "PYTHONPATH": f"{packages}:{ROOT}",
        "INTERPRETER": str(target / "bin" / version),
    }


@pytest.fixture
def place() -> Iterator[Path]:
    """A directory everybody can enter: pytest's own are closed to others by every other pytest that starts."""
    directory = Path(tempfile.mkdtemp(prefix="vibedom-ordinary-"))
    directory.chmod(0o755)
    yield directory
    shutil.rmtree(directory)


@pytest.mark.timeout(900)
def test_the_suite_passes_for_an_ordinary_user(place: Path) -> None:
    environment = copy_interpreter(place / "python")
    home = place / "home"
    home.mkdir()
    os.chown(home, USER, USER)
    options = ["-q", "-p", "no:cacheprovider", "-k", "not docker", "--basetemp", str(home / "tmp"), "--deselect", OWN]
    done = subprocess.run(
        [environment["INTERPRETER"], "-m", "pytest", *options, *SUITE],
        cwd=ROOT,
        env={**environment, "HOME": str(home), "CI": "true", "COLUMNS": "200"},
        user=USER,
        group=USER,
        extra_groups=[],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]
    assert int(re.search(r"(\d+) passed", done.stdout)[1]) > 150  # type: ignore[index]
