"""Stage: content type, size, encoding. What may be scanned, and how."""

import msgspec

from pipeline.context import ContextTable
from pipeline.events import Captured, Filtered, Header, Media, Payload, Plan, Reason, Scan
from pipeline.media import ContentType, header, is_duplex, is_framed, looks_like_text, media_of, parse_content_type

KNOWN_CODINGS = frozenset({"gzip", "x-gzip", "deflate", "br", "zstd", "identity"})

MAX_CODINGS = 4
"""One on top of the other; nobody means more."""


class FilterSettings(msgspec.Struct, frozen=True, kw_only=True):
    """`[dlp]` as far as it is about sizes and encodings."""

    max_body_bytes: int = 512 * 1024
    """Bodies up to here are buffered and scrubbed with their structure; longer ones are streamed."""
    oversize: str = "scan"
    """`scan`, `skip` or `block`."""
    undecodable: str = "block"
    """`block`, or `skip`: forward what cannot be decoded untouched, recorded and alerted as unscanned."""


class ContentFilter:
    """Stage: gives a captured moment its context and its scan plan."""

    name = "content_filter"

    def __init__(self, settings: FilterSettings, contexts: ContextTable) -> None:
        self._settings = settings
        self._contexts = contexts

    def __call__(self, event: Captured, /) -> Filtered:
        context = self._contexts.context_of(event.target.host)
        return Filtered(captured=event, context=context, scan=self._scan(event, context))

    def _scan(self, event: Captured, context: str) -> Scan:
        if event.step == "message":
            return Scan(plan="buffer", media="text" if event.is_text or _is_text(event.body) else "binary")
        if event.step in ("request", "request_body") and event.request is not None:
            return self._head_scan(event, event.request.headers, is_reply=False)
        if event.step in ("response", "response_body") and event.response is not None:
            if context == "registry" or not _may_have_body(event):
                return Scan(plan="stream-raw" if context == "registry" else "none")
            return self._head_scan(event, event.response.headers, is_reply=True)
        return Scan(plan="none", unscanned=event.unscanned)

    def _head_scan(self, event: Captured, headers: tuple[Header, ...], *, is_reply: bool) -> Scan:
        content = parse_content_type(header(headers, b"content-type"))
        codings = content_codings(headers)
        length = content_length(headers)
        is_partial = is_reply and event.response is not None and event.response.status == 206
        if event.body is not None:
            scan = self._body_scan(event.body, content, codings, is_reply=is_reply)
            return msgspec.structs.replace(scan, is_partial=is_partial)
        if not is_reply and length in (None, 0) and not _is_chunked(headers) and not _is_http2(event):
            return Scan(plan="none")
        if not _is_plainly_chunked(headers):
            return Scan(plan="block", unscanned="unknown-encoding")
        plan = self._plan(content, length, is_reply=is_reply)
        media = self._media(content, None, is_reply=is_reply)
        scan = self._with_codings(plan, media, content, codings, is_partial=is_partial)
        if not is_reply and plan == "stream" and media == "multipart" and scan.unscanned is None:
            # Its parts may be files, of which not everything can be read: nobody knows before it has left.
            return msgspec.structs.replace(scan, unscanned="binary-body")
        return scan

    def _plan(self, content: ContentType, length: int | None, *, is_reply: bool) -> Plan:
        if is_framed(content) if not is_reply else is_duplex(content):
            return "stream-raw" if is_reply else "watch"
        if is_reply and media_of(content) == "binary":
            return "stream-raw"
        if length is None:
            return "gather" if media_of(content) == "json" else "stream"
        if is_reply and media_of(content) == "sse":  # nobody sends events; who calls a body so gets it read as a whole
            return "stream"
        if length <= self._settings.max_body_bytes:
            return "buffer"
        oversize: dict[str, Plan] = {"scan": "stream", "skip": "stream-raw", "block": "block"}
        return oversize[self._settings.oversize]

    def _body_scan(self, body: Payload, content: ContentType, codings: tuple[str, ...], *, is_reply: bool) -> Scan:
        media = self._media(content, body if not codings else None, is_reply=is_reply)
        return self._with_codings("buffer", media, content, codings)

    def _media(self, content: ContentType, body: Payload | None, *, is_reply: bool) -> Media:
        """A request's label is the agent's word: what is labelled binary but reads as text is scrubbed as text."""
        media = media_of(content)
        if media == "binary" and not is_reply and body is not None and _is_text(body):
            return "text"
        return media

    def _with_codings(
        self, plan: Plan, media: Media, content: ContentType, codings: tuple[str, ...], *, is_partial: bool = False
    ) -> Scan:
        unscanned: Reason | None = "oversize" if plan == "block" else None
        if plan in ("buffer", "gather", "stream", "watch") and not _are_readable(codings):
            unscanned = "unknown-encoding"
            if plan != "buffer":
                plan = "block" if self._settings.undecodable == "block" else "stream-raw"
        if plan == "stream" and unscanned is None and media == "binary":
            unscanned = "binary-body"
        if plan == "stream-raw" and unscanned is None and media != "binary" and not is_duplex(content):
            unscanned = "oversize"
        return Scan(
            plan=plan,
            media=media,
            charset=content.charset,
            codings=tuple(c for c in codings if c != "identity"),
            boundary=content.boundary,
            is_partial=is_partial,
            unscanned=unscanned,
            gather_bytes=self._settings.max_body_bytes if plan == "gather" else 0,
        )


def content_codings(headers: tuple[Header, ...]) -> tuple[str, ...]:
    """Content codings in the order they were applied, lower case; several headers count as one list."""
    values = b",".join(value for name, value in headers if name.lower() == b"content-encoding")
    return tuple(part.strip().lower().decode("latin-1") for part in values.split(b",") if part.strip())


def content_length(headers: tuple[Header, ...]) -> int | None:
    """The declared length in bytes, or None where there is none that can be trusted."""
    value = header(headers, b"content-length")
    if value is None or _is_chunked(headers) or not value.strip().isdigit():
        return None
    return int(value)


def _are_readable(codings: tuple[str, ...]) -> bool:
    return len(codings) <= MAX_CODINGS and set(codings) <= KNOWN_CODINGS


def _is_chunked(headers: tuple[Header, ...]) -> bool:
    return header(headers, b"transfer-encoding") is not None


def _is_plainly_chunked(headers: tuple[Header, ...]) -> bool:
    """No transfer coding but `chunked`: mitmproxy takes no other one off, so nobody could read what is below."""
    value = header(headers, b"transfer-encoding")
    return value is None or value.strip().lower() == b"chunked"


def _is_http2(event: Captured) -> bool:
    return event.request is not None and event.request.http_version.startswith("HTTP/2")


def _may_have_body(event: Captured) -> bool:
    """HEAD, 1xx, 204 and 304 have none whatever their headers say; so has a declared length of 0."""
    if event.response is None or (event.request is not None and event.request.method.upper() == "HEAD"):
        return False
    status = event.response.status
    return not (status < 200 or status in (204, 304)) and content_length(event.response.headers) != 0


def _is_text(body: Payload | None) -> bool:
    return body is not None and looks_like_text(body.data)
