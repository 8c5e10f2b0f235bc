"""The user's git name and mail, for commits made in the sandbox. Nothing else of their configuration goes in."""

import os
import subprocess
from collections.abc import Mapping
from pathlib import Path

_SECONDS = 5.0
_KEYS = ("user.name", "user.email")


def git_identity(environment: Mapping[str, str]) -> dict[str, str]:
    """`user.name` and `user.email` of the user's own configuration, as far as they are set.

    Asked outside of any project: what a project sets is in the project, and its configuration may run programs.
    """
    kept = {k: v for k, v in environment.items() if not k.startswith("GIT_") or k == "GIT_CONFIG_GLOBAL"}
    try:
        done = subprocess.run(
            ["git", "config", "--global", "--includes", "-z", "--get-regexp", r"^user\.(name|email)$"],
            cwd="/",
            env=kept,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_SECONDS,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return {}
    entries = done.stdout.decode("utf-8", "replace").split("\0") if done.returncode == 0 else []
    found = dict(entry.split("\n", 1) for entry in entries if "\n" in entry)
    return {key: found[key] for key in _KEYS if found.get(key, "").isprintable() and found.get(key)}


def write_git_identity(home: Path, identity: Mapping[str, str], uid: int, gid: int) -> None:
    """`~/.gitconfig` of the agent with these values and no others."""
    if not identity:
        return
    path = home / ".gitconfig"
    lines = [f'\t{key.partition(".")[2]} = "{_escaped(value)}"\n' for key, value in identity.items()]
    path.write_text("[user]\n" + "".join(lines))
    path.chmod(0o600)
    os.chown(path, uid, gid)


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"')
