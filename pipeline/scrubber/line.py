"""The line around a match, which allowlists with `regexTarget = "line"` look at."""

LINE_REACH_BYTES = 200
"""A body of one line would otherwise let one word anywhere in it switch a rule off for all of it."""


def near_line(data: bytes, start: int, end: int) -> bytes:
    """The line of `start:end`, at most LINE_REACH_BYTES to each side; a written `\\n` ends it as a newline does."""
    low, high = max(0, start - LINE_REACH_BYTES), min(len(data), end + LINE_REACH_BYTES)
    for mark in (b"\n", b"\\n"):
        before, after = data.rfind(mark, low, start), data.find(mark, end, high)
        low = low if before < 0 else before + len(mark)
        high = high if after < 0 else after
    return data[low:high]


def gitleaks_line(data: bytes, start: int, end: int) -> bytes:
    """The line as gitleaks cuts it out: with the newline before it, from the beginning of the data where it is the last
    one, and to the end of the match where that is on a later line."""
    newline = data.find(b"\n", start)
    if newline == start:
        newline = data.find(b"\n", start + 1)
    if newline < 0 and b"\n" in data:
        stop = end
        while stop < len(data) and data[stop] not in b"\r\n":
            stop += 1
        return data[:stop]
    first = max(0, data.rfind(b"\n", 0, start + 1))
    last = len(data) if newline < 0 else newline
    return data[first : max(last, end)]
