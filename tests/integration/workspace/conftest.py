"""A project with a real overlay; needs root."""

import os
from pathlib import Path

import pytest

from tests.support.overlays import Project


@pytest.fixture
def project(tmp_path: Path) -> Project:
    if os.geteuid() != 0:
        pytest.skip("mounting an overlay needs root; the same is tested with written upper directories in tests/unit")
    return Project(tmp_path)
