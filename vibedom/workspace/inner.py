"""Repositories below the project's root: submodules, and repositories and worktrees that lie in it."""

import msgspec


class OwnInner(msgspec.Struct, frozen=True, kw_only=True):
    """One that the sandbox has of its own, because it could not see the project's."""

    directory: str
    """Workspace-relative."""
    head: str | None
    """The commit that the project's is at."""
    start: str | None
    """The commit that the sandbox's was at in the beginning."""


class InnerBranch(msgspec.Struct, frozen=True, kw_only=True):
    """One whose commits were looked for and came home."""

    directory: str
    git: str
    """Its git directory, workspace-relative: `lib/.git`, `.git/modules/lib`. Its data is no file change any more."""
    commits: int
    """How many are new, in its branch `vibedom/SESSION`; 0 is no branch."""
