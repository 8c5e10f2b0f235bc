"""A buffered body: decoded, scrubbed with its structure, encoded again. Or the reason why not."""

import msgspec

from pipeline.codings import CodingError, decode, encode
from pipeline.events import Reason, Scan
from pipeline.media import looks_like_text
from pipeline.scrubber.model import Choose, Hit, Pardon
from pipeline.scrubber.scrubber import Scrubber

MAX_DECODED_BYTES = 16 * 1024 * 1024
"""What a compressed body may grow to. Beyond it is a decompression bomb, and counts as undecodable."""


class BodyResult(msgspec.Struct, frozen=True):
    """`data` is None where the body stays as it is. `trouble` denies the flow; `unscanned` lets it pass, marked."""

    data: bytes | None = None
    hits: tuple[Hit, ...] = ()
    trouble: Reason | None = None
    unscanned: Reason | None = None


def scrub_body(
    scrubber: Scrubber,
    raw: bytes,
    scan: Scan,
    choose: Choose,
    pardon: Pardon,
    *,
    skips_undecodable: bool,
    is_leaving: bool = True,
) -> BodyResult:
    """Scrub `raw` as `scan` says. A label that lies (plain text marked gzip) is seen through. A coded body that
    `is_leaving` as it came is read for keys as it is, too: a decoder passes over a part of what it gets."""
    if scan.plan != "buffer" or not raw:
        return BodyResult()
    unreadable = _unreadable(scan)
    if not unreadable:
        try:
            plain = decode(raw, scan.codings, MAX_DECODED_BYTES) if scan.codings else raw
        except CodingError:
            unreadable = "undecodable-body"
        else:
            result = _read(scrubber, plain, scan, choose, pardon, scan.codings, is_leaving=is_leaving)
            if not scan.codings or not is_leaving or result.data is not None:
                return result
            return msgspec.structs.replace(result, hits=result.hits + scrubber.watch(raw, choose, where="body"))
    if looks_like_text(raw):
        return _read(scrubber, raw, scan, choose, pardon, (), is_leaving=is_leaving)
    return BodyResult(unscanned=unreadable) if skips_undecodable else BodyResult(trouble=unreadable)


def _read(
    scrubber: Scrubber,
    plain: bytes,
    scan: Scan,
    choose: Choose,
    pardon: Pardon,
    codings: tuple[str, ...],
    *,
    is_leaving: bool,
) -> BodyResult:
    """What is labelled binary and reads as text is text; any other binary body stays as it is, or stays here. What is
    labelled text and leaves is looked into as a binary body is: the label may lie either way."""
    if scan.media == "binary" and looks_like_text(plain):
        scan = msgspec.structs.replace(scan, media="text")
    if scan.media != "binary":
        result, text = _scrub(scrubber, plain, scan, choose, pardon, codings)
        if not is_leaving or result.trouble is not None:
            return result
        known = {hit.fingerprint for hit in result.hits}
        more = (hit for hit in scrubber.hidden(text, choose, where="body") if hit.fingerprint not in known)
        return msgspec.structs.replace(result, hits=(*result.hits, *more))
    return BodyResult(hits=scrubber.watch(plain, choose, where="body"), unscanned="binary-body")


def _unreadable(scan: Scan) -> Reason | None:
    return scan.unscanned if scan.unscanned == "unknown-encoding" else None


def _scrub(
    scrubber: Scrubber, plain: bytes, scan: Scan, choose: Choose, pardon: Pardon, codings: tuple[str, ...]
) -> tuple[BodyResult, bytes]:
    """The result, and the text as it is now, without its codings."""
    result = scrubber.body(
        plain, scan.media, charset=scan.charset, boundary=scan.boundary, choose=choose, pardon=pardon
    )
    # A part of a form that is no text is read for keys only, as a body of its own would be.
    unscanned: Reason | None = "binary-body" if scan.media == "multipart" and b"\0" in plain else None
    if result.data == plain:
        return BodyResult(hits=result.hits, unscanned=unscanned), plain
    if scan.is_partial:
        return BodyResult(hits=result.hits, trouble="partial-body"), plain
    data = encode(result.data, codings) if codings else result.data
    return BodyResult(data=data, hits=result.hits, unscanned=unscanned), result.data
