"""URLs: path, query, fragment and user info are scrubbed, percent-encoded, and the URL leads to the same host, unless
that is named like a key."""

import re
from collections.abc import Iterator

from pipeline.scrubber.binary import WATCHED
from pipeline.scrubber.edit import Edit, Placed, Search, merge, place
from pipeline.scrubber.form import fit_form, quoted, search_fields

_AUTHORITY = re.compile(rb"(?:[A-Za-z][A-Za-z0-9+.-]*:)?//(?:[^/?#@]*@)?([^/?#]*)")
_DELIMITER = re.compile(rb"[?#&]")


def place_url(search: Search, url: bytes, where: str = "url") -> list[Placed]:
    """Edits of a URL or of a request's target (a path with its query)."""
    sections = list(_sections(url))
    fields = [
        edit.moved(start)
        for start, end, name in sections
        if name != "path"
        for edit in search_fields(search, url[start:end])
    ]
    edits = merge([*fields, *(edit for edit in search(url) if not _is_known(url, edit, fields))])
    return [placed for section in sections for placed in _section(search, url, section, edits, where)]


def _is_known(url: bytes, edit: Edit, fields: list[Edit]) -> bool:
    """A rule for plain text has run on into the next field, from a find in one."""
    return _DELIMITER.search(url, edit.start, edit.end) is not None and any(
        field.start < edit.end and field.end > edit.start for field in fields
    )


def _sections(url: bytes) -> Iterator[tuple[int, int, str]]:
    """Start, end and name of the path (all before it too), the query and the fragment."""
    hash_at = url.find(b"#")
    end = len(url) if hash_at < 0 else hash_at
    query_at = url.find(b"?", 0, end)
    yield 0, end if query_at < 0 else query_at, "path"
    if query_at >= 0:
        yield query_at + 1, end, "query"
    if hash_at >= 0:
        yield hash_at + 1, len(url), "fragment"


def _section(
    search: Search, url: bytes, section: tuple[int, int, str], edits: list[Edit], where: str
) -> Iterator[Placed]:
    start, end, name = section
    inner = [_part(edit, start, end) for edit in edits if edit.start < end and edit.end > start]
    if name == "path":
        yield from _path(url, inner, f"{where} {name}")
    else:
        moved = [edit.moved(-start) for edit in inner]
        yield from (placed.moved(start) for placed in fit_form(search, url[start:end], moved, f"{where} {name}"))


def _part(edit: Edit, start: int, end: int) -> Edit:
    """What of `edit` lies in a section; a find that goes over two is reported once."""
    if start <= edit.start and edit.end <= end:
        return edit
    found = edit.found if start <= edit.start else ()
    return Edit(max(edit.start, start), min(edit.end, end), edit.placeholder, found)


def _is_key(edit: Edit) -> bool:
    """Whether it is one of the finds that no host is named like: it goes, and the URL leads nowhere."""
    return any(found.rule.secret_class in WATCHED for found in edit.found)


def _path(url: bytes, edits: list[Edit], location: str) -> Iterator[Placed]:
    authority = _AUTHORITY.match(url)
    host_start, host_end = authority.span(1) if authority else (0, 0)
    for edit in edits:
        is_host = edit.start < host_end and edit.end > host_start and not _is_key(edit)
        yield quoted(place(edit.left_alone() if is_host else edit, location))
