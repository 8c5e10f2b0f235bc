"""A handful of rules and fake secrets, made when asked for, that the tests of streams share."""

import base64
import re
from collections.abc import Iterable
from hashlib import sha256
from urllib.parse import quote

from pipeline.events import Media
from pipeline.scrubber.engine import build_engine
from pipeline.scrubber.model import Choose, Engine, Hit
from pipeline.scrubber.redactor import Redactor
from pipeline.scrubber.rules import parse_rules
from pipeline.scrubber.stream import Stream, open_stream

_REGEXES = {
    "forge-token": r"\bghp_[0-9a-zA-Z]{36}\b",
    "generic-password": (
        r"(?i)[\w.-]{0,50}?(?:password|token)[ \t\w.-]{0,20}[\"'\\\s]{0,4}(?:=|:)[\s\"'\\]{0,5}"
        r"([\w.=!-]{10,150})(?:[\s\"';,\\]|$)"
    ),
    "quoted-passphrase": r"""passphrase\s{0,3}=\s{0,3}"([^"\n]{10,200})\"""",
    "private-key": r"(?i)-----BEGIN[ A-Z0-9_-]{0,100}PRIVATE KEY(?: BLOCK)?-----[\s\S-]{64,}?KEY(?: BLOCK)?-----",
    "card": r"\b4\d{3}(?:[ -]?\d{4}){3}\b",
    "email": r"[\w.+-]+@[\w-]+\.[\w.-]+",
    "jwt": r"\b(ey[a-zA-Z0-9]{17,}\.ey[a-zA-Z0-9/_-]{17,}\.(?:[a-zA-Z0-9/_-]{10,}={0,2})?)(?:[\s\"'\\]|$)",
    "database-url": r"[a-z]+://[^\s:/@]+:([^\s@/]{3,})@[\w.-]+",
}


def small_engine() -> Engine:
    """An engine over eight rules of the kinds that matter to a stream."""
    tables = [
        f"[[rules]]\nid = \"{rule}\"\ndescription = \"\"\nregex = '''{text}'''\n" for rule, text in _REGEXES.items()
    ]
    return build_engine(parse_rules("\n".join(tables).replace("''''", "'''"), source="stream_support"))


