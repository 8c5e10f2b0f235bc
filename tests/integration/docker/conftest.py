"""A Docker Engine, and a locked sandbox on it."""

from collections.abc import AsyncIterator
from pathlib import Path

import aiodocker
import pytest

from tests.integration import runtimes
from tests.integration.runtimes import Box, locked, make_spec
from vibedom.sandbox.docker import DockerRuntime
from vibedom.sandbox.docker_engine import connect, disconnect


@pytest.fixture
async def runtime(tmp_path: Path) -> AsyncIterator[DockerRuntime]:
    found = await runtimes.runtime_or_skip("docker", tmp_path / "state")
    assert isinstance(found, DockerRuntime)
    yield found
    assert await found.leftovers() == []
    await found.aclose()


@pytest.fixture
async def docker(runtime: DockerRuntime) -> AsyncIterator[aiodocker.Docker]:
    found = connect(runtime.endpoint())
    yield found
    await disconnect(found)


@pytest.fixture
async def box(runtime: DockerRuntime, tmp_path: Path) -> AsyncIterator[Box]:
    """A locked sandbox in which an idle main process runs."""
    async with locked(runtime, make_spec(tmp_path)) as found:
        await found.idle()
        found.border.forget()
        yield found
