"""What tests of commands share."""

from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def rules_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One state directory for all tests that need the shipped rules: compiling them takes seconds."""
    return tmp_path_factory.mktemp("rules-home")


@pytest.fixture
def with_rules(rules_home: Path, private_home: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("VIBEDOM_HOME", str(rules_home))
    return rules_home
