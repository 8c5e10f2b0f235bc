"""`.gitignore` and `.gitleaksignore`: what git does not see, and what gitleaks was told is no finding."""

import re
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pathspec

GITIGNORE = ".gitignore"
GITLEAKSIGNORE = ".gitleaksignore"
_MAX_BYTES = 1 << 20
_COMMIT = re.compile(r"[0-9a-f]{7,64}")


class GitIgnore:
    """Answers for paths below a root, by the `.gitignore` of every directory above them and git's own exclude file."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._specs: dict[str, pathspec.GitIgnoreSpec | None] = {}
        self._directories: dict[str, bool] = {"": False}
        self._exclude = _spec(root / ".git" / "info" / "exclude")

    def ignores(self, path: str, *, is_directory: bool = False) -> bool:
        """Whether git ignores `path` (relative, with `/`). What is in an ignored directory is ignored."""
        parent, _, _ = path.rpartition("/")
        if self._ignores_directory(parent):
            return True
        return self._ignores_here(path + "/" if is_directory else path, parent)

    def _ignores_directory(self, path: str) -> bool:
        known = self._directories.get(path)
        if known is None:
            known = self._directories[path] = self.ignores(path, is_directory=True)
        return known

    def _ignores_here(self, path: str, parent: str) -> bool:
        """The deepest file that says anything about `path` decides."""
        directory = parent
        while True:
            spec = self._spec_of(directory)
            if spec is not None:
                said = spec.check_file(path[len(directory) + 1 :] if directory else path).include
                if said is not None:
                    return said
            if not directory:
                break
            directory = directory.rpartition("/")[0]
        return bool(self._exclude is not None and self._exclude.check_file(path).include)

    def _spec_of(self, directory: str) -> "pathspec.GitIgnoreSpec | None":
        if directory not in self._specs:
            self._specs[directory] = _spec(self._root / directory / GITIGNORE)
        return self._specs[directory]


def _spec(path: Path) -> "pathspec.GitIgnoreSpec | None":
    text = _text(path)
    if text is None:
        return None
    import pathspec  # a tenth of a scan's start, and many trees have no such file

    try:
        return pathspec.GitIgnoreSpec.from_lines(text.splitlines())
    except ValueError:
        # A pattern that git itself cannot read ignores nothing: more is scanned, not less.
        return None


def _text(path: Path) -> str | None:
    """The file's text, or None where there is no plain file of a sane size."""
    try:
        if path.is_symlink() or not path.is_file() or path.stat().st_size > _MAX_BYTES:
            return None
        return path.read_text(encoding="utf-8", errors="surrogateescape")
    except OSError:
        return None


class GitleaksIgnore:
    """Findings listed in `.gitleaksignore` as `file:rule:line`, also behind a commit (`commit:file:rule:line`)."""

    def __init__(self, root: Path) -> None:
        self._listed = frozenset(_entry(line) for line in (_text(root / GITLEAKSIGNORE) or "").splitlines())

    def lists(self, file: str, rule: str, line: int) -> bool:
        return (file, rule, str(line)) in self._listed


def _entry(line: str) -> tuple[str, ...]:
    fields = line.strip().rsplit(":", 2)
    if len(fields) != 3 or line.startswith("#"):
        return ()
    file, rule, number = fields
    commit, colon, rest = file.partition(":")
    return (rest if colon and _COMMIT.fullmatch(commit) else file, rule, number)