ENGINE = small_engine()
TOKEN = b"ghp_" + b"a1B2c3" * 6
PEM_BODY = b"".join(b"MIIE" + b"abCD12+/" * 7 + b"%04d\n" % n for n in range(24))
PEM = b"-----BEGIN RSA PRIVATE " + b"KEY-----\n" + PEM_BODY + b"-----END RSA PRIVATE " + b"KEY-----"
SHORT_PEM = PEM[:32] + PEM_BODY[:195] + PEM[-29:]
JWT = b"ey" + b"Jh" * 80 + b"." + b"ey" + b"Jz" * 450 + b"." + b"s1" * 43
CARD = b"4111 1111 " + b"1111 1111"
EMAIL = b"bob.smith" + b"@example.com"
PASSWORD = b"hunter2" + b"hunter2!x"
PASSPHRASE = b"correct horse, (battery) " + b"staple"
URL_PASSWORD = b"p,ss;w{r" + b"d\"'x"
TEXTS = {
    "token": b"hello " + TOKEN + b" bye",
    "token at both ends": TOKEN,
    "password": b'set password = "' + PASSWORD + b'" and\nmore of it',
    "password without quotes": b"DB_PASSWORD=" + PASSWORD + b"\nX=1\n",
    "passphrase": b'passphrase = "' + PASSPHRASE + b'" # and a comment',
    "after UTF-8": "größe é".encode() + TOKEN + "é日本語".encode() + EMAIL,
    "numbers": b"pay 12 times " + CARD + b" or 4111-1111-" + b"1111-1111 by 10:30",
    "key": b"my key:\n" + PEM + b"\nthat was it\n",
    "key in JSON": b'{"key": "' + PEM.replace(b"\n", b"\\n") + b'\\n", "n": 1}',
    "key in JSON with escapes in its header": b'{"key": "'
    + SHORT_PEM.replace(b"--BEGIN", b"\\u002d\\u002dBEG\\u0049N").replace(b"RSA ", b"RSA\\u0020").replace(b"\n", b"\\n")
    + b'", "n": 1}',
    "key in XML with its header in references": b"<key>"
    + b"".join(b"&#%d;" % c for c in SHORT_PEM[:31])
    + SHORT_PEM[31:]
    + b"</key>",
    "key with a header encoded twice": b"a=1&key="
    + b"".join(b"%%25%02x" % c for c in SHORT_PEM[:31])
    + quote(SHORT_PEM[31:]).encode()
    + b"&c=1",
    "key in base64 that runs on": b'{"a": "' + base64.b64encode(b"my key " + SHORT_PEM) + b"QUJD" * 40 + b'"}',
    "key in lines of base64": b"x " + base64.encodebytes(b"my key: " + SHORT_PEM + b" and then " * 9) + b"\nthe end\n",
    "token over lines of base64": b"x "
    + base64.encodebytes(b"and here is the token " + TOKEN + b" " * 40)
    + b"\nend\n",
    "long token": b"a " + JWT + b" z",
    "URL": b'{"url":"postgres://bob:' + URL_PASSWORD + b'@db.example.com/x","k":"v"}',
    "minified JSON": b'{"a":[1,2,3],"token":"' + PASSWORD + b'","b":"' + TOKEN + b'"}' * 3,
    "percent-encoded": b"a=1&b="
    + quote(b"x " + EMAIL + b" y").encode()
    + b"&c="
    + b"".join(b"%%%02x" % c for c in TOKEN),
    "escaped": b'{"a": "' + b"".join(b"\\u%04x" % c for c in TOKEN) + b'", "b": 1}',
    "base64": b'{"a": "' + base64.b64encode(b"the token is " + TOKEN + b", keep it") + b'"}',
    "scrubbed before": b"token: [REDACTED_FORGE_TOKEN] and password=[REDACTED_GENERIC_PASSWORD]\n" + TOKEN,
    "nothing": b"The quick brown fox jumps over the lazy dog, 3 times. \xff\xfe\x00" * 30,
}


def whole_result(data: bytes, engine: Engine = ENGINE) -> bytes:
    """What scrubbing the whole of `data` as text gives."""
    return Redactor(engine, lambda _: "scrub", _fingerprint, "body").whole(data)


def replaced(data: bytes, engine: Engine) -> bytes:
    """`data` with the engine's spans replaced, and nothing decoded."""
    out, at = [], 0
    for start, end, rule in engine.find(data):
        out += [data[at:start], engine.rules[rule].placeholder]
        at = end
    return b"".join(out) + data[at:]


def whole_hits(data: bytes) -> list[Hit]:
    """What is told of the secrets in the whole of `data`."""
    redactor = Redactor(ENGINE, lambda _: "scrub", _fingerprint, "body")
    redactor.whole(data)
    return redactor.hits


def _fingerprint(secret: bytes) -> str:
    return sha256(secret).hexdigest()[:16]


def new_stream(
    media: Media = "text", *, charset: str | None = None, choose: Choose = lambda _: "scrub", engine: Engine = ENGINE
) -> Stream:
    return open_stream(engine, media=media, charset=charset, choose=choose, fingerprint=_fingerprint, location="body")


def run(stream: Stream, chunks: Iterable[bytes]) -> bytes:
    return b"".join([stream.feed(chunk) for chunk in chunks]) + stream.finish()


def cut(data: bytes, size: int) -> list[bytes]:
    return [data[at : at + size] for at in range(0, len(data), size)]


def fragments(secret: bytes, length: int = 6) -> re.Pattern[bytes]:
    """Matches any `length` bytes of `secret` that follow each other."""
    return re.compile(b"|".join({re.escape(secret[at : at + length]) for at in range(len(secret) - length + 1)}))
