"""Binary content: nothing in it can be replaced, so a key in it must not leave."""

import re
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any

import msgspec
import re2

from pipeline.archives import unpacked
from pipeline.events import SecretClass
from pipeline.scrubber.edit import Search, place
from pipeline.scrubber.hints import hint_finder
from pipeline.scrubber.hold import KNOWN_BEGINNINGS
from pipeline.scrubber.model import Hit

WATCHED: frozenset[SecretClass] = frozenset(("secret", "credential", "canary"))
"""Every program holds addresses and numbers: those of binary content are let through."""
_TOGETHER_BYTES = 64 * 1024
_RUN = re.compile(rb"[\w.+/=-]{16,512}", re.ASCII)
_MAX_GLUED = 1000
_CBOR, _SQLITE = 0x60, 13
"""What is added to a string's length in its head (RFC 8949 section 3.1), and to twice its length (SQLite's record
format)."""
_SHORTEST, _SHORT_KEY = 16, 20
"""A key has at least so many bytes; the shortest that wants an edge behind it is the id of a cloud's access key."""


def squeezed(data: bytes) -> bytes:
    """`data` without its zero bytes: what is ASCII in UTF-16 or UTF-32, at whatever place, becomes readable."""
    return data.replace(b"\0", b"")


def keys(hits: Iterable[Hit], known: frozenset[str] = frozenset()) -> tuple[Hit, ...]:
    """Those hits that are watched, but for those whose fingerprint is known."""
    return tuple(hit for hit in hits if hit.rule.secret_class in WATCHED and hit.fingerprint not in known)


def watch(search: Search, data: bytes, where: str) -> tuple[Hit, ...]:
    """The keys in `data` and in what is packed in it. What would be scrubbed in a text gets the action `block`."""
    return _more(search, _packed_texts(data), f"{where} (unpacked)", read(search, data, where))


def hidden(search: Search, text: bytes, where: str) -> tuple[Hit, ...]:
    """The keys in what is called text and has been read as it is: between zero bytes, and packed."""
    narrow = squeezed(text)
    found = _blocked(search, narrow, where) if len(narrow) < len(text) else ()
    return _more(search, _packed_texts(text), f"{where} (unpacked)", found)


def _packed_texts(data: bytes) -> Iterator[bytes]:
    """What is packed in `data`; small members together, because each search has its price."""
    if not hint_finder().archived(data):
        return
    waiting: list[bytes] = []
    count = 0
    for member in unpacked(data):
        waiting.append(member)
        count += len(member)
        if count >= _TOGETHER_BYTES:
            yield b"\n".join(waiting)
            waiting, count = [], 0
    if waiting:
        yield b"\n".join(waiting)


def _more(search: Search, texts: Iterable[bytes], where: str, found: tuple[Hit, ...]) -> tuple[Hit, ...]:
    """`found`, and what else is in `texts`."""
    for text in texts:
        known = frozenset(hit.fingerprint for hit in found)
        found += keys(read(search, text, where), known)
    return found


def read(search: Search, data: bytes, where: str) -> tuple[Hit, ...]:
    """The keys in `data` as it is, between zero bytes, and with letters beside them. What would be scrubbed blocks."""
    found = _blocked(search, data, where)
    narrow = squeezed(data)
    others = (narrow,) if len(narrow) < len(data) else ()
    for text in (*others, cut_free(data)):
        if text:
            known = frozenset(hit.fingerprint for hit in found)
            found += keys(_blocked(search, text, where), known)
    return found


def _compiled() -> Any:
    options = re2.Options()
    options.encoding = re2.Options.Encoding.LATIN1
    return re2.compile(rb"[\x00-\xff](?:" + KNOWN_BEGINNINGS + rb")[0-9A-Za-z_]{4}", options=options)


_GLUED = _compiled()


def glued(search: Search, data: bytes, where: str) -> tuple[Hit, ...]:
    """The keys in `data` that have letters beside them which are none of theirs."""
    text = cut_free(data)
    return _blocked(search, text, where) if text else ()


def cut_free(data: bytes) -> bytes:
    """What begins like a key, on lines of its own: in protobuf, CBOR and databases a letter in front of a string is its
    length, or the end of another string, and no more a part of it than the letter behind it, which is the next tag."""
    if data.isascii() and b"\0" not in data:
        return b""  # text, in which words have edges
    lines: list[bytes] = []
    for glued in islice(_GLUED.finditer(data), _MAX_GLUED):
        run = _RUN.match(data, glued.start() + 1)
        if run is None:
            continue
        length = data[glued.start()]
        sizes = {length, length - _CBOR, (length - _SQLITE) // 2, _SHORT_KEY}
        lines += (run[0], *(run[0][:size] for size in sizes if _SHORTEST <= size < len(run[0])))
    return b"\n".join(lines)


def _blocked(search: Search, data: bytes, where: str) -> tuple[Hit, ...]:
    hits = keys(hit for edit in search(data) for hit in place(edit, where).hits)
    return tuple(msgspec.structs.replace(hit, action="block") if hit.action == "scrub" else hit for hit in hits)
