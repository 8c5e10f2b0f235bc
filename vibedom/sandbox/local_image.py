"""Unpacks the archive of an image, as `docker save` or OCI tools write it, without a daemon."""

import contextlib
import hashlib
import json
import os
import shutil
import tarfile
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path, PurePosixPath
from typing import IO, Any

from vibedom.errors import SandboxError
from vibedom.sandbox.local_layer import unpack_layer

_ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}
_LARGEST_JSON_BYTES = 4 << 20


def unpack_image(archive: Path, cache: Path) -> Path:
    """The root file system of the image in `archive`, below `cache`. It is unpacked only once for the same layers."""
    try:
        with tarfile.open(archive) as image:
            layers = _layers(image)
            target = cache / hashlib.sha256("\n".join(layers).encode() + _identity(archive)).hexdigest()
            if not target.is_dir():
                _unpack(image, layers, target)
            return target
    except (tarfile.TarError, OSError, KeyError, ValueError, TypeError) as exc:
        raise SandboxError(
            f"cannot unpack {archive}: {exc}; it must be a root file system or the output of `docker save`"
        ) from exc


def _identity(archive: Path) -> bytes:
    state = archive.stat()
    return f"{archive.resolve()} {state.st_size} {state.st_mtime_ns}".encode()


def _layers(image: tarfile.TarFile) -> list[str]:
    """Names of the layers' members, the lowest first."""
    names = {str(PurePosixPath(name)): name for name in image.getnames()}
    if "manifest.json" in names:
        manifest = _read_json(image, names["manifest.json"])[0]
        return [names[str(PurePosixPath(layer))] for layer in manifest["Layers"]]
    if "index.json" in names:
        return [names[_blob(layer["digest"])] for layer in _oci_manifest(image, names)["layers"]]
    raise ValueError("it has neither manifest.json nor index.json")


def _oci_manifest(image: tarfile.TarFile, names: dict[str, str]) -> Any:
    """The manifest for this machine; indexes may hold indexes."""
    entry = _pick(_read_json(image, names["index.json"])["manifests"])
    found = _read_json(image, names[_blob(entry["digest"])])
    while "manifests" in found:
        found = _read_json(image, names[_blob(_pick(found["manifests"])["digest"])])
    return found


def _pick(entries: Sequence[Any]) -> Any:
    wanted = _ARCHITECTURES.get(os.uname().machine)
    fitting = [entry for entry in entries if entry.get("platform", {}).get("architecture", wanted) == wanted]
    if not fitting:
        raise ValueError(f"it has no image for {os.uname().machine}")
    return fitting[0]


def _blob(digest: str) -> str:
    kind, _, value = digest.partition(":")
    if not value.isalnum():
        raise ValueError("a digest in it is malformed")
    return f"blobs/{kind}/{value}"


def _read_json(image: tarfile.TarFile, name: str) -> Any:
    with _member(image, name) as file:
        return json.loads(file.read(_LARGEST_JSON_BYTES))


def _member(image: tarfile.TarFile, name: str) -> IO[bytes]:
    file = image.extractfile(name)
    if file is None:
        raise ValueError(f"{name} in it is no file")
    return file


def _unpack(image: tarfile.TarFile, layers: Sequence[str], target: Path) -> None:
    """Unpack beside `target` and rename: a run that was cut short leaves nothing that looks whole."""
    target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with _scratch(target.parent) as scratch:
        root = scratch / "root"
        root.mkdir(mode=0o755)
        for name in layers:
            with _member(image, name) as blob:
                _check_digest(name, blob)
                with tarfile.open(fileobj=blob, mode="r:*") as layer:
                    unpack_layer(layer, root)
        with contextlib.suppress(FileExistsError):
            root.rename(target)


@contextlib.contextmanager
def _scratch(parent: Path) -> Iterator[Path]:
    scratch = Path(tempfile.mkdtemp(prefix=".unpack-", dir=parent))
    try:
        yield scratch
    finally:
        shutil.rmtree(scratch)


def _check_digest(name: str, blob: IO[bytes]) -> None:
    """A blob of an OCI archive is named after its content; leave the reading position at the start."""
    path = PurePosixPath(name)
    if path.parent.name == "sha256":
        found = hashlib.file_digest(blob, "sha256").hexdigest()  # type: ignore[arg-type]
        if found != path.name:
            raise ValueError(f"layer {path.name[:12]} does not have the content its name says")
        blob.seek(0)
