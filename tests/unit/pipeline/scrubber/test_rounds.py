"""Scrubbing twice is scrubbing once, however often a replacement brings the next find about."""

from hashlib import sha256

import pytest

from pipeline.events import Media
from pipeline.scrubber.engine import build_engine
from pipeline.scrubber.model import Result, default_choose
from pipeline.scrubber.redactor import Redactor
from pipeline.scrubber.rounds import MAX_ROUNDS
from pipeline.scrubber.rules import parse_rules
from pipeline.scrubber.scrubber import Scrubber

CHAIN = """
[[rules]]
id = "chain"
regex = '''(?:key:|CHAIN\\])(k[0-9];)'''
"""
"""Each placeholder is the keyword of the next."""


def _fingerprint(secret: bytes) -> str:
    return sha256(secret).hexdigest()


ENGINE = build_engine(parse_rules(CHAIN, source="chain"))
SCRUBBER = Scrubber(ENGINE, fingerprint=_fingerprint)


def scrubbed(text: bytes, media: Media = "text", charset: str | None = None) -> Result:
    return SCRUBBER.body(text, media, charset=charset, choose=default_choose)


@pytest.mark.parametrize("codec", ["utf-8", "utf-16"])
def test_a_chain_of_finds_is_scrubbed_to_its_end(codec: str) -> None:
    result = scrubbed(f"key:{'k1;' * MAX_ROUNDS} k2; and more".encode(codec), charset=codec)
    assert result.data.decode(codec) == f"key:{'[REDACTED_CHAIN]' * MAX_ROUNDS} k2; and more"
    assert scrubbed(result.data, charset=codec).data == result.data
    assert {hit.action for hit in result.hits} == {"scrub"}


@pytest.mark.parametrize("media", ["text", "json"])
def test_of_a_chain_without_an_end_nothing_leaves(media: Media) -> None:
    result = scrubbed(b'{"a": "key:%s"}' % (b"k1;" * 2000), media)
    assert result.data == b"[REDACTED_CHAIN]"
    assert {hit.action for hit in result.hits} == {"block"}
    assert scrubbed(result.data, media).data == result.data


def test_a_header_and_a_target_with_such_a_chain_are_blocked() -> None:
    for result in (
        SCRUBBER.header("x-note", b"key:" + b"k1;" * 100, default_choose),
        SCRUBBER.target(b"/a?b=key:" + b"k1;" * 100, default_choose),
    ):
        assert b"k1" not in result.data
        assert "block" in {hit.action for hit in result.hits}


def test_a_document_of_a_stream_with_such_a_chain_is_told_as_blocked() -> None:
    redactor = Redactor(ENGINE, default_choose, _fingerprint, "body")
    assert redactor.document(b'{"a": "key:k1;k2;"}') == b'{"a": "key:[REDACTED_CHAIN][REDACTED_CHAIN]"}'
    assert redactor.document(b'{"a": "key:%s"}' % (b"k1;" * 100)) == b"[REDACTED_CHAIN]"
    assert [hit.action for hit in redactor.hits[:2]] == ["scrub", "scrub"]
    assert {hit.action for hit in redactor.hits[2:]} == {"block"}
