"""Images as files: what a build gets, and an image made of one root file system."""

import hashlib
import io
import json
import tarfile
from collections.abc import AsyncIterator, Mapping
from pathlib import Path

import anyio
import msgspec

from vibedom.sandbox import image

_CHUNK_BYTES = 1 << 20


def build_context() -> io.BytesIO:
    """A tar with the Dockerfile alone: nothing else of this machine goes to the engine."""
    context = io.BytesIO()
    content = image.recipe("Dockerfile")
    with tarfile.open(fileobj=context, mode="w") as tar:
        tar.addfile(_entry("Dockerfile", len(content)), io.BytesIO(content))
    context.seek(0)
    return context


class Layer(msgspec.Struct, frozen=True, kw_only=True):
    """A root file system as an uncompressed tar."""

    path: Path
    bytes_: int
    sha256: str


async def read_layer(path: Path) -> Layer:
    """Measure a tar; hashing 250 MB takes about half a second, in a thread."""

    def measure() -> Layer:
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        return Layer(path=path, bytes_=path.stat().st_size, sha256=digest)

    return await anyio.to_thread.run_sync(measure)


async def archive(
    layer: Layer, *, name: str, architecture: str, image_labels: Mapping[str, str]
) -> AsyncIterator[bytes]:
    """An image of that one layer in the format of `docker save`, streamed: the layer is not copied or held."""
    config = _config(layer, architecture, image_labels)
    config_name = hashlib.sha256(config).hexdigest() + ".json"
    manifest = json.dumps([{"Config": config_name, "RepoTags": [name], "Layers": ["layer.tar"]}]).encode()
    for file_name, content in ((config_name, config), ("manifest.json", manifest)):
        yield _entry(file_name, len(content)).tobuf() + content + _padding(len(content))
    yield _entry("layer.tar", layer.bytes_).tobuf()
    async with await anyio.open_file(layer.path, "rb") as file:
        while chunk := await file.read(_CHUNK_BYTES):
            yield chunk
    yield _padding(layer.bytes_) + bytes(2 * tarfile.BLOCKSIZE)


def _config(layer: Layer, architecture: str, image_labels: Mapping[str, str]) -> bytes:
    path = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
    return json.dumps(
        {
            "architecture": architecture,
            "os": "linux",
            "config": {"Env": [f"PATH={path}"], "Cmd": ["/bin/sh"], "Labels": dict(image_labels)},
            "rootfs": {"type": "layers", "diff_ids": [f"sha256:{layer.sha256}"]},
            "history": [{"created_by": "vibedom image build"}],
        },
        sort_keys=True,
    ).encode()


def _entry(name: str, size: int) -> tarfile.TarInfo:
    entry = tarfile.TarInfo(name)
    entry.size = size
    return entry


def _padding(size: int) -> bytes:
    return bytes(-size % tarfile.BLOCKSIZE)
