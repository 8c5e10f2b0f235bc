"""Foreign root file systems: a directory as it is, or the archive of an image, unpacked once into the cache."""

from pathlib import Path

from vibedom.errors import SandboxError
from vibedom.sandbox.local_image import unpack_image
from vibedom.sandbox.local_lookup import find_inside


def unpacked(root: Path, cache: Path) -> Path:
    """The directory for `--root`: `root` itself, or where its image is unpacked below `cache`.

    Raises `SandboxError` where it is neither a directory with a shell nor an OCI or docker-save archive.
    """
    directory = root if root.is_dir() else unpack_image(root, cache)
    if find_inside(directory, "/bin/sh") is None:
        raise SandboxError(
            f"{root} is no root file system: it has no /bin/sh; name a bootstrapped directory or an image"
        )
    return directory
