"""Whether a match in the raw text of a JSON document is a number of it: replacing that would break the document."""

import re

_NUMBER = re.compile(rb"-?[0-9][0-9.eE+-]*")
_MEMBER = re.compile(rb'(?<!\\)"[ \t\r\n]*:[ \t\r\n]*(?:\[[\[\]0-9.eE+, \t\r\n-]*)?\Z')
_NEXT = re.compile(rb"[ \t\r\n]*(?:[,\]}]|\Z)")
_NEAR_BYTES = 512


def is_json_number(data: bytes, start: int, end: int) -> bool:
    """Whether `data[start:end]` is a number after `"key":`, or in an array there. A number within a string is none: no
    quote without a backslash stands before its colon. What is in doubt is none, and is replaced."""
    return (
        _NUMBER.fullmatch(data, start, end) is not None
        and _NEXT.match(data, end) is not None
        and _MEMBER.search(data, max(0, start - _NEAR_BYTES), start) is not None
    )
