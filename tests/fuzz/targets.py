"""What is claimed of the scrubber for any bytes, as functions that raise where it does not hold."""

import base64
import json
from collections.abc import Callable, Iterator
from hashlib import sha256

from pipeline.events import Media
from pipeline.scrubber.engine import build_engine, reference_engine
from pipeline.scrubber.model import Result, default_choose
from pipeline.scrubber.rules import RuleError, parse_rules
from pipeline.scrubber.scrubber import Scrubber
from pipeline.scrubber.wide_text import wide_codec
from tests.unit.pipeline.scrubber.stream_support import TEXTS, new_stream, run, small_engine, whole_result

Target = Callable[[bytes], None]
MEDIA: tuple[Media, ...] = ("json", "ndjson", "sse", "form", "xml", "multipart", "text")
CHARSETS = (None, "utf-8", "utf-16", "utf-16-le", "iso-8859-1", "shift_jis", "nonsense")


def bodies() -> Target:
    """A body of any kind: never raises, JSON stays JSON, and what is scrubbed has nothing left to scrub."""
    scrubber = Scrubber(small_engine(), fingerprint=lambda secret: sha256(secret).hexdigest())

    def target(data: bytes) -> None:
        if len(data) < 2:
            return
        media, charset, body = MEDIA[data[0] % len(MEDIA)], CHARSETS[data[1] % len(CHARSETS)], data[2:]

        def scrub(text: bytes) -> Result:
            return scrubber.body(text, media, charset=charset, boundary=b"cut", choose=default_choose)

        result = scrub(body)
        once = result.data
        assert scrub(once).data == once
        if any(hit.action == "block" for hit in result.hits):
            return  # never over: nothing of it leaves
        if media == "json" and charset is None and _is_json(body):
            assert _is_json(once)

    return target


def _is_json(data: bytes) -> bool:
    try:
        json.loads(data)
    except (ValueError, RecursionError):
        return False
    return True


def splits() -> Target:
    """A text in chunks comes out as from the whole, wherever it is cut."""

    def target(data: bytes) -> None:
        if len(data) < 3:
            return
        first, second, text = data[0], data[1], data[2:]
        a, b = sorted((first * len(text) // 256, second * len(text) // 256))
        # Wide text is read as what it says it is, even where it goes on as something else.
        is_wide = wide_codec(text[:4], None, is_all=True)
        wanted = run(new_stream(), [text]) if is_wide else whole_result(text)
        assert run(new_stream(), [text[:a], text[a:b], text[b:]]) == wanted
        size = first % 23 + 1
        assert run(new_stream(), [text[at : at + size] for at in range(0, len(text), size)]) == wanted

    return target


def rules() -> Target:
    """A rule file is refused by name, or all engines find the same with it."""

    def target(data: bytes) -> None:
        head, _, body = data.partition(b"\0")
        text = head.decode("utf-8", "replace")
        if "[" not in text:  # a regex alone
            text = f'[[rules]]\nid = "fuzzed"\ndescription = ""\nregex = {json.dumps(text)}\n'
        try:
            rule_set = parse_rules(text, source="fuzzed.toml")
            engines = [build_engine(rule_set, native=True), build_engine(rule_set, native=False)]
        except RuleError:
            return
        wanted = reference_engine(rule_set).matches(body)
        for engine in engines:
            assert engine.matches(body) == wanted

    return target


TARGETS: dict[str, Callable[[], Target]] = {"bodies": bodies, "splits": splits, "rules": rules}


def seeds(name: str) -> Iterator[bytes]:
    """Inputs to begin with."""
    if name == "rules":
        yield from (regex + b"\0" + body for regex, body in RULE_SEEDS)
        return
    front = [bytes((n, 0)) for n in range(len(MEDIA))] if name == "bodies" else [b"\x40\x90"]
    for text in TEXTS.values():
        for head in front:
            yield head + text[:2000]
    for head in front:
        yield head + json.dumps({"a": [base64.b64encode(text[:200]).decode() for text in TEXTS.values()]}).encode()


RULE_SEEDS = (
    (rb"\bkey_[a-z0-9]{8}\b", b"a key_0123abcd b"),
    (rb"(?i)(?:pass|pwd)[\w.-]{0,20}\s{0,3}=\s{0,3}[\x22']?([^\s\x22']{4,40})", b'my_pass = "hunter22!"'),
    (rb"(?:^|[\s,])([A-Z]{2}[0-9]{6}(?:-[a-f]{3})?)(?:[\s,]|$)", b"AB123456-abc,CD654321"),
    (rb"(?s)BEGIN.{1,40}?END", b"BEGIN some\nlines END"),
    (rb"((?:a|bc){2,5}[^a-c]+?)$", b"abcbca xyz"),
    (b'[[rules]]\nid = "one"\nregex = "tok_([a-z]+)"\nkeywords = ["tok_"]\nentropy = 1\n', b"tok_abcdef"),
    (b'[[rules]]\nid = "two"\nregex = "x[0-9]{4}"\n[[rules.allowlists]]\nregexes = ["x1"]\n', b"x1234 x9876"),
    (
        b'[allowlist]\nstopwords = ["demo"]\n[[rules]]\nid = "three"\nregex = "s=(\\\\w{4,})"\nsecretGroup = 1\n',
        b"s=demo1 s=real",
    ),
)
