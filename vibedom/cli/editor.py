"""Opens a text in the user's editor, the one git would take."""

import os
import shlex
import subprocess
import tempfile
from pathlib import Path

from vibedom.errors import UsageError


def edit(content: bytes, name: str) -> bytes:
    """What the user made of it. `name` gives the file its suffix. Raises `UsageError` where the editor fails."""
    editor = next(filter(None, map(os.environ.get, ("VISUAL", "EDITOR"))), None) or "vi"
    with tempfile.TemporaryDirectory(prefix="vibedom-merge-") as directory:
        suffix = Path(name).suffix
        file = Path(directory) / f"merge{suffix if suffix.isascii() and suffix.isprintable() else ''}"
        file.write_bytes(content)
        try:
            done = subprocess.run([*shlex.split(editor), str(file)], check=False)
        except (OSError, ValueError):
            raise UsageError(f"the editor {editor!r} cannot be started; set EDITOR") from None
        if done.returncode != 0:
            raise UsageError(f"the editor ended with {done.returncode}; the conflict is as it was")
        return file.read_bytes()
