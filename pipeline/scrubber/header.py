"""Header values: credentials decoded and encoded again, cookies, URLs."""

import binascii
import re

from pipeline.scrubber.edit import Edit, Placed, Search, cut, merge, place, splice
from pipeline.scrubber.json_body import fit_json
from pipeline.scrubber.json_path import shown_name
from pipeline.scrubber.url import place_url

URL_HEADERS = frozenset(("referer", "location", "content-location", "origin", "x-original-url", "x-rewrite-url"))
_BASIC = re.compile(rb"\s*basic\s+([A-Za-z0-9+/_-]+={0,2})\s*\Z", re.IGNORECASE)
_COOKIE_END = re.compile(rb"\s*;\s*")


def place_header(search: Search, name: str, value: bytes) -> list[Placed]:
    """Edits of one header's value. Rules see `name: value`, but the name is never changed."""
    name = name.lower()
    location = f"header {shown_name(name.encode('utf-8', 'replace'))}"
    if name in URL_HEADERS:
        return place_url(search, value, location)
    edits = _in_context(search, name, value)
    basic = _BASIC.match(value)
    if basic and name.endswith("authorization"):
        edits = _basic(search, value, basic.span(1), edits)
    elif name in ("cookie", "set-cookie"):
        edits = cut(value, edits, _COOKIE_END)
    elif value.lstrip()[:1] in (b"{", b"["):
        return fit_json(search, value, edits, location)
    return [place(edit, location) for edit in edits]


def _in_context(search: Search, name: str, value: bytes) -> list[Edit]:
    front = name.encode("latin-1", "replace") + b": "
    edits = (edit.moved(-len(front)) for edit in search(front + value))
    return [edit._replace(start=max(0, edit.start)) for edit in edits if edit.end > 0]


def _basic(search: Search, value: bytes, span: tuple[int, int], edits: list[Edit]) -> list[Edit]:
    """The edits with those of the credentials `user:password` made inside of them."""
    start, end = span
    credentials = _decoded(value[start:end])
    if credentials is None:
        return edits
    outside = [edit for edit in edits if edit.end <= start or edit.start >= end]
    inside = [edit for edit in edits if edit not in outside]
    found = search(credentials) or _password(search, credentials, inside)
    if not found:
        return outside
    text = splice(credentials, found)
    new = None if text is credentials else binascii.b2a_base64(text, newline=False)
    return merge([*outside, Edit(start, end, new, tuple(f for edit in found for f in edit.found))])


def _password(search: Search, credentials: bytes, inside: list[Edit]) -> list[Edit]:
    """Where only the header as a whole gave a rule away, the password is what it is about."""
    start = credentials.find(b":") + 1
    password = credentials[start:]
    if not inside or not password or _is_scrubbed(password):
        return []
    rule = inside[0].found[0].rule
    found = search.found(rule, password)
    return [Edit(start, len(credentials), rule.placeholder if found.action == "scrub" else None, (found,))]


def _is_scrubbed(text: bytes) -> bool:
    return re.fullmatch(rb"\[REDACTED_[A-Z0-9_]+\]", text) is not None


def _decoded(token: bytes) -> bytes | None:
    plain = token.translate(bytes.maketrans(b"-_", b"+/")).rstrip(b"=")
    try:
        return binascii.a2b_base64(plain + b"=" * (-len(plain) % 4))
    except binascii.Error:
        return None
