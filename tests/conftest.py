"""What every test has: the asyncio backend for async tests, and no state of the user's."""

import signal
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

# A loaded machine is slow, not wrong.
settings.register_profile("vibedom", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("vibedom")

# A shell that starts this in the background has Ctrl-C ignored, and so would all that a test starts and interrupts.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(autouse=True)
def private_home(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """No test reads or writes the real state directory."""
    home = tmp_path_factory.mktemp("vibedom-home")
    monkeypatch.setenv("VIBEDOM_HOME", str(home))
    return home
