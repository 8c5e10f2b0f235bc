"""What nobody looks at: hidden files, most of which hold settings that some program obeys by itself, and too many to be
listed, so that all are held back but those that are known to hold nothing of the kind; and what tools have made.
"""

from collections.abc import Sequence
from fnmatch import fnmatchcase

_HARMLESS = (
    *(".*ignore", ".gitkeep", ".keep", ".empty", ".nojekyll", ".mailmap", ".editorconfig", ".cspell.json"),
    *(".clang-format", ".yamllint", ".yamllint.y*ml", ".codespellrc", ".coverage", ".ds_store"),
    *(".markdownlint.json", ".markdownlint.jsonc", ".markdownlint.y*ml"),
)
"""Names, folded, of hidden files that no program takes a command, a plugin or a path to run from."""
_TEXTS = frozenset((".github", ".gitlab", ".gitea", ".forgejo", ".changeset"))
"""Directories in which Markdown is for people, but for what tells agents what to do."""
_FOR_AGENTS = frozenset(("agents", "chatmodes", "instructions", "prompts", "skills", "hooks"))
_OPEN = frozenset((".well-known",))

GENERATED = frozenset(
    {"node_modules", ".venv", "venv", "__pycache__", ".mypy_cache", ".pytest_cache", ".ruff_cache", ".tox", ".nox",
     "target", "dist", "build", ".next", ".nuxt", ".gradle", ".cache", ".turbo", "vendor", "bower_components", ".git"}
)  # fmt: skip
"""Directories whose content is made by tools: shown as one line where the agent changed a lot in them."""


def hidden_reason(names: Sequence[str]) -> str:
    """Why the file with these folded names is held back for being hidden, or lying in a hidden directory, or ""."""
    if "__pycache__" in names[:-1]:
        return "Python runs it in place of the source that is shown"
    for at, name in enumerate(names):
        if name.startswith(".") and not _is_harmless(names, at):
            return "programs obey hidden files without being asked"
    return ""


def is_generated(names: Sequence[str]) -> bool:
    """Whether the file with these folded names lies in a directory of tools."""
    return not GENERATED.isdisjoint(names[:-1])


def _is_harmless(names: Sequence[str], at: int) -> bool:
    name, last = names[at], names[-1]
    if at == len(names) - 1:
        return any(fnmatchcase(name, pattern) for pattern in _HARMLESS)
    if name in _OPEN:
        return True
    return name in _TEXTS and last.endswith(".md") and _FOR_AGENTS.isdisjoint(names[at:])
