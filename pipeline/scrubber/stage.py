"""Stage: scrubs what the filter marked, and leaves the originals behind."""

import msgspec

from pipeline.context import ContextTable
from pipeline.events import Captured, Edits, Filtered, Finding, Header, Payload, Reason, Scan, Scrubbed
from pipeline.media import header, parse_content_type
from pipeline.scrubber.body import scrub_body
from pipeline.scrubber.judge_hits import HitJudge, Place
from pipeline.scrubber.model import Hit
from pipeline.scrubber.scrubber import Scrubber

FRAMING_HEADERS = frozenset(
    b"host content-length transfer-encoding connection keep-alive te trailer upgrade content-type content-encoding"
    b" accept accept-encoding accept-language accept-ranges range content-range date age server vary expect"
    b" access-control-allow-origin access-control-allow-methods access-control-allow-headers"
    b" strict-transport-security sec-websocket-key sec-websocket-accept sec-websocket-version".split()
)
"""Headers that say how to read a message. They are not scrubbed: an edit would break the exchange."""


class ScrubberStage:
    """Stage: `Filtered` -> `Scrubbed`, by the policy's table of classes, contexts and directions."""

    name = "scrubber"

    def __init__(self, scrubber: Scrubber, contexts: ContextTable, *, skips_undecodable: bool = False) -> None:
        self._scrubber = scrubber
        self._contexts = contexts
        self._skips_undecodable = skips_undecodable

    def __call__(self, event: Filtered, /) -> Scrubbed:
        captured = event.captured
        place = Place(host=captured.target.host, context=event.context, direction=captured.direction)
        edit = _Edit(self._scrubber, HitJudge(self._contexts, place))
        headers, path = self._head(captured, edit)
        body, trouble, scan = self._body(event, edit)
        trailers = edit.headers(captured.trailers, "trailer") if captured.trailers else None
        edits = Edits(headers=headers, path=path, trailers=trailers, body=body)
        shown = self._shown_path(captured, path, edit)
        findings = (*captured.prior, *edit.findings)
        if trouble is None and is_signed(captured) and edits != Edits():
            trouble = "signed-request"
        return _scrubbed(event, shown, edits, findings, scan=scan, trouble=trouble)

    def _shown_path(self, captured: Captured, edited: bytes | None, edit: "_Edit") -> bytes:
        """The path as records show it: without the secrets that the policy lets through, too."""
        if captured.request is None:
            return b""
        path = captured.request.path if edited is None else edited
        return self._scrubber.target(path, lambda _: "scrub").data if edit.findings else path

    def _head(self, captured: Captured, edit: "_Edit") -> tuple[tuple[Header, ...] | None, bytes | None]:
        if captured.step in ("request", "connect") and captured.request is not None:
            return edit.headers(captured.request.headers), edit.path(captured.request.path)
        if captured.step == "response" and captured.response is not None:
            return edit.headers(captured.response.headers), None
        return None, None

    def _body(self, event: Filtered, edit: "_Edit") -> tuple[Payload | None, Reason | None, Scan]:
        captured, scan = event.captured, event.scan
        if captured.body is None or (scan.media == "binary" and captured.direction == "response"):
            return None, captured.trouble, scan
        location = "message" if captured.step == "message" else "body"
        choose = edit.judge.choose(location)
        result = scrub_body(
            self._scrubber,
            captured.body.data,
            scan,
            choose,
            edit.judge.pardon,
            skips_undecodable=self._skips_undecodable,
        )
        edit.findings += edit.judge.findings(result.hits)
        # Each binary message of a WebSocket would be an alert of its own.
        unscanned = None if captured.step == "message" else result.unscanned
        scan = msgspec.structs.replace(scan, unscanned=unscanned)
        body = Payload(result.data) if result.data is not None else None
        return body, captured.trouble or result.trouble, scan


class _Edit:
    """Scrubs the parts of a head and gathers the findings."""

    def __init__(self, scrubber: Scrubber, judge: HitJudge) -> None:
        self._scrubber = scrubber
        self.judge = judge
        self.findings: list[Finding] = []

    def headers(self, headers: tuple[Header, ...], kind: str = "header") -> tuple[Header, ...] | None:
        """The headers with their secrets replaced, or None where nothing changes."""
        is_changed = False
        edited = []
        for name, value in headers:
            key = name.lower()
            if key not in FRAMING_HEADERS and not key.startswith(b":"):
                location = f"{kind} {key.decode('latin-1')}"
                result = self._scrubber.header(key.decode("latin-1"), value, self.judge.choose(location))
                self.findings += self.judge.findings(_located(result.hits, kind))
                is_changed = is_changed or result.data != value
                value = result.data
            edited.append((name, value))
        return tuple(edited) if is_changed else None

    def path(self, path: bytes) -> bytes | None:
        """The request target with its secrets replaced, or None where nothing changes."""
        result = self._scrubber.target(path, self.judge.choose("url"))
        self.findings += self.judge.findings(result.hits)
        return result.data if result.data != path else None


def _located(hits: tuple[Hit, ...], kind: str) -> tuple[Hit, ...]:
    if kind == "header":
        return hits
    return tuple(msgspec.structs.replace(hit, location=hit.location.replace("header", kind, 1)) for hit in hits)


def is_signed(captured: Captured) -> bool:
    """Whether the request's signature covers its headers or body, so that an edit breaks it (AWS SigV4 and kin)."""
    if captured.request is None or captured.direction != "request":
        return False
    authorization = header(captured.request.headers, b"authorization") or b""
    names = {name.lower() for name, _ in captured.request.headers}
    return (
        authorization.startswith((b"AWS4-", b"AWS ", b"OSS4-", b"TC3-", b"GOOG4-", b"SharedKey"))
        or b"X-Amz-Signature=" in captured.request.path
        or not names.isdisjoint({b"signature", b"signature-input", b"x-hub-signature-256", b"content-md5", b"digest"})
    )


def _scrubbed(
    event: Filtered, shown: bytes, edits: Edits, findings: tuple[Finding, ...], *, scan: Scan, trouble: Reason | None
) -> Scrubbed:
    captured = event.captured
    request, response = captured.request, captured.response
    head = response or request
    return Scrubbed(
        flow_id=captured.flow_id,
        step=captured.step,
        at=captured.at,
        target=captured.target,
        context=event.context,
        direction=captured.direction,
        method=_printable(request.method.encode("utf-8", "replace")) if request else "",
        path=_printable(shown),
        status=response.status if response else 0,
        content_type=_content_type(head.headers) if head else "",
        question=captured.question,
        scan=scan,
        edits=edits,
        findings=findings,
        counts=captured.counts,
        trouble=trouble,
    )


def _content_type(headers: tuple[Header, ...]) -> str:
    return parse_content_type(header(headers, b"content-type")).essence[:100]


def _printable(raw: bytes) -> str:
    """Printable ASCII; the rest percent-encoded, so that no byte of a log line is a control character."""
    return "".join(chr(b) if 0x20 < b < 0x7F else f"%{b:02X}" for b in raw[:2048])
