"""One event loop for a module, and the rules compiled once: what a user has from the second run on."""

import pytest

from vibedom.paths import Home


@pytest.fixture(scope="module")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="session")
def rules(tmp_path_factory: pytest.TempPathFactory) -> Home:
    """The first siege compiles them, the others find them."""
    return Home(root=tmp_path_factory.mktemp("rules"))
