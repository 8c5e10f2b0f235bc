"""Secrets that only what follows gives away: compared with a name, or in a manifest whose kind comes last."""

import re

MANIFEST_BYTES = 1024
"""How far before `kind: Secret` a value is held back."""
_DATA = re.compile(rb"(?i)\b(?:string)?data[\"']?\s{0,3}:[\s{]{0,20}[\"']?[\w.-]{1,120}[\"']?\s{0,3}:\s{0,3}\S")
_KIND = re.compile(rb"(?i)\bkind[\"']?\s{0,3}:\s{0,3}[\"']?\w+\W")
_COMPARES = re.compile(rb" ?(?:(?<= )[!=](?:={1,2}(?: [\w.$-]{0,80})?)?)?\Z")
_LONGEST_NAME_BYTES = 90
_VALUE_BYTES = range(6, 65)


def manifest_start(data: bytes, start: int) -> int:
    """Where the data of a manifest begins that may still turn out to be a Secret, or `len(data)`."""
    end = len(data)
    near = max(0, end - MANIFEST_BYTES)
    at = data.rfind(b"ata", near)
    while at >= 0:
        if data[at + 3 : at + 4] in (b":", b'"', b"'") and _is_open_manifest(data, at):
            return max(start, at + 3)
        at = data.rfind(b"ata", near, at)
    return end


def _is_open_manifest(data: bytes, at: int) -> bool:
    found = _DATA.search(data, max(0, at - 8))
    return found is not None and found.start() <= at and _KIND.search(data, at) is None


def comparison_start(data: bytes, start: int, quote: int) -> int:
    """Where the value begins that the quote at `quote` ends, if a name it is compared with may follow, or the end."""
    end = len(data)
    if end - quote > _LONGEST_NAME_BYTES or not _COMPARES.match(data, quote + 1):
        return end
    opener = data.rfind(data[quote : quote + 1], max(0, quote - 70), quote)
    is_value = opener >= 0 and quote - opener - 1 in _VALUE_BYTES and b" " not in data[opener:quote]
    return max(start, opener + 1) if is_value else end
