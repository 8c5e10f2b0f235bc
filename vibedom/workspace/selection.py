"""What of a review is wanted: whole changes, single hunks, and how conflicts are resolved. One for all views."""

from collections.abc import Collection, Iterable
from typing import Literal

from vibedom.workspace.composed import Composed
from vibedom.workspace.file_diff import FileDiff, read_file_diff
from vibedom.workspace.plan import OnConflict, Plan, plan_apply
from vibedom.workspace.review import Review
from vibedom.workspace.tree import Tree

State = Literal["none", "some", "all"]
Resolution = Literal["mine", "theirs", "skip"]
"""`mine`: the host's file stays and the change counts as decided; `theirs`: the agent's version wins; `skip`: the
host's file stays and the change is offered again."""


class Selection:
    """Starts empty. Hunks are numbered from 0, in the order of `FileDiff.hunks`."""

    def __init__(self, review: Review) -> None:
        self.review = review
        self._by_path = {change.path: change for change in review.changes}
        self._whole: set[str] = set()
        self._hunks: dict[str, set[int]] = {}
        self._edited: dict[str, Composed] = {}
        self.resolutions: dict[str, Resolution] = {}

    def diff(self, path: str) -> FileDiff:
        """The lines of the change at `path`. Raises `OSError`, `KeyError`."""
        with Tree(self.review.workspace) as host, Tree(self.review.upper) as layer:
            return read_file_diff(self._by_path[path], host, layer, self.review.conceal)

    def choose(self, paths: Iterable[str], *, is_wanted: bool) -> None:
        """Want these changes as a whole, or nothing of them."""
        for path in paths:
            self._hunks.pop(path, None)
            self._edited.pop(path, None)
            if is_wanted and path in self._by_path:
                self._whole.add(path)
            else:
                self._whole.discard(path)

    def choose_hunk(self, diff: FileDiff, number: int, *, is_wanted: bool) -> None:
        """Want one hunk, or not. All of them are the whole change; one that cannot be split goes as a whole."""
        if not diff.is_splittable:
            self.choose((diff.path,), is_wanted=is_wanted)
            return
        every = set(range(len(diff.hunks)))
        wanted = set(every) if diff.path in self._whole else set(self._hunks.get(diff.path, ()))
        (wanted.add if is_wanted else wanted.discard)(number)
        self.choose((diff.path,), is_wanted=wanted >= every)
        if wanted and not wanted >= every:
            self._hunks[diff.path] = wanted

    def edit(self, diff: FileDiff, content: bytes) -> None:
        """Want this content at the path, made by the user out of both sides: it settles the change."""
        self.choose((diff.path,), is_wanted=True)
        self._edited[diff.path] = Composed(content=content, host=diff.host, settles=True)

    def resolve(self, path: str, how: Resolution) -> None:
        """What happens where the host's file was edited meanwhile. `theirs` wants the change, too."""
        self.resolutions[path] = how
        if how == "theirs" and self.state(path) == "none":
            self.choose((path,), is_wanted=True)
        self._edited.pop(path, None)

    def state(self, path: str) -> State:
        """How much of the change is wanted."""
        if path in self._whole:
            return "all"
        return "some" if path in self._hunks else "none"

    def has_hunk(self, path: str, number: int) -> bool:
        return path in self._whole or number in self._hunks.get(path, ())

    @property
    def paths(self) -> list[str]:
        """Of what anything is wanted, in the order of the review."""
        return [path for path in self._by_path if self.state(path) != "none"]

    @property
    def settled_by_mine(self) -> list[str]:
        """Changes that the user has decided against for good."""
        return [path for path, how in self.resolutions.items() if how == "mine"]

    def plan(self, *, include_dangerous: bool | Collection[str] = False, on_conflict: OnConflict = "fail") -> Plan:
        """What applying it would do. Nothing is touched. `on_conflict` is for conflicts without a resolution.

        Raises `WorkspaceError`, and `OSError` where a file cannot be read.
        """
        ways: dict[Resolution, OnConflict] = {"mine": "skip", "skip": "skip", "theirs": "overwrite"}
        wanted = set(self.paths) - set(self.settled_by_mine)
        return plan_apply(
            self.review.changes,
            workspace=self.review.workspace,
            upper=self.review.upper,
            base=self.review.base,
            select=lambda change: change.path in wanted,
            dangers=self.review.dangers,
            include_dangerous=include_dangerous,
            on_conflict=on_conflict,
            resolutions={path: ways[how] for path, how in self.resolutions.items()},
            composed=self._composed(),
        )

    def _composed(self) -> dict[str, Composed]:
        found = dict(self._edited)
        for path, wanted in self._hunks.items():
            diff = self.diff(path)
            found[path] = Composed(content=diff.composed(wanted), host=diff.host)
        return found
