"""Edits as the kernel's overlay records them, for users who may not mount one.

Each operation works on the merged view and on the upper directory at once; a whiteout is a real 0:0 character device
(which Linux lets everybody make since 5.8) or, with `xattr_whiteouts`, an empty file with the attribute.
"""

import errno
import os
import shutil
import stat
from pathlib import Path


class OverlayWriter:
    """Writes to `upper` as if it were mounted over `lower`, with `user.overlay.*` attributes."""

    def __init__(self, lower: Path, upper: Path, merged: Path, *, xattr_whiteouts: bool = False) -> None:
        self._lower, self._upper, self.merged = lower, upper, merged
        self._xattr_whiteouts = xattr_whiteouts
        shutil.copytree(lower, merged, symlinks=True, dirs_exist_ok=True)

    def write(self, path: str, data: bytes, mode: int = 0o644) -> None:
        self._replace(path)
        for root in (self._upper, self.merged):
            (root / path).write_bytes(data)
            (root / path).chmod(mode)

    def link(self, path: str, target: str) -> None:
        self._replace(path)
        for root in (self._upper, self.merged):
            os.symlink(target, root / path)

    def hard_link(self, path: str, source: str) -> None:
        self._copy_up(source)
        self._replace(path)
        for root in (self._upper, self.merged):
            os.link(root / source, root / path)

    def mkdir(self, path: str, mode: int = 0o755) -> None:
        self._replace(path)
        hides = self._in_lower(path)
        for root in (self._upper, self.merged):
            (root / path).mkdir()
            (root / path).chmod(mode)
        if hides:
            os.setxattr(self._upper / path, "user.overlay.opaque", b"y")

    def chmod(self, path: str, mode: int) -> None:
        self._copy_up(path)
        for root in (self._upper, self.merged):
            (root / path).chmod(mode)

    def remove(self, path: str) -> None:
        for root in (self._upper, self.merged):
            _delete(root / path)
        if self._in_lower(path) and not self._is_hidden(path):
            self._copy_up(os.path.dirname(path))
            self._whiteout(path)

    def _replace(self, path: str) -> None:
        """Make room for something new."""
        self._copy_up(os.path.dirname(path))
        for root in (self._upper, self.merged):
            _delete(root / path)

    def _copy_up(self, path: str) -> None:
        if not path or (os.path.lexists(self._upper / path) and not self._is_whiteout(path)):
            return
        self._copy_up(os.path.dirname(path))
        source, target = self._lower / path, self._upper / path
        if source.is_dir() and not source.is_symlink():
            target.mkdir()
            shutil.copystat(source, target)
        else:
            shutil.copy2(source, target, follow_symlinks=False)

    def _in_lower(self, path: str) -> bool:
        return os.path.lexists(self._lower / path)

    def _is_hidden(self, path: str) -> bool:
        while path := os.path.dirname(path):
            try:
                os.getxattr(self._upper / path, "user.overlay.opaque")
            except OSError as error:
                if error.errno not in (errno.ENODATA, errno.ENOENT):
                    raise
                continue
            return True
        return False

    def _is_whiteout(self, path: str) -> bool:
        status = os.lstat(self._upper / path)
        return stat.S_ISCHR(status.st_mode) or (
            stat.S_ISREG(status.st_mode) and "user.overlay.whiteout" in os.listxattr(self._upper / path)
        )

    def _whiteout(self, path: str) -> None:
        if self._xattr_whiteouts:
            (self._upper / path).touch()
            os.setxattr(self._upper / path, "user.overlay.whiteout", b"y")
        else:
            os.mknod(self._upper / path, stat.S_IFCHR | 0o000, os.makedev(0, 0))


def _delete(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    elif os.path.lexists(path):
        path.unlink()
