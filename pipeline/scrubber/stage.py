"""Stage: scrubs what the filter marked, and leaves the originals behind."""

import re

import msgspec

from pipeline.context import ContextTable
from pipeline.events import Captured, Edits, Filtered, Finding, Header, Payload, Reason, Scan, Scrubbed, Target
from pipeline.media import header, parse_content_type
from pipeline.scrubber.body import scrub_body
from pipeline.scrubber.clean_parts import CleanParts
from pipeline.scrubber.head import TARGET, HeadEdit
from pipeline.scrubber.judge_hits import HitJudge, Place
from pipeline.scrubber.scrubber import Scrubber

_UNPRINTABLE = re.compile(rb"[^\x21-\x7e]")


class ScrubberStage:
    """Stage: `Filtered` -> `Scrubbed`, by the policy's table of classes, contexts and directions."""

    name = "scrubber"

    def __init__(self, scrubber: Scrubber, contexts: ContextTable, *, skips_undecodable: bool = False) -> None:
        self._scrubber = scrubber
        self._contexts = contexts
        self._skips_undecodable = skips_undecodable
        self._clean = CleanParts(scrubber)

    def __call__(self, event: Filtered, /) -> Scrubbed:
        captured = event.captured
        place = Place(host=captured.target.host, context=event.context, direction=captured.direction)
        edit = HeadEdit(self._scrubber, HitJudge(self._contexts, place), self._clean)
        headers, path = self._head(captured, edit)
        body, trouble, scan = self._body(event, edit)
        trailers = edit.headers(captured.trailers, "trailer") if captured.trailers else None
        edits = Edits(headers=headers, path=path, trailers=trailers, body=body)
        shown = self._shown(captured, path, edit)
        if trouble is None and edits != Edits() and is_signed(captured):
            trouble = "signed-request"
        return _scrubbed(
            event, shown, edits, (*captured.prior, *edit.findings), scan=scan, trouble=trouble or shown.trouble
        )

    def _shown(self, captured: Captured, path: bytes | None, edit: HeadEdit) -> "_Shown":
        """What records tell of names that are the client's own words."""
        request, head = captured.request, captured.response or captured.request
        method = edit.method(request.method) if request else ""
        target = edit.target(captured.target)
        is_malformed = method is None or (
            captured.step == "request" and request is not None and not TARGET.fullmatch(request.path)
        )
        return _Shown(
            target=target or captured.target,
            method=method or "",
            path=self._shown_path(captured, path, edit),
            content_type=self._content_type(head.headers) if head else "",
            trouble="finding-blocked" if target else "malformed" if is_malformed else None,
        )

    def _content_type(self, headers: tuple[Header, ...]) -> str:
        value = header(headers, b"content-type") or b""
        return parse_content_type(value).essence[:100] if self._clean.text(value) else ""

    def _shown_path(self, captured: Captured, edited: bytes | None, edit: HeadEdit) -> bytes:
        """The path as records show it: without the secrets that the policy lets through, too."""
        if captured.request is None:
            return b""
        path = captured.request.path if edited is None else edited
        return self._scrubber.target(path, lambda _: "scrub").data if edit.findings else path

    def _head(self, captured: Captured, edit: HeadEdit) -> tuple[tuple[Header, ...] | None, bytes | None]:
        if captured.step in ("request", "connect") and captured.request is not None:
            return edit.headers(captured.request.headers), edit.path(captured.request.path)
        if captured.step == "response" and captured.response is not None:
            return edit.headers(captured.response.headers), None
        return None, None

    def _body(self, event: Filtered, edit: HeadEdit) -> tuple[Payload | None, Reason | None, Scan]:
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
            is_leaving=captured.direction == "request",
        )
        edit.findings += edit.judge.findings(result.hits)
        # Each binary message of a WebSocket would be an alert of its own, and each picture that comes.
        is_ordinary = captured.step == "message" or captured.direction == "response"
        unscanned = None if is_ordinary and result.unscanned == "binary-body" else result.unscanned
        scan = msgspec.structs.replace(scan, unscanned=unscanned)
        body = Payload(result.data) if result.data is not None else None
        return body, captured.trouble or result.trouble, scan


class _Shown(msgspec.Struct, frozen=True, kw_only=True):
    target: Target
    method: str
    path: bytes
    content_type: str
    trouble: Reason | None
    """A name that cannot be edited and must not leave."""


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
    event: Filtered, shown: _Shown, edits: Edits, findings: tuple[Finding, ...], *, scan: Scan, trouble: Reason | None
) -> Scrubbed:
    captured = event.captured
    return Scrubbed(
        flow_id=captured.flow_id,
        step=captured.step,
        at=captured.at,
        target=shown.target,
        context=event.context,
        direction=captured.direction,
        method=shown.method,
        path=_printable(shown.path),
        status=captured.response.status if captured.response else 0,
        content_type=shown.content_type,
        question=captured.question,
        scan=scan,
        edits=edits,
        findings=findings,
        signals=captured.signals,
        counts=captured.counts,
        trouble=trouble,
        once=captured.once,
    )


def _printable(raw: bytes) -> str:
    """Printable ASCII; the rest percent-encoded, so that no byte of a log line is a control character."""
    if len(raw) <= 2048 and not _UNPRINTABLE.search(raw):
        return raw.decode("ascii")
    return "".join(chr(b) if 0x20 < b < 0x7F else f"%{b:02X}" for b in raw[:2048])
