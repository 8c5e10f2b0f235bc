"""Streamed bodies of requests that cannot be edited (packs, protobuf, images): read for keys as they pass, and cut
where they hold one. The label that says what they are is the agent's word.
"""

from collections.abc import Callable, Sequence

from pipeline.codings import CodingError, Decoder, is_mislabelled, open_decoder
from pipeline.events import Action, Finding
from pipeline.ports import StreamBrokenError
from pipeline.scrubber.binary import WATCHED, glued, keys, squeezed
from pipeline.scrubber.hints import hint_finder
from pipeline.scrubber.hold import hold_suspects, hold_words
from pipeline.scrubber.judge_hits import HitJudge
from pipeline.scrubber.model import Choose, Engine, Hit, RuleInfo
from pipeline.scrubber.packed_watch import PackedWatch
from pipeline.scrubber.redactor import Redactor
from pipeline.scrubber.search import EngineSearch
from pipeline.scrubber.window import Window

MAX_CHUNK_BYTES = 16 * 1024 * 1024
"""What one compressed chunk of a stream may grow to."""
_OVERLAP_BYTES = 1024
"""So much of what has passed is looked at again with the next chunk, for keys between letters of binary records."""


class WatchingStream:
    """Passes a body byte for byte, and breaks off where it holds a key."""

    def __init__(
        self,
        engine: Engine,
        judge: HitJudge,
        fingerprint: Callable[[bytes], str],
        codings: tuple[str, ...],
        *,
        is_duplex: bool,
    ) -> None:
        """`is_duplex`: the receiver may have to answer before more comes, so hardly anything is held back."""
        self.byte_count = 0
        self._judge = judge
        self._codings = codings
        self._decoder: Decoder | None = open_decoder(codings, MAX_CHUNK_BYTES) if codings else None
        choose = watched(judge.choose("body"))
        self._redactors = [Redactor(engine, choose, fingerprint, "body") for _ in range(3)]
        self._search = EngineSearch(engine, hint_finder(), fingerprint, choose)
        self._packed = PackedWatch(self._search)
        self._glued: tuple[Hit, ...] = ()
        self._last = b""
        self._waiting = b""
        hold = hold_suspects if is_duplex else hold_words
        windows = (Window(redactor, hold, is_eager=is_duplex) for redactor in self._redactors)
        self._window, self._narrow, self._coded = windows

    def __call__(self, chunk: bytes, /) -> bytes:
        if self.byte_count == 0 and self._codings and is_mislabelled(chunk, self._codings):
            self._decoder = None
        self.byte_count += len(chunk)
        if self._decoder is None:
            out = self._read(chunk, is_last=not chunk)
        else:
            self._read(self._decoded(self._decoder, chunk), is_last=not chunk)
            # As it came, too: a decoder passes over a part of what it gets (names of files, frames to skip).
            self._coded.feed(chunk)
            if not chunk:
                self._coded.finish()
            out = chunk
        if any(hit.action == "block" for hit in self._hits()):
            raise StreamBrokenError("a body that cannot be edited holds a secret", reason="finding-blocked")
        return out

    def _decoded(self, decoder: Decoder, chunk: bytes) -> bytes:
        try:
            return decoder.feed(chunk) if chunk else decoder.finish()
        except CodingError as exc:
            raise StreamBrokenError("a streamed body could not be decoded") from exc

    def _read(self, plain: bytes, *, is_last: bool) -> bytes:
        """What of the body may leave: all but what a window holds. What that gives out itself may be edited."""
        self._narrow.feed(squeezed(plain))
        self._window.feed(plain)
        recent = self._last + plain
        known = {hit.fingerprint for hit in self._glued}
        self._glued += tuple(hit for hit in glued(self._search, recent, "body") if hit.fingerprint not in known)
        self._last = recent[-_OVERLAP_BYTES:]
        self._packed.feed(plain)
        if is_last:
            self._narrow.finish()
            self._window.finish()
        data = self._waiting + plain
        ready = len(data) - min(self._window.pending_count, len(data))
        self._waiting = data[ready:]
        return data[:ready]

    def _hits(self) -> tuple[Hit, ...]:
        found: tuple[Hit, ...] = ()
        for redactor in self._redactors:
            found += keys(redactor.hits, frozenset(hit.fingerprint for hit in found)) if redactor.hits else ()
        for hit in (*self._glued, *self._packed.hits):
            found += keys((hit,), frozenset(known.fingerprint for known in found))
        return found

    def findings(self) -> Sequence[Finding]:
        return self._judge.findings(self._hits())


def watched(choose: Choose) -> Choose:
    """`choose` where nothing can be replaced: what would be is blocked."""

    def choice(rule: RuleInfo) -> Action:
        if rule.secret_class not in WATCHED:
            return "allow"
        action = choose(rule)
        return "block" if action == "scrub" else action

    return choice
