"""URL paths as rules see them: every reading a server might give a path, so that no spelling gets around a rule."""

import re
from urllib.parse import unquote_to_bytes

_MAX_ROUNDS = 4
"""Percent-decoding rounds; a path that still changes after them has no agreed meaning."""
_ESCAPE = re.compile(rb"%[0-9a-fA-F]{2}")
_UNRESERVED = re.compile(rb"[A-Za-z0-9._~-]")
_NOT_ASCII = re.compile(rb"[\x80-\xff]")
_CONTROL = re.compile(rb"[\x00-\x1f\x7f]")
_OVERLONG = re.compile(rb"[\xc0\xc1]|\xe0[\x80-\x9f]|\xf0[\x80-\x8f]")
"""No character is written so in UTF-8, and some servers take it for a dot or a slash."""


def readings(target: str | bytes) -> tuple[tuple[bytes, ...], ...]:
    """All ways to read the path of a request target, one tuple for each round of percent-decoding.

    Round 0 is the normal form (unreserved characters decoded, dot segments removed), then decoded once, twice, ...;
    each with empty segments kept and merged, with `;parameters` kept and dropped, and with `\\` as itself and as `/`.
    Empty where the path has no agreed meaning: not starting with `/`, control characters, UTF-8 that is too long, too
    many layers of escapes.
    """
    path = target.encode("utf-8", "surrogateescape") if isinstance(target, str) else target
    path = path.partition(b"#")[0].partition(b"?")[0]
    rounds: list[tuple[bytes, ...]] = []
    path = _normal(path)
    for _ in range(_MAX_ROUNDS + 1):
        if not path.startswith(b"/") or _CONTROL.search(path) or _OVERLONG.search(path):
            return ()
        rounds.append(_spellings(path))
        decoded = unquote_to_bytes(path)
        if decoded == path:
            return tuple(rounds)
        path = decoded
    return ()


def decoded_rounds(text: str) -> tuple[bytes, ...]:
    """A rule's path as written, decoded once, twice, ... until it stays the same: each is compared with its round."""
    rounds = [_normal(text.encode())]
    while (decoded := unquote_to_bytes(rounds[-1])) != rounds[-1]:
        rounds.append(decoded)
    return tuple(rounds)


def _normal(path: bytes) -> bytes:
    """RFC 3986 section 6.2.2: escapes in upper case, none for unreserved characters, one for every byte above ASCII."""
    return _ESCAPE.sub(_normal_escape, _NOT_ASCII.sub(lambda match: b"%%%02X" % match.group()[0], path))


def _normal_escape(match: re.Match[bytes]) -> bytes:
    byte = bytes([int(match.group()[1:], 16)])
    return byte if _UNRESERVED.fullmatch(byte) else match.group().upper()


def _spellings(path: bytes) -> tuple[bytes, ...]:
    slashed = path.replace(b"\\", b"/")
    found = []
    for text in {path, slashed}:
        segments = text.split(b"/")[1:]
        bare = [segment.partition(b";")[0] for segment in segments]
        for parts in (segments, bare):
            found.append(_without_dots(parts))
            found.append(_without_dots([part for part in parts[:-1] if part] + parts[-1:]))
    return tuple(dict.fromkeys(found))


def _without_dots(segments: list[bytes]) -> bytes:
    """RFC 3986 section 5.2.4; `..` above the root stays at the root."""
    kept: list[bytes] = []
    for segment in segments:
        if segment == b"..":
            del kept[-1:]
        elif segment != b".":
            kept.append(segment)
    if segments[-1] in (b".", b".."):
        kept.append(b"")
    return b"/" + b"/".join(kept)
