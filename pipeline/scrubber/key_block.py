"""Private keys in text armour (RFC 7468 and kin): where one is open, and where it ends."""

import re

HEADER_MARK = b"-----"
"""Every header has it, in any case of its letters."""
_MARK = re.compile(rb"(?i)-----BEGIN")
_HEADER = re.compile(rb"(?i)-----BEGIN[ A-Z0-9_-]{0,100}?PRIVATE KEY(?: BLOCK)?-----")
_CUT_HEADER = re.compile(rb"(?i)-----BEGIN[ A-Z0-9_-]{0,120}\Z")
FOOTER = re.compile(rb"(?i)-----END[ A-Z0-9_-]{0,100}?KEY(?: BLOCK)?-----")
FOOTER_BYTES = 128
"""No footer is longer."""
_BODY = re.compile(rb"[A-Za-z0-9+/=_-]{24}")
_BODY_WITHIN_BYTES = 512
_SHORTEST_BODY_BYTES = 64
"""What stands nearer to the header is no footer for every rule."""
PATIENCE_BYTES = 16 * 1024


def open_key_block(data: bytes, start: int, patience: int = PATIENCE_BYTES) -> int:
    """Where the first private key after `start` begins that has no footer yet, or -1. A header that no line of base64
    follows within 512 bytes is somebody's talk about keys, and after `patience` bytes no longer open."""
    mark = _MARK.search(data, start)
    has_footer = True  # behind the last header
    while mark:
        at = mark.start()
        header = _HEADER.match(data, at)
        if header is None:
            if _CUT_HEADER.match(data, at):
                return at
            mark = _MARK.search(data, at + 1)
            continue
        footer = FOOTER.search(data, header.end() + _SHORTEST_BODY_BYTES) if has_footer else None
        has_footer = footer is not None
        if footer is None and _may_be_key(data, header.end(), patience):
            return at
        mark = _MARK.search(data, footer.end() if footer else header.end())
    return -1


def _may_be_key(data: bytes, start: int, patience: int) -> bool:
    is_all_there = len(data) >= start + patience
    return not is_all_there or _BODY.search(data, start, start + _BODY_WITHIN_BYTES) is not None
