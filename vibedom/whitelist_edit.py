"""Adding lines to trusted_domains.txt."""

import os
from collections.abc import Sequence
from pathlib import Path

from pipeline.patterns import Pattern
from vibedom.errors import SettingsError, UsageError
from vibedom.host_entries import read_pattern
from vibedom.paths import Home
from vibedom.policy_file import read_text
from vibedom.settings import TRUSTED_DOMAINS, ensure_files, load_policy
from vibedom.trusted_domains import parse_lines


def add_patterns(home: Home, texts: Sequence[str]) -> list[str]:
    """Add each pattern (or `@group`) that is not there yet and say in one line each what came of it.

    All are checked before the first is written. Raises `UsageError` for one that cannot be, `SettingsError` for files.
    """
    path, _ = ensure_files(home)
    present = {line.word for line in parse_lines(read_text(path), name=TRUSTED_DOMAINS) if not line.is_denied}
    checked = [(_word(text), _patterns(home, _word(text))) for text in texts]
    fresh = list(dict.fromkeys(word for word, _ in checked if word not in present))
    if fresh:
        _append(path, fresh)
    hosts = load_policy(home).hosts
    results = []
    for word, patterns in checked:
        denied = [rule for rule in hosts.deny for p in patterns if _is_still_denied(p, rule)]
        done = "added to" if word in fresh else "already in"
        still = f", but still denied by {denied[0].label}" if denied else ""
        results.append(f"{word}: {done} {path.name}{still}")
    return results


def _word(text: str) -> str:
    word = " ".join(text.split())
    if not word or "#" in word or word.startswith("!"):
        raise UsageError(f"{text!r} is no pattern; write a host such as api.example.com")
    return word


def _patterns(home: Home, word: str) -> list[Pattern]:
    if word.startswith("@"):
        return load_policy(home).groups.patterns(word, source="allow")
    try:
        pattern = read_pattern(word, source="allow")
    except SettingsError as error:
        raise UsageError(str(error)) from None
    if pattern.is_wildcard and not pattern.host:
        raise UsageError("'*' can only deny; name what may be reached")
    return [pattern]


def _is_still_denied(pattern: Pattern, rule: Pattern) -> bool:
    """Whether a rule that denies all of the pattern's host is at least as specific."""
    covers = rule.path is None and not rule.methods and rule.port is None
    return covers and rule.matches_host(pattern.host) and rule.specificity >= pattern.specificity


def _append(path: Path, words: Sequence[str]) -> None:
    """One write at the end, so that an editor's or another `vibedom allow`'s lines are never lost."""
    try:
        with path.open("rb+") as file:
            file.seek(0, os.SEEK_END)
            needs_newline = file.tell() > 0 and os.pread(file.fileno(), 1, file.tell() - 1) != b"\n"
        descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CLOEXEC)
        with os.fdopen(descriptor, "ab") as file:
            file.write(b"\n" * needs_newline + "".join(f"{word}\n" for word in words).encode())
    except OSError as error:
        raise SettingsError(f"{path}: cannot be written ({error.strerror}); check its owner and mode") from None
