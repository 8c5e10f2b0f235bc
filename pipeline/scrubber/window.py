"""The sliding window: matches a text that comes in chunks as if it were there as a whole."""

from pipeline.scrubber.base64_lines import open_base64_lines
from pipeline.scrubber.edit import Edit
from pipeline.scrubber.hints import Hints, hint_finder
from pipeline.scrubber.hold import HOLD_BACK_BYTES, LONG_MATCH_BYTES, TOKEN_BYTES, Hold, hold_words, is_token_run
from pipeline.scrubber.json_number import is_json_number
from pipeline.scrubber.key_block import HEADER_MARK, PATIENCE_BYTES, open_key_block
from pipeline.scrubber.key_lines import open_key_lines
from pipeline.scrubber.redactor import Redactor
from pipeline.scrubber.spelled_key import open_spelled_key
from pipeline.scrubber.suppression import Suppression

CONTEXT_BYTES = 512
"""How much of what has left is kept at least, so that a keyword still announces the secret that follows it."""


class Window:
    """Keeps the last bytes of a text: some that left already (context), then some that wait (pending).

    `is_eager`: a match at the end of what is there is taken for whole; what goes on with it is replaced, too.
    """

    def __init__(
        self,
        redactor: Redactor,
        hold: Hold = hold_words,
        *,
        is_eager: bool = False,
        is_json: bool = False,
        place: str = "",
    ) -> None:
        """`is_json`: numbers stay, and are told. `place` says where in the body the text is."""
        self._redactor = redactor
        self._search = redactor.search
        self._place = place
        self._hold = hold
        self._is_eager = is_eager
        self._is_json = is_json
        self._data = b""
        self._done = 0  # index in _data of the first byte that waits
        self._last = (0, 0)  # the last match that left, in _data: the context never begins inside of it
        self._is_replaced = False  # that match left as a placeholder
        self._is_in_token = False  # all that waits is one token longer than the hold-back
        self._is_loose = False  # that token is too long to be held as a whole
        # What is talked about in a chat is to be read as it comes.
        self._patience = PATIENCE_BYTES if hold is hold_words else CONTEXT_BYTES
        self._recheck = 0  # a spelled key was open: looked at again when _data is that long
        self._suppression: Suppression | None = None
        self._hints: Hints | None = None  # of what is held at the moment

    @property
    def pending_count(self) -> int:
        """Bytes that wait."""
        return len(self._data) - self._done

    def feed(self, chunk: bytes) -> bytes:
        """What may leave after `chunk` came."""
        if self._suppression is not None:
            rest = self._suppression.feed(chunk)
            if rest is None:
                return b""
            self._suppression, chunk = None, rest
        if not chunk:
            return b""
        data, done = self._data + chunk, self._done
        if self._is_in_token and len(data) - done <= LONG_MATCH_BYTES and is_token_run(chunk, 0):
            self._data = data
            return b""
        held = self._held(data, done)
        if held <= done and len(data) - done <= LONG_MATCH_BYTES and not self._is_eager:
            self._data = data
            return b""
        edits = self._search(data, self._hints)
        if edits or len(data) - held > LONG_MATCH_BYTES:
            return self._advance(data, held, edits)
        first = held - CONTEXT_BYTES
        if first > self._last[1]:  # nothing was found lately: the quick way through
            self._data, self._done = data[first:], CONTEXT_BYTES
            self._last = (0, 0)
        else:
            self._keep(data, held)
        return data[done:held]

    def finish(self) -> bytes:
        """Everything that still waits. The window goes on after it, with what has left as context."""
        data, self._suppression = self._data, None
        self._is_in_token = self._is_loose = False
        self._recheck = 0
        return self._advance(data, len(data), self._search(data)) if self._done < len(data) else b""

    def _held(self, data: bytes, done: int) -> int:
        held = self._hold(data, done)
        if held == len(data) - HOLD_BACK_BYTES and is_token_run(data, held - 1):
            held = self._token_start(data, held)
        elif self._is_in_token or self._is_loose:
            self._is_in_token = self._is_loose = False
        held = open_base64_lines(data, done, open_key_lines(data, done, held))
        held = min(held, self._spelled(data, done))
        if self._redactor.open_from is not None:
            held = min(held, self._redactor.open_from(data, done))
        if data.rfind(HEADER_MARK, done) >= 0:
            key = open_key_block(data, done, self._patience)
            return min(held, key) if key >= 0 else held
        return held

    def _spelled(self, data: bytes, done: int) -> int:
        """Where a key in escapes or base64 is open. To decode takes time, so it is not done for every few bytes."""
        if len(data) < self._recheck:
            self._hints = None
            return done
        self._hints = hint_finder()(data)
        at = open_spelled_key(data, done, self._patience, self._hints)
        self._recheck = len(data) + (len(data) - done) // 8 if at == done < len(data) else 0
        return at

    def _token_start(self, data: bytes, held: int) -> int:
        """Where the token begins that reaches over the hold-back: it waits as a whole while it is not too long."""
        if self._is_loose:
            return held
        start = self._done + len(data[self._done :].rstrip(TOKEN_BYTES))
        self._is_loose = len(data) - start > LONG_MATCH_BYTES
        self._is_in_token = not self._is_loose
        return held if self._is_loose else start

    def _advance(self, data: bytes, held: int, edits: list[Edit]) -> bytes:
        """Let go of `data[_done:held]`, or less where a match is not over yet."""
        if self._is_json:
            edits = [edit.left_alone() if is_json_number(data, edit.start, edit.end) else edit for edit in edits]
        if self._is_eager and edits:
            held = max(held, edits[-1].end)
        settled, held = _settled(
            edits, self._done, held, is_continued=self._is_replaced and self._last[1] == self._done
        )
        out = self._redactor.text(data, self._done, held, settled, self._place)
        if settled:
            self._last = (settled[-1].start, settled[-1].end)
            self._is_replaced = settled[-1].new is not None
        if len(data) - held > LONG_MATCH_BYTES:
            return out + self._give_up(data, held, edits)
        self._keep(data, held)
        return out

    def _keep(self, data: bytes, held: int) -> None:
        """Drop the context that is no longer needed."""
        self._recheck = 0
        first = held - CONTEXT_BYTES
        if first > 0:
            start, end = self._last
            if start < first < end:
                first = end
            data = data[first:]
            held -= first
            self._last = (start - first, end - first)
        self._data, self._done = data, held

    def _give_up(self, data: bytes, held: int, edits: list[Edit]) -> bytes:
        """A match did not end within the limit: what is there of it is replaced, and the rest is taken out."""
        edit = next((edit for edit in edits if edit.start <= held < edit.end), None)
        self._data, self._done, self._last, self._recheck = b"", 0, (0, 0), 0
        if edit is None:
            self._suppression = Suppression("key")
            return self._redactor.unfinished("private-key", data[held:], self._place)
        if edit.end < len(data):
            self._data = data[edit.end :]
        else:
            self._suppression = Suppression("token")
        return self._redactor.text(data, held, edit.end, [_cut(edit, held)], self._place)


def _settled(edits: list[Edit], done: int, held: int, *, is_continued: bool) -> tuple[list[Edit], int]:
    """The matches that are over before `held`, and where to hold instead where one is not. A match that begins in what
    has left already is cut: its rest is a secret all the same, which the placeholder that left stands for, too, where
    it stands last (`is_continued`)."""
    settled: list[Edit] = []
    for edit in edits:
        if edit.start >= held:
            break
        if edit.end > held:
            return settled, max(done, edit.start)
        if edit.end > done:
            settled.append(_cut(edit, done, is_continued=is_continued))
    return settled, held


def _cut(edit: Edit, start: int, *, is_continued: bool = False) -> Edit:
    if edit.start >= start:
        return edit
    if is_continued and edit.new is not None:
        return edit._replace(start=start, new=b"", found=())
    return edit._replace(start=start, new=edit.placeholder)
