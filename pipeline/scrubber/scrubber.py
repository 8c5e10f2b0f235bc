"""Scrubs buffers with their structure: bodies, headers, request targets."""

from collections.abc import Callable
from functools import partial

from pipeline.events import Media
from pipeline.media import ContentType
from pipeline.scrubber.beside import Beside
from pipeline.scrubber.binary import hidden, watch
from pipeline.scrubber.charset import transcode
from pipeline.scrubber.edit import Placed, Search, place
from pipeline.scrubber.form import place_form
from pipeline.scrubber.header import place_header
from pipeline.scrubber.hints import hint_finder
from pipeline.scrubber.json_body import place_json
from pipeline.scrubber.lines import NDJSON, SSE, place_lines
from pipeline.scrubber.model import Choose, Engine, Hit, Pardon, Result
from pipeline.scrubber.multipart import place_multipart
from pipeline.scrubber.rounds import MAX_ROUNDS, settle, unsettled
from pipeline.scrubber.search import EngineSearch, Fingerprint
from pipeline.scrubber.url import place_url
from pipeline.scrubber.xml_text import place_xml

MAX_PART_DEPTH = 2
"""Levels of multipart in multipart."""

Placer = Callable[[Search, bytes], list[Placed]]


class Scrubber:
    """Scrubs with one engine; thread-safe. Nothing here raises for any bytes, and scrubbing is idempotent.

    `fingerprint` is the keyed hash that goes into hits. Every result holds the very same object where nothing changed.
    """

    def __init__(self, engine: Engine, *, fingerprint: Fingerprint, beside: Beside | None = None) -> None:
        """`beside` makes long bodies quicker where there is a second processor."""
        self.engine = engine
        self._fingerprint = fingerprint
        self._beside = beside
        self._hints = hint_finder()

    def body(
        self,
        data: bytes,
        media: Media,
        *,
        charset: str | None = None,
        boundary: bytes | None = None,
        choose: Choose,
        pardon: Pardon | None = None,
        where: str = "body",
    ) -> Result:
        """A whole body of the given kind. `charset` and `boundary` are the parameters of its content type. `pardon` is
        asked about what `choose` would scrub, with its exact location."""
        if media == "binary" or not data:
            return Result(data)
        content = ContentType(charset=charset, boundary=boundary)
        return self._body(self._search(choose, pardon), data, media, content, where, MAX_PART_DEPTH)

    def header(self, name: str, value: bytes, choose: Choose) -> Result:
        """The value of a header or trailer."""
        return self._settled(value, self._search(choose), lambda search, data: place_header(search, name, data))

    def target(self, path: bytes, choose: Choose) -> Result:
        """A request target: path and query, or a whole URL. It stays valid and leads to the same host."""
        return self._settled(path, self._search(choose), place_url)

    def text(self, data: bytes, choose: Choose, *, location: str) -> Result:
        """Text of no known structure."""
        return self._settled(data, self._search(choose), partial(_place_text, where=location))

    def watch(self, data: bytes, choose: Choose, *, where: str) -> tuple[Hit, ...]:
        """The keys in binary content, which stays as it is. What would be scrubbed has the action `block`."""
        return watch(self._search(choose), data, where)

    def hidden(self, data: bytes, choose: Choose, *, where: str) -> tuple[Hit, ...]:
        """The keys in what is packed, or stands between zero bytes, in a body that is called text and was scrubbed as
        such. What would be scrubbed has the action `block`."""
        return hidden(self._search(choose), data, where)

    def _search(self, choose: Choose, pardon: Pardon | None = None) -> Search:
        return EngineSearch(self.engine, self._hints, self._fingerprint, choose, pardon, self._beside)

    def _body(self, search: Search, data: bytes, media: Media, content: ContentType, where: str, depth: int) -> Result:
        if media == "binary":
            return Result(data, watch(search, data, where))
        placer = self._placer(media, content, where, depth)
        if transcode(data, content.charset) is None:
            return self._settled(data, search, placer)
        hits: tuple[Hit, ...] = ()
        for _ in range(MAX_ROUNDS):
            result = self._in_charset(data, content.charset, search, placer)
            hits += _others(result.hits, hits)
            if result.data is data:
                return Result(data, hits)
            data = result.data
        return unsettled(hits)

    def _in_charset(self, data: bytes, charset: str | None, search: Search, placer: Placer) -> Result:
        """`data` scrubbed in its charset, and then as the bytes it is: a label or a byte order mark may be wrong, and a
        reader may take less for one character than its charset does."""
        hits: tuple[Hit, ...] = ()
        transcoded = transcode(data, charset)
        if transcoded is not None:
            result = self._settled(transcoded.data, search, placer)
            hits = result.hits
            if result.data is not transcoded.data:
                data = transcoded.restore(result.data)
        as_bytes = self._settled(data, search, placer)
        return Result(as_bytes.data, hits + _others(as_bytes.hits, hits))

    def _placer(self, media: Media, content: ContentType, where: str, depth: int) -> Placer:
        boundary = content.boundary
        if media == "multipart" and boundary and depth:

            def place_parts(search: Search, data: bytes) -> list[Placed]:
                scrub = partial(self._body, search, depth=depth - 1)
                return place_multipart(search, data, boundary, where, scrub)

            return place_parts
        return partial(_PLACERS.get(media, _place_text), where="form" if media == "form" else where)

    def _settled(self, data: bytes, search: Search, placer: Placer) -> Result:
        return settle(data, partial(placer, search))


def _others(hits: tuple[Hit, ...], known: tuple[Hit, ...]) -> tuple[Hit, ...]:
    """Those of `hits` that are about no secret of `known`."""
    fingerprints = {hit.fingerprint for hit in known}
    return tuple(hit for hit in hits if hit.fingerprint not in fingerprints)


def _place_text(search: Search, data: bytes, where: str) -> list[Placed]:
    return [place(edit, where) for edit in search(data)]


_PLACERS: dict[Media, Callable[..., list[Placed]]] = {
    "json": place_json,
    "ndjson": partial(place_lines, between=NDJSON),
    "sse": partial(place_lines, between=SSE),
    "form": place_form,
    "xml": place_xml,
    "text": _place_text,
}
