"""Private keys in text armour (RFC 7468 and kin): where one is open, and where it ends."""

import re

HEADER_MARK = b"-----BEGIN"
_HEADER = re.compile(rb"-----BEGIN[ A-Z0-9_-]{0,100}?PRIVATE KEY(?: BLOCK)?-----")
_CUT_HEADER = re.compile(rb"-----BEGIN[ A-Z0-9_-]{0,120}\Z")
FOOTER = re.compile(rb"-----END[ A-Z0-9_-]{0,100}?KEY(?: BLOCK)?-----")
FOOTER_BYTES = 128
"""No footer is longer."""
_BODY = re.compile(rb"[A-Za-z0-9+/=_-]{24}")
_BODY_WITHIN_BYTES = 512


def open_key_block(data: bytes, start: int) -> int:
    """Where the first private key after `start` begins that has no footer yet, or -1. A header that no line of base64
    follows within 512 bytes is somebody's talk about keys, and not open."""
    at = data.find(HEADER_MARK, start)
    while at >= 0:
        header = _HEADER.match(data, at)
        if header is None:
            if _CUT_HEADER.match(data, at):
                return at
            at = data.find(HEADER_MARK, at + len(HEADER_MARK))
            continue
        footer = FOOTER.search(data, header.end())
        if footer is None and _may_be_key(data, header.end()):
            return at
        at = data.find(HEADER_MARK, footer.end() if footer else header.end())
    return -1


def _may_be_key(data: bytes, start: int) -> bool:
    is_all_there = len(data) >= start + _BODY_WITHIN_BYTES
    return not is_all_there or _BODY.search(data, start, start + _BODY_WITHIN_BYTES) is not None
