"""Finds secrets in single files, for the review of what an agent changed."""

from collections.abc import Callable, Iterable, Iterator
from functools import cached_property
from typing import TYPE_CHECKING

from vibedom.fingerprints import fingerprinter
from vibedom.paths import Home

if TYPE_CHECKING:
    from pipeline.scrubber.engine import MatchEngine

CONCEAL_LIMIT_BYTES = 16 << 20


class SecretFinder:
    """Finds the secrets in a file's content by the proxy's rules. Personal data and addresses are left out.

    The rules are loaded when the first file is looked at; that raises `SettingsError` where they cannot be.
    """

    def __init__(self, home: Home) -> None:
        self._home = home

    @cached_property
    def _engine(self) -> "MatchEngine":
        from vibedom.rule_files import load_engine  # half of the time that `vibedom diff --name-only` would take

        return load_engine(self._home)

    @cached_property
    def _fingerprint(self) -> Callable[[bytes], str]:
        return fingerprinter(self._home)

    def scan(self, data: bytes) -> Iterable[tuple[str, str]]:
        """(rule, keyed fingerprint) of each secret: no byte of it."""
        for rule, start, end in self._spans(data):
            yield rule, self._fingerprint(data[start:end])

    def conceal(self, data: bytes) -> bytes:
        """`data` with `[REDACTED_RULE_ID]` for each secret, and exactly its line ends."""
        if len(data) > CONCEAL_LIMIT_BYTES:
            return b"\n".join(b"[not searched for secrets: too large]" for _ in data.split(b"\n"))
        pieces, at = [], 0
        for rule, start, end in sorted(self._spans(data), key=lambda span: span[1]):
            if end <= at:
                continue
            mark = f"[REDACTED_{rule.upper().replace('-', '_')}]".encode()
            secret = data[max(start, at) : end].split(b"\n")
            pieces += [data[at:start], b"\n".join(mark if line.strip() else line for line in secret)]
            at = end
        return b"".join([*pieces, data[at:]])

    def _spans(self, data: bytes) -> Iterator[tuple[str, int, int]]:
        rules = self._engine.rules
        for span in self._engine.find(data):
            if rules[span.rule].secret_class in ("secret", "credential"):
                yield rules[span.rule].id, span.start, span.end


def secret_scan(home: Home) -> Callable[[bytes], Iterable[tuple[str, str]]]:
    """A function from a file's content to (rule, keyed fingerprint) of each secret in it."""
    return SecretFinder(home).scan
