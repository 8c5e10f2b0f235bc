"""Binary content: nothing in it can be replaced, so a key in it must not leave."""

from collections.abc import Iterable

import msgspec

from pipeline.archives import unpacked
from pipeline.events import SecretClass
from pipeline.scrubber.edit import Search, place
from pipeline.scrubber.model import Hit

WATCHED: frozenset[SecretClass] = frozenset(("secret", "credential", "canary"))
"""Every program holds addresses and numbers: those of binary content are let through."""


def squeezed(data: bytes) -> bytes:
    """`data` without its zero bytes: what is ASCII in UTF-16 or UTF-32, at whatever place, becomes readable."""
    return data.replace(b"\0", b"")


def keys(hits: Iterable[Hit], known: frozenset[str] = frozenset()) -> tuple[Hit, ...]:
    """Those hits that are watched, but for those whose fingerprint is known."""
    return tuple(hit for hit in hits if hit.rule.secret_class in WATCHED and hit.fingerprint not in known)


def watch(search: Search, data: bytes, where: str) -> tuple[Hit, ...]:
    """The keys in `data` and in what is packed in it. What would be scrubbed in a text gets the action `block`."""
    found = _read(search, data, where)
    for member in unpacked(data):
        known = frozenset(hit.fingerprint for hit in found)
        found += keys(_read(search, member, f"{where} (unpacked)"), known)
    return found


def _read(search: Search, data: bytes, where: str) -> tuple[Hit, ...]:
    found = _blocked(search, data, where)
    narrow = squeezed(data)
    if len(narrow) == len(data):
        return found
    known = frozenset(hit.fingerprint for hit in found)
    return (*found, *keys(_blocked(search, narrow, where), known))


def _blocked(search: Search, data: bytes, where: str) -> tuple[Hit, ...]:
    hits = keys(hit for edit in search(data) for hit in place(edit, where).hits)
    return tuple(msgspec.structs.replace(hit, action="block") if hit.action == "scrub" else hit for hit in hits)
