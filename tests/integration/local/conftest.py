"""Fixtures for what only the local runtime does."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.integration import runtimes
from tests.integration.runtimes import Box, locked, make_spec
from vibedom.sandbox.local import LocalRuntime


@pytest.fixture
async def runtime(tmp_path: Path) -> AsyncIterator[LocalRuntime]:
    found = await runtimes.runtime_or_skip("local", tmp_path / "state")
    assert isinstance(found, LocalRuntime)
    yield found
    assert await found.leftovers() == []
    await found.aclose()


@pytest.fixture
async def box(runtime: LocalRuntime, tmp_path: Path) -> AsyncIterator[Box]:
    """A locked sandbox with an idle main process."""
    async with locked(runtime, make_spec(tmp_path)) as found:
        await found.idle()
        yield found
