"""Where a span may be cut without tearing a backslash escape apart."""

_LETTERS = b"abfnrtv\"'\\/0"


def clear_of_escapes(data: bytes, start: int, end: int) -> tuple[int, int]:
    """`start:end` made smaller so that neither edge stands between a backslash and what it escapes."""
    if start and data[start - 1] == 0x5C and _is_escaped(data, start):
        if data[start] in _LETTERS:
            start += 1
        elif data[start] == 0x75 and _is_hex(data[start + 1 : start + 5]):
            start += 5
    if end > start and end < len(data) and data[end - 1] == 0x5C and _is_escaped(data, end) and data[end] in _LETTERS:
        end -= 1
    return start, max(start, end)


def _is_escaped(data: bytes, at: int) -> bool:
    """An odd number of backslashes stands before `at`."""
    first = at
    while first and data[first - 1] == 0x5C and at - first < 64:
        first -= 1
    return (at - first) % 2 == 1


def _is_hex(text: bytes) -> bool:
    return len(text) == 4 and all(c in b"0123456789abcdefABCDEF" for c in text)
