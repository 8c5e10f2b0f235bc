"""A project whose overlay is written as the kernel would have, so that these tests need no root."""

from pathlib import Path

import pytest

from tests.support.overlay_writer import OverlayWriter
from tests.support.overlays import Project


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path)


@pytest.fixture
def agent(project: Project) -> OverlayWriter:
    """Edits the project through its overlay; the workspace has to be filled before."""
    return OverlayWriter(project.workspace, project.upper, project.merged)
