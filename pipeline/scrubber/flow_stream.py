"""A body that streams: decoded, scrubbed through the sliding window, encoded again, chunk by chunk."""

from collections.abc import Callable, Sequence

from pipeline.codings import CodingError, Decoder, Encoder, is_mislabelled, open_decoder, open_encoder
from pipeline.context import ContextTable
from pipeline.events import Context, Direction, Finding, Scan, Target
from pipeline.media import looks_like_text
from pipeline.ports import BodyStream, StreamBrokenError
from pipeline.scrubber.hints import hint_finder
from pipeline.scrubber.judge_hits import HitJudge, Place
from pipeline.scrubber.model import Engine
from pipeline.scrubber.packed_watch import PackedWatch
from pipeline.scrubber.search import EngineSearch
from pipeline.scrubber.stream import Stream, open_stream
from pipeline.scrubber.watching_stream import MAX_CHUNK_BYTES, WatchingStream, watched


class CountingStream:
    """A body nobody reads: it is only counted."""

    def __init__(self) -> None:
        self.byte_count = 0

    def __call__(self, chunk: bytes, /) -> bytes:
        self.byte_count += len(chunk)
        return chunk

    def findings(self) -> Sequence[Finding]:
        return ()


class ScrubbingStream:
    """Decoder -> scrubbing window -> encoder. What cannot be decoded cuts the exchange."""

    def __init__(
        self,
        stream: Stream,
        judge: HitJudge,
        codings: tuple[str, ...],
        *,
        is_partial: bool = False,
        packed: PackedWatch | None = None,
    ) -> None:
        """`packed` looks into what leaves, which may be called text and be none."""
        self.byte_count = 0
        self._packed = packed
        self._is_partial = is_partial
        self._judged = 0
        """So many hits are known to block nothing."""
        self._stream = stream
        self._judge = judge
        self._codings = codings
        self._decoder: Decoder | None = open_decoder(codings, MAX_CHUNK_BYTES) if codings else None
        self._encoder: Encoder | None = open_encoder(codings) if codings else None

    def __call__(self, chunk: bytes, /) -> bytes:
        if self.byte_count == 0 and self._codings and is_mislabelled(chunk, self._codings):
            self._decoder = self._encoder = None  # the label lies: the text is scrubbed as it is
        self.byte_count += len(chunk)
        try:
            clean = self._pass(chunk) if chunk else self._finish()
        except CodingError as exc:
            raise StreamBrokenError("a streamed body could not be decoded") from exc
        if any(hit.action == "block" for hit in self._stream.hits[self._judged :]):
            raise StreamBrokenError("a streamed body holds a secret that the policy blocks", reason="finding-blocked")
        if self._packed is not None and any(hit.action == "block" for hit in self._packed.hits):
            raise StreamBrokenError("a secret is packed in a streamed body", reason="finding-blocked")
        self._judged = len(self._stream.hits)
        if self._is_partial and any(hit.action == "scrub" for hit in self._stream.hits):
            raise StreamBrokenError("a range of a body holds a secret", reason="partial-body")
        return clean

    def _pass(self, chunk: bytes) -> bytes:
        plain = self._decoder.feed(chunk) if self._decoder else chunk
        clean = self._looked_into(self._stream.feed(plain))
        return self._encoder.feed(clean) if self._encoder and clean else clean if not self._encoder else b""

    def _finish(self) -> bytes:
        rest = self._stream.feed(self._decoder.finish()) if self._decoder else b""
        clean = self._looked_into(rest + self._stream.finish())
        if self._encoder is None:
            return clean
        return self._encoder.feed(clean) + self._encoder.finish()

    def _looked_into(self, clean: bytes) -> bytes:
        if self._packed is not None:
            self._packed.feed(clean)
        return clean

    def findings(self) -> Sequence[Finding]:
        packed = self._packed.hits if self._packed is not None else ()
        return self._judge.findings((*self._stream.hits, *packed))


class SniffingStream:
    """A body whose label says binary: its first bytes decide whether it is scrubbed as text or only watched."""

    def __init__(self, text: BodyStream, binary: BodyStream) -> None:
        self._text = text
        self._binary = binary
        self._chosen: BodyStream | None = None

    @property
    def byte_count(self) -> int:
        return self._chosen.byte_count if self._chosen else 0

    def __call__(self, chunk: bytes, /) -> bytes:
        if self._chosen is None:
            if not chunk:
                return b""
            self._chosen = self._text if looks_like_text(chunk) else self._binary
        return self._chosen(chunk)

    def findings(self) -> Sequence[Finding]:
        return self._chosen.findings() if self._chosen else ()


class StreamOpener:
    """Makes the stream for a body, by its scan plan (`pipeline.ports.OpenStream`)."""

    def __init__(self, engine: Engine, contexts: ContextTable, *, fingerprint: Callable[[bytes], str]) -> None:
        self._engine = engine
        self._contexts = contexts
        self._fingerprint = fingerprint

    def __call__(self, scan: Scan, target: Target, direction: Direction, /) -> BodyStream:
        if scan.plan == "stream-raw":
            return CountingStream()
        context: Context = self._contexts.context_of(target.host)
        judge = HitJudge(self._contexts, Place(host=target.host, context=context, direction=direction))
        if scan.plan == "watch" or (scan.media == "binary" and scan.codings):
            return self._watching(judge, scan)
        stream = open_stream(
            self._engine,
            media="text" if scan.media == "binary" else scan.media,
            charset=scan.charset,
            choose=judge.choose("body"),
            fingerprint=self._fingerprint,
            location="body",
        )
        packed = None
        if direction == "request":
            choose = watched(judge.choose("body"))
            packed = PackedWatch(
                EngineSearch(self._engine, hint_finder(), self._fingerprint, choose), is_called_text=True
            )
        scrubbing = ScrubbingStream(stream, judge, scan.codings, is_partial=scan.is_partial, packed=packed)
        return SniffingStream(scrubbing, self._watching(judge, scan)) if scan.media == "binary" else scrubbing

    def _watching(self, judge: HitJudge, scan: Scan) -> WatchingStream:
        is_duplex = scan.plan == "watch"
        return WatchingStream(self._engine, judge, self._fingerprint, scan.codings, is_duplex=is_duplex)
