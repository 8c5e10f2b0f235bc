"""A tiny root file system of programs of this machine, and its image as a docker-save and an OCI archive."""

import hashlib
import io
import json
import os
import re
import shutil
import subprocess
import tarfile
from collections.abc import Sequence
from pathlib import Path

PROGRAMS = ("sh", "cat", "ls", "id", "rm", "sleep", "readlink", "env")


def make_root(directory: Path) -> Path:
    """`directory` with a few programs and the libraries they need, a marker, and links that lead to the host."""
    for name in PROGRAMS:
        program = Path(shutil.which(name, path="/usr/bin:/bin") or "").resolve()
        _copy(program, directory / "bin" / name)
        listed = subprocess.run(["ldd", str(program)], capture_output=True, text=True, check=False).stdout
        for library in re.findall(r"(/\S+)", listed):
            _copy(Path(library).resolve(), directory / library.lstrip("/"))
    etc = directory / "etc"
    (etc / "ssl" / "certs").mkdir(parents=True)
    (etc / "marker").write_text("foreign\n")
    (etc / "passwd").write_text("root:x:0:0::/:/bin/sh\n")
    (etc / "group").symlink_to("/proc/self/environ")
    (etc / "resolv.conf").symlink_to("/run/systemd/resolve/stub-resolv.conf")
    (etc / "ssl" / "certs" / "ca-certificates.crt").write_text("none of ours\n")
    (directory / "mnt").symlink_to("/etc")
    return directory


def _copy(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    if not target.exists():
        shutil.copy(source, target)


def layer(entries: Sequence[tuple[str, bytes | str | None]]) -> bytes:
    """A layer of files (bytes), links (str) and directories (None)."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as tar:
        for name, content in entries:
            member = tarfile.TarInfo(name)
            member.mode = 0o4755
            if content is None:
                member.type = tarfile.DIRTYPE
                tar.addfile(member)
            elif isinstance(content, str):
                member.type, member.linkname = tarfile.SYMTYPE, content
                tar.addfile(member)
            else:
                member.size = len(content)
                tar.addfile(member, io.BytesIO(content))
    return buffer.getvalue()


def packed(root: Path) -> bytes:
    """A layer with everything of `root`."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        tar.add(root, arcname=".")
    return buffer.getvalue()


def docker_save(path: Path, layers: Sequence[bytes]) -> Path:
    names = [f"{number}/layer.tar" for number in range(len(layers))]
    manifest = json.dumps([{"Config": "config.json", "RepoTags": ["test:latest"], "Layers": names}]).encode()
    return _write(path, {**dict(zip(names, layers, strict=True)), "config.json": b"{}", "manifest.json": manifest})


def oci_archive(path: Path, layers: Sequence[bytes], machine: str = os.uname().machine) -> Path:
    """With an index that points to an index, as builders for several machines write it."""
    blobs: dict[str, bytes] = {}

    def blob(content: bytes) -> str:
        digest = hashlib.sha256(content).hexdigest()
        blobs[f"blobs/sha256/{digest}"] = content
        return f"sha256:{digest}"

    manifest = blob(json.dumps({"layers": [{"digest": blob(one)} for one in layers]}).encode())
    architecture = {"x86_64": "amd64", "aarch64": "arm64"}.get(machine, machine)
    inner = {"manifests": [{"digest": manifest, "platform": {"architecture": architecture, "os": "linux"}}]}
    outer = {"manifests": [{"digest": blob(json.dumps(inner).encode())}]}
    return _write(path, {**blobs, "index.json": json.dumps(outer).encode(), "oci-layout": b"{}"})


def _write(path: Path, members: dict[str, bytes]) -> Path:
    with tarfile.open(path, "w") as tar:
        for name, content in members.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
    return path
