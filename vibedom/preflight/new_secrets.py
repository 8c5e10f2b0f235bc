"""Finds secrets in single files, for the review of what an agent changed."""

from collections.abc import Callable, Iterable
from functools import cache

from pipeline.scrubber.engine import MatchEngine
from vibedom.fingerprints import fingerprinter
from vibedom.paths import Home
from vibedom.rule_files import load_engine


def secret_scan(home: Home) -> Callable[[bytes], Iterable[tuple[str, str]]]:
    """A function from a file's content to (rule, keyed fingerprint) of each secret in it: no byte of the secret.

    Personal data and addresses are left out. The rules are loaded when the first file is looked at. Raises
    `SettingsError` then where they cannot be.
    """

    @cache
    def engine() -> MatchEngine:
        return load_engine(home)

    @cache
    def fingerprint() -> Callable[[bytes], str]:
        return fingerprinter(home)

    def scan(data: bytes) -> Iterable[tuple[str, str]]:
        rules = engine().rules
        for span in engine().find(data):
            if rules[span.rule].secret_class in ("secret", "credential"):
                yield rules[span.rule].id, fingerprint()(data[span.start : span.end])

    return scan
