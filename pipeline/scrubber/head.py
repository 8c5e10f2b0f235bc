"""Scrubs the parts of a head: header names and values, method, request target, and the host itself."""

import re

import msgspec

from pipeline.events import Finding, Header, Target
from pipeline.scrubber.binary import keys
from pipeline.scrubber.clean_parts import CleanParts, scrub_all
from pipeline.scrubber.judge_hits import HitJudge
from pipeline.scrubber.model import Hit
from pipeline.scrubber.scrubber import Scrubber

NEVER_EDITED = frozenset((b"host", b"content-length", b"transfer-encoding"))
"""Headers that mitmproxy or `identity.py` has read already, and that hold nothing but what they are for."""
PROTOCOL_HEADERS = frozenset(
    b"connection keep-alive te trailer upgrade content-type content-encoding accept accept-encoding accept-language"
    b" accept-ranges range content-range date age server vary expect access-control-allow-origin"
    b" access-control-allow-methods access-control-allow-headers strict-transport-security"
    b" sec-websocket-key sec-websocket-accept sec-websocket-version".split()
)
"""Headers that say how to read a message: hardly ever more than words, so they are looked at all at once."""
TARGET = re.compile(rb"/[^\x00-\x20\x7f]*|\*")
"""A request target as an origin gets it. In HTTP/2 it may be anything: a whole URL, which overrides `Host` where it
arrives, or a blank, behind which a lenient server reads no further."""
_CAPITALS = re.compile(r"(\[REDACTED_[A-Z0-9_]+\])|[A-Z]+")
_PORT = re.compile(r":[0-9]*\Z")
METHOD = re.compile(r"[A-Z][A-Z-]{0,31}")


class HeadEdit:
    """Scrubs the parts of one head, and gathers the findings."""

    def __init__(self, scrubber: Scrubber, judge: HitJudge, clean: CleanParts) -> None:
        self._scrubber = scrubber
        self._clean = clean
        self.judge = judge
        self.findings: list[Finding] = []

    def headers(self, headers: tuple[Header, ...], kind: str = "header") -> tuple[Header, ...] | None:
        """The headers with their secrets replaced, and without those whose name is one; None where nothing changes."""
        is_protocol_clean = self._is_protocol_clean(headers)
        edited = []
        for name, value in headers:
            key = name.lower()
            if not is_protocol_clean and any(self._found(each, f"{kind} name") for each in _cases(name)):
                continue
            if key in PROTOCOL_HEADERS and not is_protocol_clean:
                value = self._text(value, f"{kind} {key.decode('latin-1')}")
            elif key not in PROTOCOL_HEADERS and key not in NEVER_EDITED and not key.startswith(b":"):
                value = self._value(key, value, kind)
            edited.append((name, value))
        return tuple(edited) if tuple(edited) != headers else None

    def path(self, path: bytes) -> bytes | None:
        """The request target with its secrets replaced, or None where nothing changes."""
        if self._clean.target(path):
            return None
        result = self._scrubber.target(path, self.judge.choose("url"))
        self.findings += self.judge.findings(result.hits)
        return result.data if result.data != path else None

    def method(self, method: str) -> str | None:
        """The method, or None for what is none: anybody may send any word there."""
        if not METHOD.fullmatch(method) or self._found(method.encode(), "method"):
            return None
        return method

    def target(self, target: Target) -> Target | None:
        """The target as records show it where its host holds a key, which neither a server nor a log may get."""
        for name in _spellings(target):
            if self._clean.text(name):
                continue
            hits = keys(self._scrubber.text(name, self.judge.choose("host"), location="host").hits)
            if any(hit.action in ("scrub", "block") for hit in hits):
                self.findings += self.judge.findings(hits)
                shown = self._scrubber.text(name, scrub_all, location="host").data
                host = _CAPITALS.sub(lambda match: match[1] or match[0].lower(), shown.decode())
                return msgspec.structs.replace(target, host=host, sni=None, authority=None, tunnel=None)
        return None

    def _is_protocol_clean(self, headers: tuple[Header, ...]) -> bool:
        """Whether nothing is found in the names and the protocol's own headers, in one pass over all of them."""
        parts = [spelling for name, _ in headers for spelling in _cases(name)]
        parts += [value for name, value in headers if name.lower() in PROTOCOL_HEADERS]
        return self._clean.text(b"\n".join(parts))

    def _found(self, text: bytes, location: str) -> bool:
        """Whether `text` holds what must not stay."""
        if self._clean.text(text):
            return False
        hits = self._scrubber.text(text, self.judge.choose(location), location=location).hits
        self.findings += self.judge.findings(hits)
        return any(hit.action in ("scrub", "block") for hit in hits)

    def _text(self, value: bytes, location: str) -> bytes:
        result = self._scrubber.text(value, self.judge.choose(location), location=location)
        self.findings += self.judge.findings(result.hits)
        return result.data

    def _value(self, name: bytes, value: bytes, kind: str) -> bytes:
        if self._clean.value(name, value):
            return value
        shown = name.decode("latin-1")
        result = self._scrubber.header(shown, value, self.judge.choose(f"{kind} {shown}"))
        self.findings += self.judge.findings(_located(result.hits, kind))
        return result.data


def _cases(name: bytes) -> tuple[bytes, bytes]:
    """A field's name, and what a key of capitals alone was before: HTTP/2 has no capitals in names."""
    return name, name.upper()


def _spellings(target: Target) -> tuple[bytes, ...]:
    """The target's host as it is decided on, as the client wrote it, which is how it would be sent, and as keys of
    capitals alone were before the name was brought into its one form."""
    written = [_PORT.sub("", name) for name in (target.authority, target.sni) if name]
    return tuple(
        name.encode("ascii", "replace") for name in dict.fromkeys((target.host, *written, target.host.upper()))
    )


def _located(hits: tuple[Hit, ...], kind: str) -> tuple[Hit, ...]:
    if kind == "header":
        return hits
    return tuple(msgspec.structs.replace(hit, location=hit.location.replace("header", kind, 1)) for hit in hits)
