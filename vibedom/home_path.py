"""Paths inside the agent's home that something is mounted over."""

from pathlib import PurePosixPath

_TAKEN = (".ssh", ".gitconfig", ".vibedom")
"""What the home has of vibedom's."""


def check_home_paths(paths: tuple[str, ...]) -> None:
    """Raises `ValueError` for what is no path inside the agent's home that may be mounted over."""
    for text in paths:
        path = PurePosixPath(text)
        is_inside = not path.is_absolute() and ".." not in path.parts and path.parts
        if not is_inside or path.parts[0] in _TAKEN or not text.isprintable() or set(text) & set(':,\\"'):
            raise ValueError(f"{text!r}: write a path inside the agent's home, such as .cache/tool")
