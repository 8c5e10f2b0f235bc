"""One event loop for a module: a sandbox is made once, and many attempts are made in it."""

import pytest


@pytest.fixture(scope="module")
def anyio_backend() -> str:
    return "asyncio"
