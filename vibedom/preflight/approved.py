"""What the user has approved for this workspace: `.vibedom/approved_secrets.toml`, and `.gitleaksignore`.

An approval is for one secret in one file: rule, path and a keyed hash of the secret. It survives moved lines, another
secret in the same line is asked about, and since the key never leaves this installation nobody else, the agent
included, can write an approval that counts.
"""

import os
import re
import tomllib
from collections.abc import Iterable, Sequence
from pathlib import Path

import msgspec

from vibedom.errors import SettingsError
from vibedom.preflight.finding import Finding
from vibedom.workspace.spelling import spell, unspell
from vibedom.workspace.tree import Tree

APPROVED_FILE = ".vibedom/approved_secrets.toml"
IGNORE_FILE = ".gitleaksignore"
OWN_FILES = (APPROVED_FILE, IGNORE_FILE)
"""Hold hashes that look like secrets."""
_HEADER = """\
# Secrets that you approved for vibedom sessions on this workspace: they do not hold up a start.
# `secret` is a hash with a key of your installation; delete an entry to be asked again.
"""
_COMMIT = re.compile(r"[0-9a-f]{7,64}")

Key = tuple[str, str, str]
"""Rule, path, keyed hash of the secret."""


class Approvals:
    """The approvals of one workspace."""

    def __init__(self, secrets: Iterable[Key] = (), ignored: Iterable[tuple[str, str, int]] = ()) -> None:
        self._secrets, self._ignored = frozenset(secrets), frozenset(ignored)

    def cover(self, finding: Finding) -> bool:
        """Whether the finding was approved, or is listed in `.gitleaksignore`."""
        if key_of(finding) in self._secrets:
            return True
        return (finding.file, finding.rule, finding.start_line) in self._ignored

    def also(self, findings: Iterable[Finding]) -> "Approvals":
        return Approvals(self._secrets | {key_of(finding) for finding in findings}, self._ignored)

    def listed(self) -> Sequence[Key]:
        return sorted(self._secrets)


def key_of(finding: Finding) -> Key:
    return (finding.rule, finding.file, finding.fingerprint)


class _Entry(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    rule: str
    path: str
    secret: str


class _File(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    approved: tuple[_Entry, ...] = ()


def read_approvals(workspace: Path) -> Approvals:
    """Raises `SettingsError` where the file cannot be understood: a mistyped one must not pass as an empty one."""
    with Tree(workspace) as tree:
        text = _read(tree, APPROVED_FILE)
        ignored = list(_ignored(_read(tree, IGNORE_FILE)))
    try:
        parsed = msgspec.convert(tomllib.loads(text), _File)
    except (tomllib.TOMLDecodeError, msgspec.ValidationError) as error:
        raise SettingsError(f"{workspace / APPROVED_FILE}: {error}; correct or delete it") from None
    return Approvals(((each.rule, unspell(each.path), each.secret) for each in parsed.approved), ignored)


def _read(tree: Tree, path: str) -> str:
    entry = tree.lstat(path)
    if entry is None:
        return ""
    try:
        return tree.read(path, 8 << 20).decode("utf-8", "surrogateescape")
    except OSError as error:
        raise SettingsError(f"{tree.root / path}: cannot be read ({error.strerror}); it must be a file") from None


def _ignored(text: str) -> Iterable[tuple[str, str, int]]:
    """gitleaks' fingerprints, `file:rule:line` of a directory scan and `commit:file:rule:line` of a history scan."""
    for line in text.splitlines():
        parts = line.strip().split(":")
        if line.startswith("#") or len(parts) < 3 or not parts[-1].isdecimal():
            continue
        if len(parts) > 3 and _COMMIT.fullmatch(parts[0]):
            parts = parts[1:]
        yield ":".join(parts[:-2]), parts[-2], int(parts[-1])


def write_approvals(workspace: Path, approvals: Approvals) -> None:
    """Replace the workspace's file. Raises `SettingsError` where it cannot be written."""
    entries = (
        f'\n[[approved]]\nrule = "{_quoted(rule)}"\npath = "{_quoted(spell(path))}"\nsecret = "{_quoted(secret)}"\n'
        for rule, path, secret in approvals.listed()
    )
    directory = workspace / Path(APPROVED_FILE).parent
    try:
        directory.mkdir(mode=0o755, exist_ok=True)
        with Tree(workspace) as tree, tree.parent(APPROVED_FILE) as (parent, name):
            temporary = f"{name}.tmp"
            flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC
            with os.fdopen(os.open(temporary, flags, 0o644, dir_fd=parent), "w", encoding="utf-8") as file:
                file.write(_HEADER + "".join(entries))
            os.replace(temporary, name, src_dir_fd=parent, dst_dir_fd=parent)
            owner = tree.lstat("")
            if os.geteuid() == 0 and owner is not None:
                for path in (APPROVED_FILE, str(Path(APPROVED_FILE).parent)):
                    with tree.parent(path) as (above, inner):
                        os.chown(inner, owner.uid, owner.gid, dir_fd=above, follow_symlinks=False)
    except OSError as error:
        raise SettingsError(f"{workspace / APPROVED_FILE}: cannot be written ({error.strerror})") from None


def _quoted(text: str) -> str:
    """The inside of a TOML basic string."""
    return "".join(
        f"\\u{ord(each):04x}" if ord(each) < 0x20 or ord(each) == 0x7F else {'"': '\\"', "\\": "\\\\"}.get(each, each)
        for each in text
    )
