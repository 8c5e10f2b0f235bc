"""Finds directories that git takes for a repository although they are not called `.git`.

Git looks for one in each directory it is started in, also by a shell's prompt: one with a configuration in it makes it
run what that names.
"""

from contextlib import suppress

from vibedom.workspace.auto_run import Names, folded
from vibedom.workspace.tree import Tree

_CONTENT = frozenset(("objects", "refs"))


class GitDirectories:
    """Answers which directories of the workspace, as it will be, are bare repositories."""

    def __init__(self, host: Tree, layer: Tree) -> None:
        self._trees = (host, layer)
        self._known: dict[str, bool] = {}

    def inside(self, path: str, *, is_directory: bool) -> Names | None:
        """The folded names of `path` within the outermost repository it is in; () for the repository itself. None where
        it is in none. What is no directory, `path` as it will be, is no repository: nothing is looked up for it."""
        parts = path.split("/")
        for end in range(1, len(parts) + 1 if is_directory else len(parts)):
            if self._is_repository("/".join(parts[:end])):
                return folded("/".join(parts[end:])) if end < len(parts) else ()
        return None

    def _is_repository(self, directory: str) -> bool:
        if directory not in self._known:
            names = self._names(directory)
            self._known[directory] = "head" in names and (names >= _CONTENT or "commondir" in names)
        return self._known[directory]

    def _names(self, directory: str) -> frozenset[str]:
        """Of host and agent together: what the agent has removed may stay."""
        found: set[str] = set()
        for tree in self._trees:
            with suppress(OSError):
                found.update(folded(name)[0] for name in tree.names(directory))
        return frozenset(found)
