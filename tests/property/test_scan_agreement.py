"""A scan finds in each file of a tree exactly what a search of that file finds, however the secret is written there."""

import base64
import random
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from pipeline.scrubber.hints import hint_finder
from pipeline.scrubber.model import default_choose
from pipeline.scrubber.search import EngineSearch
from tests.support.scrubbing import fingerprint
from tests.support.shipped_rules import RULES, shipped_engine
from vibedom.preflight.builtin import scan_paths
from vibedom.preflight.file_search import NamedFile

Spelling = Callable[[bytes, random.Random], bytes]


def _percent(text: bytes, rng: random.Random) -> bytes:
    return b"".join(bytes([byte]) if chr(byte).isalnum() and rng.random() > 0.3 else b"%%%02X" % byte for byte in text)


def _percent_twice(text: bytes, rng: random.Random) -> bytes:
    return _percent(text, rng).replace(b"%", b"%25")


def _unicode(text: bytes, rng: random.Random) -> bytes:
    return b"".join(b"\\u%04x" % byte if rng.random() < 0.3 else bytes([byte]) for byte in text)


def _in_json(text: bytes, rng: random.Random) -> bytes:
    return text.replace(b"\\", b"\\\\").replace(b'"', b'\\"').replace(b"\n", b"\\n").replace(b"/", b"\\/")


def _in_json_in_json(text: bytes, rng: random.Random) -> bytes:
    return _in_json(_in_json(text, rng), rng)


def _hex_escapes(text: bytes, rng: random.Random) -> bytes:
    return b"".join(b"\\x%02x" % byte if rng.random() < 0.3 else bytes([byte]) for byte in text)


def _references(text: bytes, rng: random.Random) -> bytes:
    named = text.replace(b"&", b"&amp;").replace(b'"', b"&quot;").replace(b"<", b"&lt;").replace(b">", b"&gt;")
    return named.replace(b"e", b"&#101;", 1).replace(b"=", b"&#x3d;", 1)


def _coloured(text: bytes, rng: random.Random) -> bytes:
    middle = len(text) // 2
    mark = rng.choice((b"\x1b[31m", b"\\u001b[1m", b"\\x1b[0m", b"\\033[32m"))
    return text[:middle] + mark + text[middle:]


SPELLINGS: tuple[Spelling, ...] = (
    lambda text, rng: text,
    _percent,
    _percent_twice,
    _unicode,
    _in_json,
    _in_json_in_json,
    _hex_escapes,
    _references,
    _coloured,
    lambda text, rng: base64.b64encode(b"x = '" + text + b"'\n"),
    lambda text, rng: _percent(base64.b64encode(text), rng),
    lambda text, rng: (b"value: " + text).hex().encode(),
)
CLEAN = (
    b"def total(rows):\n    return sum(row.price for row in rows)\n",
    b"A line of prose that says nothing, 100%% sure, at 5% and \xc3\xa9.\r\n",
    b'print("\\x1b \\u00e9 %20 &amp; done", token=self.token, password=password)\n',
    b"/* " + b"-" * 300 + b" */ var a='%s', b=\"%d\\n\";" + b" " * 40,
)


def _text(secret: bytes, spelling: Spelling, rng: random.Random) -> bytes:
    """The secret between clean lines, near them or thousands of bytes away."""
    before = b"".join(rng.choices(CLEAN, k=rng.choice((0, 1, 4, 50))))
    after = b"".join(rng.choices(CLEAN, k=rng.choice((0, 1, 60))))
    return before + spelling(secret, rng) + rng.choice((b"\n", b'"\n', b"", b" ")) + after


def _files() -> Iterator[tuple[str, bytes]]:
    """A sample of every rule in one of the spellings, and some in all of them."""
    rng = random.Random(2026)
    samples = [(rule.id, rng.choice((*rule.match, *rule.no_match))) for rule in RULES.rules]
    for number, (rule, sample) in enumerate(samples):
        for spelling in SPELLINGS if number % 16 == 0 else rng.sample(SPELLINGS, 1):
            yield f"d{number % 9}/{rule}-{number}-{SPELLINGS.index(spelling)}.txt", _text(sample, spelling, rng)


@pytest.mark.timeout(300)
def test_a_scan_of_a_tree_finds_what_a_search_of_each_file_finds(tmp_path: Path) -> None:
    engine = shipped_engine(native=True)
    expected = []
    for name, content in _files():
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(content)
        search = EngineSearch(NamedFile(engine, name), hint_finder(), fingerprint, default_choose)
        expected += [(name, found.rule.id, found.fingerprint) for edit in search(content) for found in edit.found]
    report = scan_paths(tmp_path, engine=engine, fingerprint=fingerprint, jobs=1)
    assert sorted((each.file, each.rule, each.fingerprint) for each in report.findings) == sorted(expected)
    assert len({name for name, _, _ in expected}) > 300
