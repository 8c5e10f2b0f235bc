"""Content codings: whole, stacked, chunk by chunk, lying, cut short and bombs."""

import gzip
import random
import zlib

import brotli
import pytest
from backports import zstd

from pipeline.codings import CodingError, decode, encode, is_mislabelled, open_decoder, open_encoder

TEXT = b"".join(b'{"line": %d, "text": "the quick brown fox"}\n' % n for n in range(500))
STACKS = [("gzip",), ("x-gzip",), ("deflate",), ("br",), ("zstd",), ("identity",), ("gzip", "br"), ("zstd", "deflate")]


@pytest.mark.parametrize("codings", STACKS)
@pytest.mark.parametrize("data", [b"", b"x", TEXT, random.Random(1).randbytes(5000)])
def test_what_was_encoded_decodes_to_the_same_bytes(codings: tuple[str, ...], data: bytes) -> None:
    assert decode(encode(data, codings), codings) == data


@pytest.mark.parametrize("codings", STACKS)
@pytest.mark.parametrize("size", [1, 7, 1000])
def test_a_body_decodes_the_same_in_chunks_of_any_size(codings: tuple[str, ...], size: int) -> None:
    encoded, decoder = encode(TEXT, codings), open_decoder(codings)
    out = b"".join(decoder.feed(encoded[at : at + size]) for at in range(0, len(encoded), size))
    assert out + decoder.finish() == TEXT


@pytest.mark.parametrize("codings", STACKS)
def test_the_receiver_can_read_every_chunk_as_soon_as_it_is_encoded(codings: tuple[str, ...]) -> None:
    encoder, decoder = open_encoder(codings), open_decoder(codings)
    for n in range(20):
        event = b"data: event %d\n\n" % n
        assert decoder.feed(encoder.feed(event)) == event
    assert decoder.feed(encoder.finish()) + decoder.finish() == b""


@pytest.mark.parametrize("coding", ["gzip", "deflate", "br", "zstd"])
def test_a_body_that_grows_over_the_limit_is_an_error(coding: str) -> None:
    bomb = encode(b"\0" * 3_000_000, (coding,))
    with pytest.raises(CodingError, match="over the limit"):
        decode(bomb, (coding,), max_bytes=1_000_000)
    with pytest.raises(CodingError, match="over the limit"):
        open_decoder((coding,), 1_000_000).feed(bomb)


@pytest.mark.parametrize("coding", ["gzip", "deflate", "br", "zstd"])
def test_a_body_that_is_cut_is_an_error_and_never_a_shorter_body(coding: str) -> None:
    encoded = encode(TEXT, (coding,))
    for length in (1, len(encoded) // 2, len(encoded) - 1):
        with pytest.raises(CodingError):
            decode(encoded[:length], (coding,))


@pytest.mark.parametrize("coding", ["gzip", "deflate", "br", "zstd"])
def test_plain_text_with_a_coding_s_label_is_an_error(coding: str) -> None:
    with pytest.raises(CodingError):
        decode(b'{"password": "plain text, labelled as something else"}', (coding,))


@pytest.mark.parametrize("coding", ["sdch", "compress", "x-foo", ""])
def test_an_unknown_coding_is_an_error(coding: str) -> None:
    with pytest.raises(CodingError, match="unknown"):
        decode(b"abc", ("gzip", coding))
    with pytest.raises(CodingError, match="unknown"):
        open_encoder((coding,))


def test_deflate_is_read_with_and_without_its_zlib_wrapping() -> None:
    raw = zlib.compressobj(9, zlib.DEFLATED, -15)
    assert decode(raw.compress(TEXT) + raw.flush(), ("deflate",)) == TEXT
    assert decode(zlib.compress(TEXT), ("deflate",)) == TEXT


def test_gzip_members_and_zstd_frames_that_follow_each_other_are_one_body() -> None:
    assert decode(gzip.compress(b"one ") + gzip.compress(b"two") + b"\0" * 512, ("gzip",)) == b"one two"
    assert decode(zstd.compress(b"one ") + zstd.compress(b"two"), ("zstd",)) == b"one two"


@pytest.mark.parametrize(("coding", "encoded"), [("deflate", zlib.compress(TEXT)), ("br", brotli.compress(TEXT))])
def test_bytes_after_the_end_are_an_error(coding: str, encoded: bytes) -> None:
    with pytest.raises(CodingError):
        decode(encoded + b"more", (coding,))


def test_names_of_codings_are_read_in_any_case() -> None:
    assert decode(gzip.compress(TEXT), (" GZip ",)) == TEXT


def test_a_label_that_lies_is_seen_by_the_first_bytes() -> None:
    assert is_mislabelled(b'{"a": 1}', ("gzip",))
    assert is_mislabelled(b'{"a": 1}', ("zstd",))
    assert is_mislabelled(b'{"prompt": "some plain text"}', ("br",))
    assert not is_mislabelled(b'{"a": 1}', ())
    for coding in ("gzip", "deflate", "br", "zstd"):
        assert not is_mislabelled(encode(TEXT, (coding,)), (coding,))
    assert not is_mislabelled(b"\x1f", ("gzip",))
