"""The sandbox image in the engine: missing, outdated, current; and roots that are imported as images."""

import io
import os
import subprocess
import sys
import tarfile
from collections.abc import AsyncIterator
from pathlib import Path

import aiodocker
import pytest

from vibedom.errors import RuntimeUnavailableError
from vibedom.sandbox import docker_image, image
from vibedom.sandbox.docker import DockerRuntime, image_problem

pytestmark = [pytest.mark.anyio, pytest.mark.engine]

NAME = f"vibedom-test/tiny-{os.getpid()}:latest"


@pytest.fixture
async def tiny_root(docker: aiodocker.Docker, tmp_path: Path) -> AsyncIterator[Path]:
    """A root file system of one file whose size is no multiple of a tar block; its image is removed at the end."""
    content = b"hello" * 101
    with tarfile.open(tmp_path / "root.tar", "w") as tar:
        entry = tarfile.TarInfo("etc/hello")
        entry.size = len(content)
        tar.addfile(entry, io.BytesIO(content))
    yield tmp_path / "root.tar"
    if await docker_image.inspect(docker, NAME) is not None:
        await docker.images.delete(NAME, force=True)


async def test_a_missing_image_is_named_with_the_command_that_makes_it(runtime: DockerRuntime) -> None:
    reason = await image_problem(runtime.engine(), "vibedom-test/missing:latest")
    assert reason is not None
    assert "vibedom-test/missing:latest is missing" in reason
    assert "vibedom image build --from debian" in reason


async def test_an_image_of_another_recipe_is_outdated_and_one_of_this_recipe_is_not(
    runtime: DockerRuntime, docker: aiodocker.Docker, tiny_root: Path
) -> None:
    old = image.labels("debian") | {image.LABEL_RECIPE: "0" * 64}
    await docker_image.import_root(docker, tiny_root, name=NAME, labels=old)
    assert "another version" in (await image_problem(runtime.engine(), NAME) or "")
    await docker_image.import_root(docker, tiny_root, name=NAME, labels=image.labels("debian"))
    assert await image_problem(runtime.engine(), NAME) is None


async def test_an_imported_root_is_the_containers_root(docker: aiodocker.Docker, tiny_root: Path) -> None:
    await docker_image.import_root(docker, tiny_root, name=NAME, labels={})
    container = await docker.containers.create({"Image": NAME, "Cmd": ["/nothing"]})
    try:
        found = (await container.get_archive("/etc/hello")).extractfile("hello")
        assert found is not None
        assert found.read() == b"hello" * 101
    finally:
        await container.delete(force=True)


async def test_a_base_that_cannot_be_had_names_the_way_without_a_registry(docker: aiodocker.Docker) -> None:
    with pytest.raises(RuntimeUnavailableError, match="--from debian"):
        await docker_image.build_alpine(docker, base="vibedom-test.invalid/no-such-base:1", name=NAME)


async def test_building_again_does_nothing(docker: aiodocker.Docker) -> None:
    before = await docker_image.inspect(docker, image.NAME)
    assert before is not None
    source = before["Config"]["Labels"][image.LABEL_FROM]
    done = subprocess.run(  # noqa: ASYNC221
        [sys.executable, "-m", "vibedom", "image", "build", "--from", source],
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert (done.returncode, done.stdout) == (0, f"{image.NAME} is current\n"), done.stderr
    after = await docker_image.inspect(docker, image.NAME)
    assert after is not None
    assert after["Id"] == before["Id"]
