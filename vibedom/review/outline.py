"""The changes of a review as a tree that is looked at one directory at a time, however many there are."""

from collections.abc import Callable, Iterator

import msgspec

from vibedom.workspace.changes import Change
from vibedom.workspace.review import Review
from vibedom.workspace.selection import Selection, State

MOST_CHILDREN = 500
"""Of one directory at once; more are asked for."""


class Item(msgspec.Struct, frozen=True):
    """One line of the tree."""

    path: str
    name: str
    change: Change | None
    """None for a directory that only has changes below it."""
    is_directory: bool


class Outline:
    """Built in one pass; a directory's lines are made when it is opened."""

    def __init__(self, review: Review) -> None:
        self.review = review
        self._changes = {change.path: change for change in review.changes}
        self._children: dict[str, dict[str, bool]] = {}
        for change in review.changes:
            self._add(change)

    def _add(self, change: Change) -> None:
        path = change.path
        entry = change.new or change.old
        is_directory = entry is not None and entry.type == "directory"
        while True:
            above, _, _ = path.rpartition("/")
            known = self._children.setdefault(above, {})
            if path in known:
                known[path] = known[path] or is_directory
                return
            known[path] = is_directory
            if not above:
                return
            path, is_directory = above, True

    def children(self, directory: str) -> list[Item]:
        """Directories first, both sorted."""
        found = self._children.get(directory, {})
        items = [self._item(path, is_directory or path in self._children) for path, is_directory in found.items()]
        return sorted(items, key=lambda item: (not item.is_directory, item.name))

    def item(self, path: str) -> Item:
        """The line of a path that is in the tree."""
        return self._item(path, path in self._children or self._children[path.rpartition("/")[0]][path])

    def _item(self, path: str, is_directory: bool) -> Item:
        return Item(path, path.rpartition("/")[2], self._changes.get(path), is_directory)

    def dangerous(self) -> list[Item]:
        """What deserves a look first, what is held back before the rest. Mere notes (severity low) are left out."""
        dangers = self.review.dangers
        paths = [path for path, found in dangers.items() if any(each.severity != "low" for each in found)]
        paths.sort(key=lambda path: (not any(each.is_held_back for each in dangers[path]), path))
        return [Item(path, path, self._changes[path], False) for path in paths if path in self._changes]

    def reasons(self, path: str) -> str:
        """Why the change is dangerous, in one line; "" where it is not."""
        return "; ".join(danger.reason for danger in self.review.dangers.get(path, ()))

    def below(self, item: Item) -> list[str]:
        """The changes that selecting the line selects."""
        found = [item.path] if item.change is not None else []
        pending = [item.path] if item.is_directory else []
        while pending:
            for path in self._children.get(pending.pop(), {}):
                if path in self._changes:
                    found.append(path)
                if path in self._children:
                    pending.append(path)
        return found

    def state(self, item: Item, selection: Selection) -> State:
        """How much of what is at and below the line is wanted."""
        states = {selection.state(path) for path in self.below(item)}
        if len(states) == 1:
            return states.pop()
        return "some" if states else "none"

    def search(self, text: str, start: str, *, content: Callable[[str], bool] | None = None) -> Iterator[str]:
        """Paths that hold `text` (in any case) after `start`, then from the beginning; or, with `content`, those whose
        content it accepts."""
        paths = list(self._changes)
        at = paths.index(start) + 1 if start in self._changes else 0
        wanted = text.casefold()
        for path in (*paths[at:], *paths[:at]):
            if wanted in path.casefold() or (content is not None and content(path)):
                yield path
