"""Keys in binary content are found although the bytes beside them may be letters: lengths, tags, the next string."""

import sqlite3
from functools import cache
from pathlib import Path

import pytest

from pipeline.scrubber.engine import build_engine
from pipeline.scrubber.model import Hit, default_choose
from pipeline.scrubber.rules import parse_rules
from pipeline.scrubber.scrubber import Scrubber
from tests.support.scrubbing import RULES, TOKEN, fingerprint

CLOUD_ID = b"AKIA" + b"QWERTYUIOPASDFGH"
MORE = """
[[rules]]
id = "cloud-key-id"
regex = '''\\bAKIA[A-Z2-7]{16}\\b'''
keywords = ["akia"]
"""


@cache
def scrubber() -> Scrubber:
    rules = parse_rules(MORE + RULES, source="test rules")
    return Scrubber(build_engine(rules), fingerprint=fingerprint)


def watched(data: bytes) -> tuple[Hit, ...]:
    return scrubber().watch(data, default_choose, where="body")


def field(number: int, text: bytes) -> bytes:
    """Of a protobuf message (short texts only)."""
    return bytes((number << 3 | 2, len(text))) + text


@pytest.mark.parametrize("key", [TOKEN, CLOUD_ID])
@pytest.mark.parametrize(
    "written",
    [
        lambda key: b"\xa1\x61k" + (bytes((0x60 | len(key),)) if len(key) < 24 else b"\x78" + bytes((len(key),))) + key,
        lambda key: b"\x08\x96\x01" + field(5, key) + field(6, b"next"),
        lambda key: b"\x08\x96\x01" + field(5, key + b":" + b"x" * (0x61 - len(key) - 1)) + field(14, b"next"),
        lambda key: b"\x82\xa1k" + b"\xd9" + bytes((len(key),)) + key + b"\xa1z\xff",
        lambda key: b"\0\xff" + b"name" + key + b"\0",
    ],
    ids=["CBOR", "protobuf", "protobuf with a length that is a letter", "MessagePack", "behind another string"],
)
def test_a_key_is_found_whatever_its_length_looks_like(written: object, key: bytes) -> None:
    assert callable(written)
    found = watched(written(key))
    assert [hit.action for hit in found] == ["block"]


def test_a_key_is_found_in_a_database(tmp_path: Path) -> None:
    file = tmp_path / "x.sqlite"
    with sqlite3.connect(file) as database:
        database.execute("create table keys (name text, value text)")
        database.execute("insert into keys values (?, ?)", ("id", CLOUD_ID.decode()))
        database.execute("insert into keys values (?, ?)", ("token", TOKEN.decode()))
    database.close()
    assert {hit.length for hit in watched(file.read_bytes())} == {len(CLOUD_ID), len(TOKEN)}


def test_what_only_contains_the_beginning_of_a_key_is_none() -> None:
    assert watched(b"\0\xff" + b"XAKIAshort" + b"\0" + b"notghp_" + b"\0") == ()
    assert watched(b"words with edges: XAKIA" + b"QWERTYUIOPASDFGH") == ()
