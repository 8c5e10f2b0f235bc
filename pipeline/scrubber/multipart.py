"""Multipart bodies: each part is read by its own content type, the framing stays byte for byte."""

import re
from collections.abc import Callable, Iterator
from itertools import islice

from pipeline.events import Media
from pipeline.media import ContentType, looks_like_text, media_of, parse_content_type
from pipeline.scrubber.edit import Placed, Search, cut, place
from pipeline.scrubber.json_path import shown_name
from pipeline.scrubber.model import Result

_HEAD_END = re.compile(rb"\r?\n\r?\n")
_CONTENT_TYPE = re.compile(rb"(?im)^content-type:[ \t]*([^\r\n]*)")
_NAME = re.compile(rb'(?im)^content-disposition:[^\r\n]*[; \t]name="?([^"\r\n;]*)')
_FRAMING = re.compile(rb'[\r\n"]+(?:[A-Za-z-]+:)?')

MAX_PARTS = 1000
"""What is behind so many parts is text: nobody sends more, and each costs a search."""

ScrubPart = Callable[[bytes, Media, ContentType, str], Result]
"""(body, media, content type, location) -> the part, scrubbed."""


def place_multipart(search: Search, data: bytes, boundary: bytes, where: str, scrub: ScrubPart) -> list[Placed]:
    """Edits of a multipart body. What lies outside of its parts is text."""
    delimiter = re.compile(rb"(?:\A|\r?\n)--" + re.escape(boundary) + rb"(--)?[ \t]*(?=\r?\n|\Z)")
    placed: list[Placed] = []
    position, is_part = 0, False
    for match in islice(delimiter.finditer(data), MAX_PARTS):
        placed += _section(search, data[position : match.start()], position, where, scrub, is_part=is_part)
        position, is_part = match.end(), match[1] is None
    is_whole = delimiter.search(data, position) is None
    placed += _section(search, data[position:], position, where, scrub, is_part=is_part and is_whole)
    return placed


def _section(
    search: Search, section: bytes, offset: int, where: str, scrub: ScrubPart, *, is_part: bool
) -> Iterator[Placed]:
    head_end = _HEAD_END.search(section) if is_part else None
    if head_end is None:
        yield from (place(edit, where).moved(offset) for edit in search(section))
        return
    head, body = section[: head_end.start()], section[head_end.end() :]
    edits = cut(head, search(head), _FRAMING)
    name = _NAME.search(head)
    location = f"part {shown_name(name[1]) if name and not edits else '?'}"
    yield from (place(edit, f"{location} head").moved(offset) for edit in edits)
    content = _content_type(head)
    result = scrub(body, _media(content, body), content, location)
    if result.hits:
        start = offset + head_end.end()
        yield Placed(start, start + len(body), None if result.data is body else result.data, result.hits)


def _content_type(head: bytes) -> ContentType:
    value = _CONTENT_TYPE.search(head)
    return parse_content_type(value[1] if value else None)


def _media(content: ContentType, body: bytes) -> Media:
    media = media_of(content)
    if media == "binary" and looks_like_text(body):
        return "text"
    return media
