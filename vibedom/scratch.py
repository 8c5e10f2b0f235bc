"""A place for what lives as long as one command, and goes whatever an agent or the kernel has left in it."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from vibedom.tree_removal import remove_tree


@contextmanager
def scratch_directory(prefix: str) -> Iterator[Path]:
    """A directory of mode 0700 among the temporary files, removed at the end.

    `tempfile`'s own gives up over directories without permissions that are root's, as the engine leaves them to users.
    """
    path = Path(tempfile.mkdtemp(prefix=prefix))
    try:
        yield path
    finally:
        remove_tree(path)
