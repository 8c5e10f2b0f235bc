"""Finds secrets that are known by their value, in all their usual spellings, beside those that rules find."""

import binascii
import json
import re
from bisect import bisect_left
from collections.abc import Iterator

from ahocorasick_rs import BytesAhoCorasick

from pipeline.scrubber.exact_values import CANARY, ExactValues
from pipeline.scrubber.hold import HOLD_BACK_BYTES, TOKEN_BYTES
from pipeline.scrubber.literal_gate import LiteralGate
from pipeline.scrubber.model import Engine, RuleInfo, Span
from pipeline.scrubber.span_set import resolve
from pipeline.scrubber.spellings import any_spelling, spellings

__all__ = ["ExactEngine", "ExactValues", "exact_engine"]

_PERCENT = re.compile(rb"%[0-9A-Fa-f]{2}")
_CODED = LiteralGate((b"\\u00", b"\\x"))


def exact_engine(inner: Engine, values: ExactValues) -> Engine:
    """`inner`, and beside it every one of `values`: raw, JSON-escaped (any byte as `\\u00XX`), URL-encoded (any byte,
    any case, once or twice), in base64 and base32 at any alignment, and in hex. Overlaps become one span."""
    return ExactEngine(inner, values) if len(values) else inner


class ExactEngine:
    """An engine over another one, with one rule more for each name of a value."""

    def __init__(self, inner: Engine, values: ExactValues) -> None:
        self._inner = inner
        rules = list(inner.rules)
        self._literals: list[tuple[bytes, int]] = []
        self._values: list[tuple[bytes, int]] = []
        for rule_id, members in _by_rule(values).items():
            self._literals += [(text, len(rules)) for value in members for text in sorted(spellings(value))]
            self._values += [(value, len(rules)) for value in members]
            rules.append(_rule(rule_id))
        self.rules = tuple(rules)
        self._search = _Search([text for text, _ in self._literals])
        self._search_plain = _Search([value for value, _ in self._values])
        self._search_bare = _Search([_unescaped(_escaped(value)) for value, _ in self._values])
        self._patterns: dict[int, re.Pattern[bytes]] = {}
        texts = [
            text for text, _ in self._literals if len(text) <= HOLD_BACK_BYTES and text.translate(None, TOKEN_BYTES)
        ]
        self._open = sorted(set(texts))
        self._open_bytes = max((len(text) for text in texts), default=0)
        self._open_first = (
            re.compile(b"[" + b"".join({re.escape(text[:1]) for text in texts}) + b"]") if texts else None
        )

    def __repr__(self) -> str:
        return f"ExactEngine({len(self._values)} values, {len(self.rules)} rules)"

    def find(self, data: bytes, /) -> list[Span]:
        """As every engine: sorted, disjoint; a known value that overlaps with a rule's match makes one span with it."""
        spans = self._inner.find(data)
        known = [*self._fixed(data), *self._mixed(data)]
        return self._with_canaries(resolve([*spans, *known]), known) if known else spans

    def _with_canaries(self, resolved: list[Span], known: list[Span]) -> list[Span]:
        """What holds a canary is one, whatever other rule knows its form, too."""
        canaries = [span for span in known if self.rules[span.rule].secret_class == "canary"]  # noqa: S105
        for index, span in enumerate(resolved if canaries else ()):
            inside = next((one for one in canaries if one.start < span.end and span.start < one.end), None)
            resolved[index] = span if inside is None else span._replace(rule=inside.rule)
        return resolved

    def open_from(self, data: bytes, start: int) -> int:
        """Where a spelling with white space, quotes or brackets in it begins that `data` cuts, or `len(data)`. Without
        those it is one token, and waits anyway."""
        end = len(data)
        if self._open_first is None:
            return end
        for first in self._open_first.finditer(data, max(start, end - self._open_bytes + 1)):
            rest = data[first.start() :]
            near = bisect_left(self._open, rest)
            if near < len(self._open) and self._open[near].startswith(rest):
                return first.start()
        return end

    def _fixed(self, data: bytes) -> Iterator[Span]:
        for index, start, end in self._search(data):
            yield Span(start, end, self._literals[index][1])

    def _mixed(self, data: bytes) -> Iterator[Span]:
        """Values with some of their bytes escaped: looked for in the decoded text, then located in the real one."""
        seen = {index for text in _unquoted(data) for index, _, _ in self._search_plain(text)}
        if _CODED.is_open(data) and (b"\\u00" in data or b"\\x" in data):
            seen |= {index for index, _, _ in self._search_bare(_unescaped(data))}
        for index in sorted(seen):
            value, rule = self._values[index]
            pattern = self._patterns.get(index) or self._patterns.setdefault(index, any_spelling(value))
            yield from (Span(found.start(), found.end(), rule) for found in pattern.finditer(data))


class _Search:
    """Finds literals: index, start and end, overlapping ones too."""

    def __init__(self, literals: list[bytes]) -> None:
        self._gate = LiteralGate(literals)
        self._literals = BytesAhoCorasick(literals)

    def __call__(self, data: bytes) -> list[tuple[int, int, int]]:
        return self._literals.find_matches_as_indexes(data, overlapping=True) if self._gate.is_open(data) else []


def _by_rule(values: ExactValues) -> dict[str, list[bytes]]:
    members: dict[str, list[bytes]] = {}
    for name, value in values.reveal():
        members.setdefault(_rule_id(name, value), []).append(value)
    return members


def _rule_id(name: str, value: bytes) -> str:
    """`known-db-password` for `DB_PASSWORD`; only `known-secret` where the name gives the value away."""
    slug = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")[:48]
    is_telling = value.lower() in name.lower().encode() or name.lower().encode() in value.lower()
    return f"known-{slug}" if slug and not is_telling else "known-secret"


def _rule(rule_id: str) -> RuleInfo:
    if rule_id.startswith(f"known-{CANARY.strip()}-"):
        return RuleInfo(id=rule_id, description="A canary token", secret_class="canary", severity="critical")  # noqa: S106
    return RuleInfo(id=rule_id, description="A value that was found before the session started")


# What follows takes escapes off a whole buffer at the speed of C, only to know which values are worth the slow search
# in the buffer itself. quoted-printable is the one decoder of escapes that the standard library has in C.


def _unquoted(data: bytes) -> Iterator[bytes]:
    """`data` with its percent-encoding taken off, once and twice, and as a form has it (`+` is a space)."""
    if b"%" not in data or not _PERCENT.search(data):
        return
    once = _decode_hex(data, b"%")
    yield once
    if b"+" in data:
        yield _decode_hex(data.replace(b"+", b" "), b"%")
    if b"%" in once:
        yield _decode_hex(once, b"%")


def _unescaped(data: bytes) -> bytes:
    """`data` with `\\u00XX` and `\\xXX` decoded and all backslashes removed."""
    return _decode_hex(data, b"\\u00", b"\\x").replace(b"\\", b"")


def _decode_hex(data: bytes, *marks: bytes) -> bytes:
    data = data.replace(b"=", b"=3D")
    for mark in marks:
        data = data.replace(mark, b"=")
    return binascii.a2b_qp(data)


def _escaped(value: bytes) -> bytes:
    text = json.dumps(value.decode("utf-8", "surrogateescape"), ensure_ascii=False)
    return text[1:-1].encode("utf-8", "surrogateescape")
