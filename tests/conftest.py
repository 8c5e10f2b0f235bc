"""What every test has: the asyncio backend for async tests, and no state of the user's."""

from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

# A loaded machine is slow, not wrong.
settings.register_profile("vibedom", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("vibedom")


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(autouse=True)
def private_home(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """No test reads or writes the real state directory."""
    home = tmp_path_factory.mktemp("vibedom-home")
    monkeypatch.setenv("VIBEDOM_HOME", str(home))
    return home
