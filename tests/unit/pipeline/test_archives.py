"""What is packed in binary content is found, whatever its directory says, at a cost that has a limit."""

import base64
import bz2
import gzip
import io
import json
import lzma
import random
import tarfile
import time
import zipfile
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.archives import MAX_WORK_BYTES, unpacked
from pipeline.codings import encode

TEXT = b"the content of a member, " * 20


def zipped(*contents: bytes, method: int = zipfile.ZIP_DEFLATED) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as archive:
        for number, content in enumerate(contents):
            archive.writestr(f"file-{number}.txt", content)
    return out.getvalue()


def tar_gz(content: bytes) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as archive:
        info = tarfile.TarInfo("file.txt")
        info.size = len(content)
        archive.addfile(info, io.BytesIO(content))
    return out.getvalue()


PACKED = dict(
    zip(
        [
            *(
                "zip",
                "tar.gz",
                "gzip",
                "bzip2",
                "xz",
                "zstd",
                "zip in zip",
                "behind a picture",
                "no directory",
                "second",
            ),
            *("a pack of git's", "a loose object", "PDF", "called encrypted", "called stored"),
            *("base64 in JSON", "base64 in lines in JSON", "base64 for URLs"),
        ],
        [
            zipped(b"first", TEXT),
            tar_gz(TEXT),
            gzip.compress(TEXT),
            bz2.compress(TEXT),
            lzma.compress(TEXT),
            encode(TEXT, ["zstd"]),
            zipped(zipped(TEXT)),
            b"\x89PNG\r\n\x1a\n" + b"\0\xff" * 500 + zipped(TEXT),
            zipped(TEXT)[: -len(TEXT) // 10],
            gzip.compress(b"one") + gzip.compress(TEXT),
            b"PACK\0\0\0\2\0\0\0\1\xb9\x1e" + zlib.compress(TEXT),
            zlib.compress(b"blob 480\0" + TEXT, 9),
            b"%PDF-1.4\n1 0 obj <</Filter /FlateDecode>> stream\n" + zlib.compress(TEXT, 1) + b"\nendstream",
            zipped(TEXT)[:6] + b"\x01" + zipped(TEXT)[7:],
            zipped(TEXT)[:8] + b"\0" + zipped(TEXT)[9:],
            json.dumps({"file": base64.b64encode(gzip.compress(TEXT)).decode()}).encode(),
            json.dumps({"file": base64.encodebytes(zipped(TEXT)).decode()}).encode(),
            base64.urlsafe_b64encode(lzma.compress(TEXT)).rstrip(b"="),
        ],
        strict=True,
    )
)
"""What holds `TEXT` in some way, by its name."""


@pytest.mark.parametrize("packed", PACKED.values(), ids=PACKED.keys())
def test_what_is_packed_comes_out(packed: bytes) -> None:
    assert TEXT not in packed
    assert any(TEXT in member for member in unpacked(packed))


def test_of_zlib_streams_only_text_comes_out() -> None:
    pixels = random.Random(2).randbytes(5000) + bytes(5000)
    assert list(unpacked(zlib.compress(pixels) + b"\0" + zlib.compress(TEXT))) == [TEXT]


def test_a_stored_member_is_not_unpacked_because_it_can_be_read_as_it_is() -> None:
    packed = zipped(TEXT, method=zipfile.ZIP_STORED)
    assert TEXT in packed
    assert list(unpacked(packed)) == []


def test_a_damaged_stream_gives_what_was_before_the_damage() -> None:
    content = random.Random(1).randbytes(50_000) + TEXT
    packed = gzip.compress(TEXT + content)
    damaged = packed[:-20_000] + bytes(1000) + packed[-19_000:]
    members = [member for member in unpacked(damaged) if member.startswith(TEXT)]
    assert len(members) == 1
    assert len(members[0]) >= 20_000


@pytest.mark.parametrize(
    "bomb",
    [
        gzip.compress(bytes(1 << 28)),
        zipped(*(bytes(1 << 22) for _ in range(30))),
        (b"\x1f\x8b\x08\0\0\0\0\0\0\xff" + b"\0\0\0\xff\xff" * 3) * 20_000,
        b"\x1f\x8b\x08\0" * 120_000,
    ],
    ids=["one of 256 MiB", "many", "nothing in much", "many beginnings"],
)
def test_a_bomb_costs_no_more_than_the_limit(bomb: bytes) -> None:
    began = time.thread_time()
    assert sum(len(member) for member in unpacked(bomb)) <= MAX_WORK_BYTES + (1 << 16)
    assert time.thread_time() - began < 2


def test_what_a_reader_has_not_taken_in_yet_is_not_lost() -> None:
    content = b"".join(b"%d " % number for number in range(300_000))
    assert list(unpacked(gzip.compress(content))) == [content]


@given(st.binary(max_size=2000), st.sampled_from([b"PK\x03\x04", b"\x1f\x8b\x08\0", b"BZh91AY&SY", b"\xfd7zXZ\0"]))
def test_never_raises_for_any_bytes(data: bytes, beginning: bytes) -> None:
    list(unpacked(beginning + data))
