"""What kind of body a content type names, and whether bytes are text at all."""

import re
from email.message import Message
from functools import lru_cache

import msgspec

from pipeline.events import Header, Media


class ContentType(msgspec.Struct, frozen=True, kw_only=True):
    """A parsed Content-Type: `essence` in lower case ("" where there is none), charset, and the multipart boundary."""

    essence: str = ""
    charset: str | None = None
    boundary: bytes | None = None


FRAMED_PREFIXES = ("application/grpc", "application/connect+", "application/x-git-")
"""Protocols inside HTTP whose framing an edit would break, and whose client may wait for the server's first word."""
DUPLEX_PREFIXES = (*FRAMED_PREFIXES, "application/vnd.git-lfs")
"""Those, and git LFS, whose answers are JSON that hands out credentials to be used."""

_TEXT_ESSENCES = {
    "application/javascript",
    "application/ecmascript",
    "application/x-javascript",
    "application/graphql",
    "application/yaml",
    "application/x-yaml",
    "application/toml",
    "application/sql",
    "application/x-sh",
    "application/pem-certificate-chain",
    "application/x-pem-file",
    "application/jwt",
    "application/dns-json",
}
_SNIFF_BYTES = 4096
_CACHED_BYTES = 200
"""A flow asks several times for the same few types, and parsing one costs more than the rest of its step."""


def parse_content_type(value: bytes | None) -> ContentType:
    """`value` of a Content-Type header; parameters that make no sense are ignored."""
    if not value:
        return ContentType()
    return _parsed(value) if len(value) <= _CACHED_BYTES else _parsed.__wrapped__(value)


@lru_cache(maxsize=256)
def _parsed(value: bytes) -> ContentType:
    message = Message()
    message["content-type"] = value.decode("latin-1").replace("\r", " ").replace("\n", " ")
    charset, boundary = message.get_param("charset"), message.get_param("boundary")
    return ContentType(
        essence=_essence(value),
        charset=charset.strip().lower() if isinstance(charset, str) else None,
        boundary=boundary.encode("latin-1", "replace") if isinstance(boundary, str) else None,
    )


def _essence(value: bytes) -> str:
    """`type/subtype` in lower case, or "" for what is none: the label is the sender's, and may hold anything."""
    essence = value.split(b";", 1)[0].strip().lower().decode("latin-1")
    return essence if re.fullmatch(r"[a-z0-9!#$&^_.+-]{1,60}/[a-z0-9!#$&^_.+-]{1,60}", essence) else ""


def media_of(content: ContentType) -> Media:
    """How a body of this type is read. What names no type is text: it is matched as it is."""
    essence = content.essence
    if essence == "text/event-stream":
        return "sse"
    if essence in ("application/x-ndjson", "application/jsonl", "application/json-seq", "application/x-jsonlines"):
        return "ndjson"
    if essence == "application/json" or essence.endswith("+json") or essence == "text/json":
        return "json"
    if essence == "application/x-www-form-urlencoded":
        return "form"
    if essence.startswith("multipart/"):
        return "multipart" if content.boundary else "text"
    if essence.endswith("+xml") or essence in ("application/xml", "text/xml", "text/html", "image/svg+xml"):
        return "xml"
    if not essence or essence.startswith("text/") or essence in _TEXT_ESSENCES:
        return "text"
    return "binary"


def is_duplex(content: ContentType) -> bool:
    """Whether the two directions of this protocol wait for each other."""
    return content.essence.startswith(DUPLEX_PREFIXES)


def is_framed(content: ContentType) -> bool:
    """Whether bodies of this type have a framing of their own, with lengths in it."""
    return content.essence.startswith(FRAMED_PREFIXES)


def looks_like_text(data: bytes) -> bool:
    """Whether the first 4 KiB are text: no NUL, hardly any control character, UTF-8 but for a cut last character."""
    head = data[:_SNIFF_BYTES]
    if not head or b"\0" in head:
        return False
    controls = len(head) - len(
        head.translate(None, bytes([*range(7), 0x0E, 0x0F, *range(0x10, 0x1B), *range(0x1C, 0x20)]))
    )
    if controls * 50 > len(head):
        return False
    try:
        head.decode("utf-8")
    except UnicodeDecodeError as exc:
        return exc.start >= len(head) - 3 and len(data) > len(head)
    return True


def header(headers: tuple[Header, ...], name: bytes) -> bytes | None:
    """The first value of a header (name in lower case), or None."""
    for key, value in headers:
        if key.lower() == name:
            return value
    return None
