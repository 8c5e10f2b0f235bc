"""Records as lines: JSON in printable ASCII, with schema version, number, session and a time people can read."""

import json
import time

import msgspec

from pipeline.events import Record

SCHEMA_VERSION = 1
_encoder = msgspec.json.Encoder()


class LineFormat:
    """Turns the records of one session into the bodies of lines: objects without their closing brace."""

    def __init__(self, session: str) -> None:
        self._session = printable_json(session)
        self._second = -1
        self._prefix = b""

    def body(self, seq: int, record: Record) -> bytes:
        return b'{"schema_version":%d,"seq":%d,"session":%b,"time":"%b",%b' % (
            SCHEMA_VERSION,
            seq,
            self._session,
            self._time(record.at),
            printable_json(record)[1:-1],
        )

    def _time(self, at: float) -> bytes:
        """RFC 3339 with milliseconds; the part up to the second is made once a second."""
        second, millisecond = divmod(int(at * 1000), 1000)
        if second != self._second:
            self._second = second
            self._prefix = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(second)).encode()
        return b"%b.%03dZ" % (self._prefix, millisecond)


def printable_json(value: object) -> bytes:
    """JSON with everything outside printable ASCII escaped: one line for every reader, harmless on a terminal."""
    data = _encode(value)
    if data.isascii() and b"\x7f" not in data:
        return data
    text = json.dumps(json.loads(data), ensure_ascii=True, separators=(",", ":"))
    return text.replace("\x7f", "\\u007f").encode()


def _encode(value: object) -> bytes:
    """Half a surrogate pair has no UTF-8 and becomes `?`: a log that cannot be written would stop the traffic."""
    try:
        return _encoder.encode(value)
    except UnicodeEncodeError:
        return json.dumps(msgspec.to_builtins(value), ensure_ascii=False).encode("utf-8", "replace")
