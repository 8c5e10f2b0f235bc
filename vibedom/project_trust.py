"""What a project's vibedom.toml asks for beyond the user's policy, and whether its user has agreed to exactly that."""

import hashlib
import os
from pathlib import Path

import msgspec

from vibedom.errors import SettingsError
from vibedom.paths import Home, ensure_private
from vibedom.project_file import ProjectFile

_FILE = "trusted.json"


class Trust(msgspec.Struct, frozen=True):
    """Workspace path -> hash of what it was trusted with."""

    projects: dict[str, str] = {}


def asks(project: ProjectFile) -> list[str]:
    """One line for each thing the project asks for; empty where it only narrows."""
    return [
        *(f"reach the host {host}" for host in project.hosts),
        *(f"{'write to' if m.writable else 'read'} {m.source} of this machine, as {m.target}" for m in project.mounts),
        *(f"set the variable {name} to {value!r}" for name, value in project.env.items()),
        *(f"be given your variable {name}" for name in project.pass_env),
        *([f"run in the image {project.image}"] if project.image else []),
        *(f"run in the sandbox before the agent: {command}" for command in project.setup.commands),
    ]


def digest(project: ProjectFile) -> str:
    """Of what is asked for, and of nothing else: a project that narrows more need not be looked at again."""
    asked = (project.hosts, project.mounts, project.env, project.pass_env, project.image, project.setup)
    return hashlib.sha256(msgspec.json.encode(asked, order="deterministic")).hexdigest()


def is_trusted(home: Home, workspace: Path, project: ProjectFile) -> bool:
    """Whether there is nothing to ask, or the user has agreed to what is asked."""
    return not asks(project) or _read(home).projects.get(str(workspace)) == digest(project)


def trust(home: Home, workspace: Path, project: ProjectFile) -> None:
    """Remember that the user agreed to what the project asks for now."""
    _write(home, {**_read(home).projects, str(workspace): digest(project)})


def revoke(home: Home, workspace: Path) -> bool:
    """Forget it; whether there was anything."""
    projects = dict(_read(home).projects)
    was_there = projects.pop(str(workspace), None) is not None
    if was_there:
        _write(home, projects)
    return was_there


def _read(home: Home) -> Trust:
    path = home.projects / _FILE
    try:
        return msgspec.json.decode(path.read_bytes(), type=Trust)
    except FileNotFoundError:
        return Trust()
    except (OSError, msgspec.DecodeError):
        raise SettingsError(f"{path}: cannot be read; remove it, and projects are asked about again") from None


def _write(home: Home, projects: dict[str, str]) -> None:
    path = ensure_private(home.projects) / _FILE
    temporary = path.with_name(f"{_FILE}.{os.getpid()}.new")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(msgspec.json.format(msgspec.json.encode(Trust(projects), order="sorted")) + b"\n")
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)
