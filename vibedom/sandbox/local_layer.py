"""Unpacks one layer of an image: whiteouts remove, links stay inside, nothing is written through one."""

import contextlib
import os
import shutil
import stat
import tarfile
from pathlib import Path

from vibedom.sandbox.local_lookup import find_inside

_WHITEOUT, _OPAQUE = ".wh.", ".wh..wh..opq"
_COPY_BYTES = 1 << 20


def unpack_layer(layer: tarfile.TarFile, root: Path) -> None:
    """Apply `layer` to `root`, without owners, set-id bits and devices. Raises `OSError`, `TarError`."""
    for member in layer:
        parts = [part for part in member.name.split("/") if part not in ("", ".")]
        if ".." in parts:
            raise tarfile.TarError("a name in it leads out of the root file system")
        if not parts:
            continue
        directory = _make_parents(root, parts[:-1])
        name = parts[-1]
        if name == _OPAQUE:
            _empty(directory)
        elif name.startswith(_WHITEOUT):
            _remove(directory / name.removeprefix(_WHITEOUT))
        else:
            _place(layer, member, directory / name, root)


def _make_parents(root: Path, parts: list[str]) -> Path:
    """The directory of a member. A link on the way is followed inside `root` only."""
    path = root
    for number, part in enumerate(parts):
        step = path / part
        if step.is_symlink():
            found = find_inside(root, "/" + "/".join(parts[: number + 1]))
            if found is None or not found.is_dir():
                raise tarfile.TarError("a directory in it is a link to nothing")
            step = found
        elif not step.is_dir():
            _remove(step)
            step.mkdir(mode=0o755)
        path = step
    return path


def _place(layer: tarfile.TarFile, member: tarfile.TarInfo, target: Path, root: Path) -> None:
    if member.isdir():
        if target.is_symlink() or not target.is_dir():
            _remove(target)
            target.mkdir()
        target.chmod(stat.S_IMODE(member.mode) & 0o1777 | stat.S_IRWXU)
        return
    _remove(target)
    if member.issym():
        os.symlink(member.linkname, target)
    elif member.islnk():
        _link(member.linkname, target, root)
    elif member.isfile():
        _copy(layer, member, target)


def _link(name: str, target: Path, root: Path) -> None:
    parts = [part for part in name.split("/") if part not in ("", ".")]
    if ".." in parts or not parts:
        raise tarfile.TarError("a hard link in it leads out of the root file system")
    os.link(_make_parents(root, parts[:-1]) / parts[-1], target, follow_symlinks=False)


def _copy(layer: tarfile.TarFile, member: tarfile.TarInfo, target: Path) -> None:
    content = layer.extractfile(member)
    if content is None:
        raise tarfile.TarError("a file in it has no content")
    descriptor = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
    with content, open(descriptor, "wb") as file:
        shutil.copyfileobj(content, file, _COPY_BYTES)
        os.fchmod(file.fileno(), stat.S_IMODE(member.mode) & 0o777 | stat.S_IRUSR)


def _empty(directory: Path) -> None:
    for entry in list(os.scandir(directory)):
        _remove(Path(entry.path))


def _remove(path: Path) -> None:
    """Remove whatever has this name; a link itself, never what it points to."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        with contextlib.suppress(FileNotFoundError):
            path.unlink()
