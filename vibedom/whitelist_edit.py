"""Adding lines to trusted_domains.txt."""

import os
from collections.abc import Sequence
from pathlib import Path

from pipeline.patterns import Pattern
from vibedom.errors import SettingsError, UsageError
from vibedom.host_entries import read_pattern
from vibedom.paths import Home
from vibedom.settings import load_policy
from vibedom.trusted_domains import Line as TrustedLine
from vibedom.trusted_domains import parse_lines
from vibedom.user_files import TRUSTED_DOMAINS, ensure_files, read_text


def add_patterns(home: Home, texts: Sequence[str]) -> list[str]:
    """Add each pattern (or `@group`; with `!` before it one that denies) that is not there yet and say in one line each
    what came of it. The opposite line for the very same pattern is taken out.

    All are checked before the first is written. Raises `UsageError` for one that cannot be, `SettingsError` for files.
    """
    path, _ = ensure_files(home)
    checked = [(_word(text), _patterns(home, _word(text))) for text in texts]
    words = {word for word, _ in checked}
    _take_out(path, {_opposite(word) for word in words} - words)
    present = {_written(line) for line in parse_lines(read_text(path), name=TRUSTED_DOMAINS)}
    fresh = list(dict.fromkeys(word for word, _ in checked if word not in present))
    if fresh:
        _append(path, fresh)
    hosts = load_policy(home).hosts
    results = []
    for word, patterns in checked:
        is_denial = word.startswith("!")
        denied = [rule for rule in hosts.deny for p in patterns if not is_denial and _is_still_denied(p, rule)]
        done = "added to" if word in fresh else "already in"
        still = f", but still denied by {denied[0].label}" if denied else ""
        results.append(f"{word}: {done} {path.name}{still}")
    return results


def _opposite(word: str) -> str:
    return word.removeprefix("!") if word.startswith("!") else f"!{word}"


def _written(line: TrustedLine) -> str:
    return f"!{line.word}" if line.is_denied else line.word


def _take_out(path: Path, words: set[str]) -> None:
    """Drop the lines that say exactly one of `words`, in one replacement of the file."""
    text = read_text(path)
    lines = text.splitlines(keepends=True)
    kept = [line for line in lines if not any(_written(rule) in words for rule in parse_lines(line, name=""))]
    if len(kept) == len(lines):
        return
    try:
        fresh = path.with_name(f".{path.name}.{os.getpid()}")
        fresh.touch(mode=0o600)
        fresh.write_text("".join(kept), encoding="utf-8")
        fresh.chmod(path.stat().st_mode & 0o777)
        fresh.replace(path.resolve())
    except OSError as error:
        raise SettingsError(f"{path}: cannot be written ({error.strerror}); check its owner and mode") from None


def _word(text: str) -> str:
    word = " ".join(text.split())
    if not word.removeprefix("!") or "#" in word or word.startswith(("!!", "! ")):
        raise UsageError(f"{text!r} is no pattern; write a host such as api.example.com")
    return word


def _patterns(home: Home, word: str) -> list[Pattern]:
    name, is_denial = word.removeprefix("!"), word.startswith("!")
    if name.startswith("@"):
        return load_policy(home).groups.patterns(name, source="allow")
    try:
        pattern = read_pattern(name, source="allow")
    except SettingsError as error:
        raise UsageError(str(error)) from None
    if pattern.is_wildcard and not pattern.host and not is_denial:
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
