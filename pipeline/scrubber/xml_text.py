"""XML and HTML: text and attribute values are scrubbed, markup stays."""

import re

from pipeline.scrubber.edit import Placed, Search, cut, place

_MARKUP = re.compile(rb"<!\[CDATA\[|\]\]>|<[^<>]*>|[<>]")


def place_xml(search: Search, data: bytes, where: str) -> list[Placed]:
    """Edits of an XML body, none of them going over markup."""
    edits = search(data)
    return [place(edit, where) for edit in cut(data, edits, _MARKUP)] if edits else []
