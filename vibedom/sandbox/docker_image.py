"""Images in the engine: the sandbox image's state, its two builds, and images imported from a root file system."""

import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import aiodocker
import msgspec

from vibedom.errors import RuntimeUnavailableError, SandboxError
from vibedom.sandbox import debian, image, image_archive
from vibedom.sandbox.docker_endpoint import Endpoint, one_line
from vibedom.sandbox.docker_engine import asking, connect, disconnect

BUILD_SECONDS = 900.0
LOAD_SECONDS = 300.0


async def inspect(docker: aiodocker.Docker, name: str) -> dict[str, Any] | None:
    """What the engine knows of an image, or None where it has none of that name."""
    with asking(f"inspect the image {one_line(name, 80)}", missing_ok=True):
        return await docker.images.inspect(name)
    return None


async def pull(endpoint: Endpoint, name: str) -> None:
    """Have an agent's image. Raises `RuntimeUnavailableError` with the way out where it cannot be had."""
    docker = connect(endpoint)
    try:
        with asking(f"pull {one_line(name, 80)}", BUILD_SECONDS):
            await docker.images.pull(name)
    except SandboxError as exc:
        reason = str(exc).rpartition(": ")[2]
        raise RuntimeUnavailableError(
            f"the agent's image {one_line(name, 80)} is not in the engine and cannot be pulled ({reason}); "
            "check the name, or `docker pull` it by hand"
        ) from exc
    finally:
        await disconnect(docker)


async def is_current(docker: aiodocker.Docker, source: str, base: str) -> bool:
    """Whether the sandbox image is what a build from `source` (and `base`) would make."""
    found = await inspect(docker, image.NAME)
    labels = (found or {}).get("Config", {}).get("Labels") or {}
    wanted = image.labels("debian") if source == "debian" else image.labels("alpine", base)
    return {name: labels.get(name) for name in wanted} == wanted


class Found(msgspec.Struct, frozen=True, kw_only=True):
    """One image in the engine that was made by vibedom."""

    name: str
    source: str
    bytes_: int = msgspec.field(name="bytes")
    is_current: bool


async def made_here(docker: aiodocker.Docker) -> list[Found]:
    """Every image with vibedom's label, untagged ones too."""
    with asking("list the images"):
        entries = await docker.images.list(filters={"label": [image.LABEL_RECIPE]})
    return [
        Found(
            name=(entry.get("RepoTags") or [entry["Id"].removeprefix("sha256:")[:12]])[0],
            source=entry["Labels"].get(image.LABEL_FROM, ""),
            bytes_=entry["Size"],
            is_current=image.is_current(entry["Labels"]),
        )
        for entry in entries
    ]


async def build_alpine(docker: aiodocker.Docker, *, base: str = image.DEFAULT_BASE, name: str = image.NAME) -> None:
    """Build the image from the Dockerfile on top of `base`. Raises with the way out where the base cannot be had."""
    await _have_base(docker, base)
    with asking("build the sandbox image", BUILD_SECONDS):
        await docker.images.build(
            fileobj=image_archive.build_context(),
            encoding="identity",
            tag=name,
            buildargs={"BASE": base},
            labels=image.labels("alpine", base),
            forcerm=True,
        )


async def _have_base(docker: aiodocker.Docker, base: str) -> None:
    if await inspect(docker, base) is not None:
        return
    try:
        with asking(f"pull {base}", BUILD_SECONDS):
            await docker.images.pull(base)
    except SandboxError as exc:
        # The last clause is the reason ("no such host", "manifest unknown"); what stands before is the way there.
        reason = str(exc).rpartition(": ")[2]
        raise RuntimeUnavailableError(
            f"the base image {base} cannot be pulled ({reason}); where no image registry can be reached, "
            "`vibedom image build --from debian` makes the same image from this machine's own packages"
        ) from exc


async def build_debian(docker: aiodocker.Docker, *, name: str = image.NAME) -> None:
    """Bootstrap the image from this machine's own package sources and give it to the engine."""
    with tempfile.TemporaryDirectory(prefix="vibedom-image-") as directory:
        root = Path(directory) / "rootfs.tar"
        await debian.bootstrap(root)
        await import_root(docker, root, name=name, labels=image.labels("debian"))


async def import_root(docker: aiodocker.Docker, root: Path, *, name: str, labels: Mapping[str, str]) -> None:
    """Make the image `name` of the uncompressed tar `root`."""
    layer = await image_archive.read_layer(root)
    stream = image_archive.archive(layer, name=name, architecture=debian.architecture(), image_labels=labels)
    with asking("import the image", LOAD_SECONDS):
        await docker.images.import_image(stream)
