"""What looks like data on its way out although a rule allows it: long random paths and names, unusual volumes."""

from fnmatch import fnmatchcase
from types import MappingProxyType
from urllib.parse import unquote_to_bytes

import msgspec

from pipeline.events import Context
from pipeline.randomness import random_chars

MIB = 1024 * 1024
SESSION_BYTES = MappingProxyType[Context, int](
    {"external": 512 * MIB, "registry": 16 * MIB, "internal": 2048 * MIB, "public": 8192 * MIB}
)
"""Model APIs get the whole conversation, megabytes, with each turn; package registries get next to nothing."""
ORDINARY_PARAMETERS = (
    *("x-amz-*", "x-goog-*", "x-oss-*", "x-cos-*", "x-ms-*"),
    *("signature", "sig", "policy", "key-pair-id", "awsaccesskeyid", "googleaccessid"),
    *("token", "jwt", "hdnea", "verify", "skoid", "sktid", "response-content-disposition"),
    *("pagetoken", "page_token", "cursor", "after", "before", "continuation*", "_state"),
    *("code", "state", "nonce", "code_challenge"),
)
_ORDINARY_CHARS = 4096
"""So much of a query may stand in ordinary parameters: a session token of cloud storage takes up to half of it."""
_NAME_PIECE = 12
_JUDGED_CHARS = 16 * 1024
"""Of a path or query: what is beyond is as long as this all the same."""


class Thresholds(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`[exfiltration]`: from where on something that a rule allows gets a signal. 0 turns that signal off."""

    exchange_bytes: int = 64 * MIB
    """`unusual-volume`: sent in one exchange."""
    session_bytes: dict[Context, int] = {}
    """`unusual-volume`: sent to one host in a session, and each time as much again. Those left out: `SESSION_BYTES`."""
    entropy_bits: float = 7.2
    """`high-entropy-upload`: bits a byte. Text has up to 6, what is compressed or encrypted more than 7.5."""
    entropy_bytes: int = 4096
    """`high-entropy-upload`: at least so many such bytes."""
    path_chars: int = 160
    """`random-path`: characters of a path and query that look like encoded data. A SHA-512 in hexadecimal has 128."""
    name_chars: int = 40
    """`random-name`: the same of a host's name."""
    ordinary_parameters: tuple[str, ...] = ORDINARY_PARAMETERS
    """Globs over query parameters in lower case that are long and random in ordinary use (signed URLs, cursors)."""

    def __post_init__(self) -> None:
        numbers = (self.exchange_bytes, self.entropy_bytes, self.path_chars, self.name_chars)
        if min((*numbers, *self.session_bytes.values())) < 0 or not 0 <= self.entropy_bits <= 8:
            raise ValueError("thresholds must not be negative, and entropy_bits at most 8")

    def session_limit(self, context: Context) -> int:
        """Bytes to one host of the context, or 0 for any number."""
        return self.session_bytes.get(context, SESSION_BYTES[context])


def is_random_path(target: bytes, thresholds: Thresholds) -> bool:
    """Whether a request target (path and query) looks like it carries encoded data. Never raises."""
    limit = thresholds.path_chars
    if not limit or len(target) < limit:
        return False
    path, _, query = target[:_JUDGED_CHARS].partition(b"?")
    return _random_in(path) + _random_in_query(query, thresholds.ordinary_parameters) >= limit


def is_random_name(host: str, thresholds: Thresholds) -> bool:
    """Whether labels of a canonical host look like encoded data."""
    limit = thresholds.name_chars
    return bool(limit) and len(host) >= limit and random_chars(host, shortest=_NAME_PIECE) >= limit


def _random_in_query(query: bytes, ordinary: tuple[str, ...]) -> int:
    count = pardoned = 0
    for field in query.split(b"&"):
        name, _, _value = field.partition(b"=")
        low = name.decode("latin-1").lower()
        if any(fnmatchcase(low, glob) for glob in ordinary) and pardoned + len(field) <= _ORDINARY_CHARS:
            pardoned += len(field)
        else:
            count += _random_in(field)
    return count


def _random_in(raw: bytes) -> int:
    """Bytes that are no UTF-8 count as they are: no name is written with them."""
    plain = unquote_to_bytes(raw)
    try:
        return random_chars(plain.decode("utf-8"))
    except UnicodeDecodeError:
        return random_chars(plain.decode("latin-1")) + sum(byte >= 0x80 for byte in plain)
