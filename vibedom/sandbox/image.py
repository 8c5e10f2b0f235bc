"""The sandbox image: its name, its recipes, and the hash that says whether an image is current."""

import hashlib
import io
import json
import tarfile
from collections.abc import AsyncIterator, Mapping
from importlib.resources import files
from pathlib import Path
from typing import Literal

import anyio
import msgspec

NAME = "vibedom/sandbox:latest"
"""The holder's image, and the agent's where the user names no other."""
LABEL_RECIPE = "vibedom.recipe"
LABEL_FROM = "vibedom.from"
LABEL_BASE = "vibedom.base"

Source = Literal["alpine", "debian"]
SOURCES: tuple[Source, ...] = ("alpine", "debian")
DEFAULT_BASE = "alpine:3.23"

_RECIPES: Mapping[Source, tuple[str, ...]] = {"alpine": ("Dockerfile",), "debian": ("debian.packages",)}
_RECIPE_VERSION = "1"
"""Raised when `debian.py` or the image's configuration below changes what an image holds."""
_CHUNK_BYTES = 1 << 20


def recipe(name: str) -> bytes:
    """A file of `vibedom/sandbox/image/`."""
    return (files("vibedom.sandbox") / "image" / name).read_bytes()


def recipe_hash(source: Source) -> str:
    """Hex digest of everything an image of that source is made from."""
    digest = hashlib.sha256(f"{_RECIPE_VERSION} {source}".encode())
    for name in _RECIPES[source]:
        digest.update(hashlib.sha256(recipe(name)).digest())
    return digest.hexdigest()


def labels(source: Source, base: str = "") -> dict[str, str]:
    """Labels of an image built now; `base` is what the Dockerfile started from."""
    return {LABEL_FROM: source, LABEL_BASE: base, LABEL_RECIPE: recipe_hash(source)}


def is_current(image_labels: Mapping[str, str] | None) -> bool:
    """Whether an image with these labels was made by the recipe of this version of vibedom."""
    found = image_labels or {}
    source = found.get(LABEL_FROM)
    return source in SOURCES and found.get(LABEL_RECIPE) == recipe_hash(source)


def build_context() -> io.BytesIO:
    """A tar with the Dockerfile alone: nothing else of this machine goes to the engine."""
    context = io.BytesIO()
    content = recipe("Dockerfile")
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
