"""Text in lines of base64: where such lines begin that may go on in the next one."""

import re

from pipeline.scrubber.base64_text import SHAPE

_ALPHABET = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/-_"
_MAX_BLOCK_BYTES = 16 * 1024
"""Longer blocks are attachments."""
_MAX_LINE_BYTES = 512
_BLANKS = b" \t"
_MAX_INDENT_BYTES = 32
_SHAPE = re.compile(SHAPE)


def open_base64_lines(data: bytes, start: int, held: int) -> int:
    """Where in `data[start:held]` base64 of text begins that goes on over a line break to the end, or `held`."""
    last = data.rfind(b"\n", start) + 1
    if not last or data[last:].lstrip(_BLANKS).translate(None, _ALPHABET):
        return held
    floor = max(start, len(data) - _MAX_BLOCK_BYTES)
    first = line = last
    while line > floor:
        end = line - (2 if data[line - 2 : line] == b"\r\n" else 1)
        begin = _run_start(data, max(floor, end - _MAX_LINE_BYTES), end)
        if begin == end:
            break
        first = begin
        indent = data[max(floor, begin - _MAX_INDENT_BYTES) : begin]
        line = begin - len(indent) + len(indent.rstrip(_BLANKS))
        if data[line - 1 : line] != b"\n":
            break
    if first >= min(last, held) or (first == floor > start) or not _SHAPE.search(data, first):
        return held
    return first


def _run_start(data: bytes, low: int, end: int) -> int:
    return low + len(data[low:end].rstrip(_ALPHABET))
