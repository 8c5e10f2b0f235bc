"""Under which other names a path is found, because a symbolic link leads to it.

A rule about names is about what is opened by that name: where `.git/hooks/pre-commit` is a link to `scripts/check`,
git runs `scripts/check`.
"""

import os
from collections.abc import Iterable, Iterator
from pathlib import Path

from vibedom.workspace.auto_run import Names, folded, is_at_auto_run
from vibedom.workspace.spelling import unspell

MAX_NAMES = 32
"""Other names of one path; more than that are links in a circle."""


class Links:
    """The links of a workspace that stand where something runs or obeys what it finds."""

    def __init__(self, links: Iterable[tuple[str, str]], workspace: Path) -> None:
        """`links`: (path, spelled target). Targets outside of the workspace lead to nothing that can change."""
        self._by_target: dict[Names, list[Names]] = {}
        for path, target in links:
            names = folded(path)
            led_to = _led_to(path, unspell(target), workspace) if is_at_auto_run(names) else None
            if led_to is not None and not _is_within_modules(names, led_to):
                self._by_target.setdefault(led_to, []).append(names)

    def names_of(self, names: Names) -> list[Names]:
        """Other names of the path with these folded names, each once, without its own."""
        found = [names]
        for each in found:
            for other in self._directly(each):
                if other not in found and len(found) <= MAX_NAMES:
                    found.append(other)
        return found[1:]

    def _directly(self, names: Names) -> Iterator[Names]:
        if self._by_target:
            for end in range(len(names) + 1):
                for link in self._by_target.get(names[:end], ()):
                    yield (*link, *names[end:])


def _led_to(path: str, target: str, workspace: Path) -> Names | None:
    """The folded names of what the link leads to, as it is written; () is the workspace itself."""
    where = os.path.normpath(os.path.join(workspace, os.path.dirname(path), target))
    relative = os.path.relpath(where, workspace)
    if relative == "." or relative == ".." or relative.startswith("../"):
        return () if relative == "." else None
    return folded(relative)


def _is_within_modules(names: Names, led_to: Names) -> bool:
    """`node_modules/.bin` is all links into the packages beside it, which run anyway."""
    return "node_modules" in names and "node_modules" in led_to
