"""Reads files and finds the secrets in them; one task of the built-in scanner."""

import os
import stat
import time
from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

from pipeline.scrubber.charset import transcode
from pipeline.scrubber.edit import Edit
from pipeline.scrubber.engine import MatchEngine
from pipeline.scrubber.entropy import shannon_entropy
from pipeline.scrubber.hints import hint_finder
from pipeline.scrubber.match import Match
from pipeline.scrubber.model import RuleInfo, Span, default_choose
from pipeline.scrubber.search import EngineSearch
from pipeline.scrubber.sieve import Sieve
from pipeline.scrubber.span_set import to_spans
from pipeline.scrubber.triggered_engine import Candidates
from vibedom.preflight.file_report import FileFinding, Skipped, SkipReason
from vibedom.preflight.file_walk import WalkedFile
from vibedom.preflight.finding import sample_of
from vibedom.preflight.ignore_files import GitleaksIgnore

_SNIFF_BYTES = 8192
_ALLOW = b"gitleaks:allow"


class Batch(NamedTuple):
    """What one task found."""

    files: int
    binary_files: int
    size: int
    """Bytes read."""
    found: list[tuple[FileFinding, bytes]]
    """With the secret: in memory only."""
    suppressed: int
    skipped: list[Skipped]


class FileSearch:
    """Searches batches of files; thread-safe."""

    def __init__(
        self,
        engine: MatchEngine,
        fingerprint: Callable[[bytes], str],
        listed: GitleaksIgnore,
        *,
        max_file_bytes: int,
        deadline: float,
        pii: bool = True,
    ) -> None:
        """`deadline` is on the monotonic clock: what is not read until then is skipped. `pii=False`: rules for personal
        data and addresses are passed over."""
        self.max_file_bytes = max_file_bytes
        self.deadline = deadline
        self._engine: MatchEngine = engine if pii else SecretsOnly(engine)
        self._sieve = Sieve(self._engine, hint_finder())
        self._fingerprint = fingerprint
        self._listed = listed
        self._hints = hint_finder()

    def __call__(self, files: Iterable[WalkedFile]) -> Batch:
        read = binary = size = suppressed = 0
        found: list[tuple[FileFinding, bytes]] = []
        skipped: list[Skipped] = []
        for file in files:
            content = self._read(file.path)
            if isinstance(content, str):
                skipped.append(Skipped(file=file.name, reason=content))
                continue
            text = _text(content)
            if text is None:
                binary += 1
                continue
            read += 1
            size += len(content)
            if not self._sieve.passes(text, file.name):
                continue
            for finding, secret, is_allowed in self._findings(file.name, text):
                if is_allowed:
                    suppressed += 1
                else:
                    found.append((finding, secret))
        return Batch(read, binary, size, found, suppressed, skipped)

    def _read(self, path: bytes) -> bytes | SkipReason:
        if time.monotonic() > self.deadline:
            return "timed-out"
        try:
            # The file may have become a link or a FIFO since the walk saw it.
            descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        except OSError:
            return "unreadable"
        try:
            state = os.fstat(descriptor)
            if not stat.S_ISREG(state.st_mode):
                return "unreadable"
            if state.st_size > self.max_file_bytes:
                # A film or a disk image is no text, however long it is.
                head = os.read(descriptor, _SNIFF_BYTES)
                return head if _text(head) is None else "too-big"
            return _content(descriptor, state.st_size, self.max_file_bytes)
        except OSError:
            return "unreadable"
        finally:
            os.close(descriptor)

    def _findings(self, name: str, text: bytes) -> Iterator[tuple[FileFinding, bytes, bool]]:
        secrets: dict[str, bytes] = {}

        def fingerprint(secret: bytes) -> str:
            digest = self._fingerprint(secret)
            secrets[digest] = secret
            return digest

        search = EngineSearch(NamedFile(self._engine, name), self._hints, fingerprint, default_choose)
        for edit in search(text):
            place = Place(text, edit)
            for found in edit.found:
                secret = secrets[found.fingerprint]
                finding = place.finding(found.rule, name, secret, found.fingerprint)
                is_allowed = place.is_allowed or self._listed.lists(name, found.rule.id, finding.start_line)
                yield finding, secret, is_allowed


class SecretsOnly:
    """An engine without its rules for personal data and addresses: an e-mail address hides the password before it."""

    def __init__(self, engine: MatchEngine) -> None:
        self.rules, self.plans = engine.rules, engine.plans
        self._engine = engine
        self._wanted = {i for i, rule in enumerate(engine.rules) if rule.secret_class in ("secret", "credential")}

    def find(self, data: bytes, /) -> list[Span]:
        matches = self.matches(data)
        return to_spans(data, matches, escape_aware=True) if matches else []

    def matches(self, data: bytes, path: str | None = None) -> list[Match]:
        return self.judged(data, self.announced(data), path)

    def announced(self, data: bytes) -> Candidates:
        return {rule: found for rule, found in self._engine.announced(data).items() if rule in self._wanted}

    def judged(self, data: bytes, candidates: Candidates, path: str | None = None) -> list[Match]:
        return self._engine.judged(data, candidates, path)


class NamedFile:
    """The engine for one file: rules and allowlists that look at the path see its name."""

    def __init__(self, engine: MatchEngine, name: str) -> None:
        self.rules = engine.rules
        self._engine = engine
        self._name = name

    def find(self, data: bytes, /) -> list[Span]:
        matches = self._engine.matches(data, self._name)
        return to_spans(data, matches, escape_aware=True) if matches else []


class Place:
    """Where in a file an edit is."""

    def __init__(self, text: bytes, edit: Edit | Span) -> None:
        last = max(edit.start, edit.end - 1)
        line_start = text.rfind(b"\n", 0, edit.start) + 1
        last_line_start = text.rfind(b"\n", 0, last) + 1
        line_end = text.find(b"\n", last)
        self.start_line = text.count(b"\n", 0, edit.start) + 1
        self.start_column = edit.start - line_start + 1
        self.end_line = self.start_line + text.count(b"\n", edit.start, last)
        self.end_column = last - last_line_start + 1
        self.is_allowed = text.find(_ALLOW, line_start, len(text) if line_end < 0 else line_end) >= 0

    def finding(self, rule: RuleInfo, name: str, secret: bytes, fingerprint: str) -> FileFinding:
        return FileFinding(
            rule=rule.id,
            description=rule.description,
            secret_class=rule.secret_class,
            severity=rule.severity,
            file=name,
            start_line=self.start_line,
            start_column=self.start_column,
            end_line=self.end_line,
            end_column=self.end_column,
            length=len(secret),
            sample=sample_of(secret),
            fingerprint=fingerprint,
            entropy=round(shannon_entropy(secret), 2),
        )


def _content(descriptor: int, size: int, limit: int) -> bytes | SkipReason:
    content = os.read(descriptor, size + 1)
    while len(content) <= limit:
        more = os.read(descriptor, limit + 1 - len(content)) if len(content) != size else b""
        if not more:
            return content
        content += more
    return "too-big"


def _text(content: bytes) -> bytes | None:
    """The text to search, in an encoding that has ASCII in it, or None for what is no text."""
    if b"\0" not in content[:_SNIFF_BYTES]:
        return content
    transcoded = transcode(content, None)
    return transcoded.data if transcoded is not None else None
