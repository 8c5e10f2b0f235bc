"""What an agent calls a body is its word only: a key does not leave under any label."""

import asyncio
import base64
import gzip
import io
import json
import random
import zipfile
import zlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from backports import zstd

from tests.integration.border.conftest import HOST, PLAIN, Way, way
from tests.support.detection import GITHUB_TOKEN

pytestmark = pytest.mark.anyio

KEY = GITHUB_TOKEN.encode()
WIDE = GITHUB_TOKEN.encode("utf-16-le")
PART = b"--XX\r\nContent-Disposition: form-data; name=a\r\nContent-Type: %s\r\n\r\n%s\r\n--XX--\r\n"
FRAMED = (
    "application/grpc",
    "application/grpc+json",
    "application/connect+json",
    "application/x-git-upload-pack-request",
    "application/x-git-receive-pack-request",
    "application/vnd.git-lfs+json",
)


async def upload(through: Way, directory: Path, label: str, body: bytes, *arguments: str) -> bytes:
    """What curl printed; the body goes to the origin that keeps it."""
    file = directory / "body"
    file.write_bytes(body)
    headers = ("-H", f"Content-Type: {label}", *arguments)
    return (await through.explicit(f"https://{HOST}/", *headers, "--data-binary", f"@{file}")).body


def arrived(through: Way) -> bytes:
    return b"".join(request.everything for request in (*through.secure.arrived, *through.plain.arrived))


async def blocked(through: Way, reason: str = "finding-blocked") -> None:
    """Wait for the record that says why, and check that it says what."""
    await through.recorded(lambda record: record.reason == reason)
    found = [f for record in through.border.sink.records for f in record.findings]
    assert {(f.rule, f.action) for f in found} == {("github-pat", "block")}


@pytest.mark.parametrize("label", FRAMED)
@pytest.mark.parametrize("body", [KEY, b"\0\0\0\0\x28" + KEY, json.dumps({"a": f"x {GITHUB_TOKEN}"}).encode()])
async def test_a_label_that_forbids_edits_does_not_let_a_key_out(
    through: Way, tmp_path: Path, label: str, body: bytes
) -> None:
    await upload(through, tmp_path, label, body)
    assert KEY not in arrived(through)
    assert any(f.rule == "github-pat" for record in through.border.sink.records for f in record.findings)


@pytest.mark.parametrize("label", ["application/grpc", "application/octet-stream"])
async def test_a_key_between_letters_of_a_record_that_streams_is_cut(through: Way, tmp_path: Path, label: str) -> None:
    key = b"AKIA" + b"ABCDEFGH12345678"
    message = b"\x08\x96\x01\x2a\x14" + key + b"\x32\x04next"
    await upload(
        through, tmp_path, label, b"\0\0\0\0" + bytes((len(message),)) + message, "-H", "Transfer-Encoding: chunked"
    )
    await through.recorded(lambda record: record.reason == "finding-blocked")
    assert key not in arrived(through)
    found = [f for record in through.border.sink.records for f in record.findings]
    assert {(f.rule, f.action) for f in found} == {("aws-key-id", "block")}


async def test_a_framed_body_with_a_key_is_cut_and_the_record_says_why(through: Way, tmp_path: Path) -> None:
    await upload(through, tmp_path, "application/grpc", b"\0\0\0\0\x28" + KEY)
    await blocked(through)
    assert through.secure.arrived == []


@pytest.mark.parametrize("label", ["application/octet-stream", "image/png", "application/zip"])
@pytest.mark.parametrize(
    "body",
    [b"\0" + KEY, b"\x89PNG\r\n\x1a\n\0\0\xff" + KEY + b"\0", b"\0\xff" + WIDE + b"\0", b"\x1f\x8b\x08\x10" + KEY],
    ids=["after a zero", "in a picture", "in UTF-16", "in a comment"],
)
async def test_a_binary_body_with_a_key_is_refused(through: Way, tmp_path: Path, label: str, body: bytes) -> None:
    answer = await upload(through, tmp_path, label, body)
    assert b"holds a secret" in answer
    assert through.secure.arrived == []
    await blocked(through)


@pytest.mark.parametrize("arguments", [("-H", "Transfer-Encoding: chunked"), ()], ids=["chunked", "long"])
async def test_a_streamed_binary_body_is_cut_before_the_key(
    through: Way, tmp_path: Path, arguments: tuple[str, ...]
) -> None:
    body = b"\0" + b"x \xff" * (300_000 if not arguments else 30) + b" " + KEY + b"\0\0"
    await upload(through, tmp_path, "application/octet-stream", body, *arguments)
    await blocked(through)
    assert KEY not in arrived(through)


async def test_a_key_that_begins_after_the_first_chunk_is_still_found(through: Way, tmp_path: Path) -> None:
    body = b"\0" * 4096 + b"text from here on, and " + KEY
    await upload(through, tmp_path, "application/octet-stream", body, "-H", "Transfer-Encoding: chunked")
    await blocked(through)


@pytest.mark.parametrize("label", [*FRAMED[:5], "application/octet-stream"])
async def test_a_binary_body_is_read_below_its_content_coding(through: Way, tmp_path: Path, label: str) -> None:
    coded = gzip.compress(b"\0\xff" + KEY)
    await upload(through, tmp_path, label, coded, "-H", "Content-Encoding: gzip")
    assert through.secure.arrived == []
    await blocked(through)


def named(data: bytes, name: bytes) -> bytes:
    """`data` in gzip, with the name of a file in its header (RFC 1952 section 2.3)."""
    packed = gzip.compress(data)
    return packed[:3] + b"\x08" + packed[4:10] + name + b"\0" + packed[10:]


def skipped(data: bytes, other: bytes) -> bytes:
    """`data` in zstd, behind a frame that decoders skip (RFC 8878 section 3.1.2)."""
    return b"\x50\x2a\x4d\x18" + len(other).to_bytes(4, "little") + other + zstd.compress(data)


@pytest.mark.parametrize("label", ["text/plain", "application/json", "application/grpc", "image/png"])
@pytest.mark.parametrize(
    ("coding", "body"), [("gzip", named(b'{"a": 1}', KEY)), ("zstd", skipped(b'{"a": 1}', KEY))], ids=["name", "frame"]
)
@pytest.mark.parametrize("arguments", [("-H", "Transfer-Encoding: chunked"), ()], ids=["chunked", "whole"])
async def test_what_a_decoder_passes_over_holds_no_key(
    tmp_path: Path, label: str, coding: str, body: bytes, arguments: tuple[str, ...]
) -> None:
    clean = body.replace(KEY, b"data.tar".ljust(len(KEY), b"."))
    async with raw_origin() as (port, received), way(tmp_path, more=raw_entry(port)) as through:
        (tmp_path / "body").write_bytes(body)
        (tmp_path / "clean").write_bytes(clean)
        headers = ("-H", f"Content-Type: {label}", "-H", f"Content-Encoding: {coding}", *arguments)
        for name in ("clean", "body"):
            await through.transparent("http://raw.good.test/", *headers, "--data-binary", f"@{tmp_path / name}")
            if name == "clean" and (not arguments or label in ("application/grpc", "image/png")):
                assert clean in received  # as it came; a text that streams is coded anew
    assert b"Content-Encoding" in received
    assert KEY not in received


@asynccontextmanager
async def raw_origin() -> AsyncIterator[tuple[int, bytearray]]:
    """Keeps what arrives as it is, where aiohttp's would decode it, and answers each request."""
    received = bytearray()

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(65536):
            received.extend(data)
            if received.endswith((b"0\r\n\r\n", b"\0\0\0", b"}")):
                writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1], received


def raw_entry(port: int) -> str:
    return f'[[hosts]]\npattern = "raw.good.test"\ndial = "127.0.0.1:{port}"\n'


async def test_text_under_a_binary_label_and_a_coding_is_scrubbed(through: Way, tmp_path: Path) -> None:
    coded = gzip.compress(b"token " + KEY)
    await upload(through, tmp_path, "application/octet-stream", coded, "-H", "Content-Encoding: gzip")
    assert through.secure.arrived[-1].body == b"token [REDACTED_GITHUB_PAT]"  # the origin takes the coding off


@pytest.mark.parametrize("label", [b"image/png", b"application/octet-stream"])
async def test_a_part_of_a_form_is_read_whatever_it_is_called(through: Way, tmp_path: Path, label: bytes) -> None:
    form = "multipart/form-data; boundary=XX"
    await upload(through, tmp_path, form, PART % (label, KEY))
    assert b"[REDACTED_GITHUB_PAT]" in through.secure.arrived.pop().body
    await upload(through, tmp_path, form, PART % (label, b"\0\xff" + KEY))
    assert through.secure.arrived == []


async def test_binary_bodies_without_keys_are_byte_exact_and_marked(through: Way, tmp_path: Path) -> None:
    blob = bytes(range(256)) * 40 + b" 127.0.0.1 someone@example.com \0"
    for label in ("application/octet-stream", "application/grpc", "image/png"):
        await upload(through, tmp_path, label, blob)
        assert through.secure.arrived.pop().body == blob
    unscanned = [record.unscanned for record in through.border.records("request") if record.method == "POST"]
    assert unscanned == ["binary-body", None, "binary-body"]


async def test_no_more_than_four_codings_are_taken_off(through: Way, tmp_path: Path) -> None:
    body = b"token " + KEY
    for _ in range(5):
        body = gzip.compress(body)
    answer = await upload(through, tmp_path, "text/plain", body, "-H", f"Content-Encoding: {', '.join(['gzip'] * 5)}")
    assert b"cannot be checked" in answer
    assert through.secure.arrived == []


def printable_deflate(plain: bytes) -> tuple[bytes, bytes]:
    """`plain`, behind words of no meaning, in raw deflate with fixed codes; its first bytes are printable."""
    bits = [0, 1, 0]  # not the last block; fixed codes, least significant bit first

    def put(literal: int) -> list[int]:
        return [(literal + 0x30) >> shift & 1 for shift in range(7, -1, -1)]

    def octet(some: list[int]) -> int:
        return sum(bit << place for place, bit in enumerate(some))

    for number in range(20):
        start = 8 * number
        bits += next(
            code
            for literal in range(0x20, 0x7F)
            if 0x20 <= octet([*bits, *(code := put(literal))][start : start + 8]) < 0x7F
        )
    head = len(bits) // 8
    for literal in plain:
        bits += put(literal)
    bits += [0] * 7  # end of block
    bits += [1, 0, 0]  # an empty stored block, the last
    bits += [0] * (-len(bits) % 8)
    data = bytes(octet(bits[place : place + 8]) for place in range(0, len(bits), 8)) + b"\0\0\xff\xff"
    return data[:head], data[head:]


async def test_a_compressed_stream_that_begins_like_text_is_decoded(through: Way) -> None:
    first, second = printable_deflate(b" " + KEY + b" ")
    assert zlib.decompress(first + second, -15).endswith(KEY + b" ")
    assert first.isascii()
    assert first.decode().isprintable()
    reader, writer = await asyncio.open_connection("127.0.0.1", through.border.http_port)
    head = f"POST / HTTP/1.1\r\nHost: {PLAIN}\r\nContent-Type: text/plain\r\nContent-Encoding: deflate\r\n"
    writer.write(f"{head}Connection: close\r\nTransfer-Encoding: chunked\r\n\r\n".encode())
    for chunk in (first, second, b""):
        writer.write(b"%x\r\n%s\r\n" % (len(chunk), chunk))
        await writer.drain()
        if chunk == first:
            await through.recorded(lambda record: record.kind == "request")  # so that it is a chunk of its own
    await reader.read()
    writer.transport.abort()
    assert KEY not in arrived(through)
    assert b"[REDACTED_GITHUB_PAT]" in through.plain.arrived[-1].body  # the origin takes the coding off


def zipped(*contents: bytes) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for number, content in enumerate(contents):
            archive.writestr(f"src/file-{number}.py", content)
    return out.getvalue()


@pytest.mark.parametrize(
    "label",
    [
        *("application/zip", "application/octet-stream", "multipart/form-data; boundary=XX"),
        *("text/plain", "application/json", "application/xml", "text/event-stream"),
        "multipart/form-data; boundary=XX; part=text/plain",
    ],
)
async def test_an_archive_with_a_key_packed_in_it_is_refused_and_one_without_passes(
    through: Way, tmp_path: Path, label: str
) -> None:
    code = b"def main(): return 0\n" * 50
    for content in (code, code + b'TOKEN = "' + KEY + b'"\n'):
        body = zipped(code, content)
        if label.startswith("multipart"):
            body = PART % (b"text/plain" if "text" in label else b"application/zip", body)
        await upload(through, tmp_path, label, body)
        assert [request.body for request in through.secure.arrived] == ([body] if content is code else [])
        through.secure.arrived.clear()
    await blocked(through)
    posted = [record for record in through.border.records("request") if record.method == "POST"]
    if label.startswith(("application/zip", "application/octet", "multipart")):
        assert {record.unscanned for record in posted} == {"binary-body"}


@pytest.mark.parametrize(
    "label",
    ["application/zip", "text/plain", "application/json", "application/grpc", "multipart/form-data; boundary=XX"],
)
@pytest.mark.parametrize("padding", [0, 600_000])
async def test_an_archive_that_streams_is_cut_where_a_key_is_packed_in_it(
    through: Way, tmp_path: Path, label: str, padding: int
) -> None:
    code = b"def main(): return 0\n" * 50
    front = random.Random(padding).randbytes(padding)
    for content in (code, code + b'TOKEN = "' + KEY + b'"\n'):
        packed = zipped(code, content)
        body = PART % (b"text/plain", front + packed) if label.startswith("multipart") else front + packed
        chunked = () if padding else ("-H", "Transfer-Encoding: chunked")
        await upload(through, tmp_path, label, body, *chunked)
        assert [packed in request.body for request in through.secure.arrived] == [True] * (content is code)
        through.secure.arrived.clear()
    await blocked(through)


async def test_a_file_in_json_is_unpacked_and_refused_where_a_key_is_in_it(through: Way, tmp_path: Path) -> None:
    code = b"def main(): return 0\n" * 50
    for content in (code, code + b'TOKEN = "' + KEY + b'"\n'):
        document = {"name": "a.zip", "data": base64.b64encode(zipped(code, content)).decode()}
        await upload(through, tmp_path, "application/json", json.dumps(document).encode())
        assert [json.loads(request.body) for request in through.secure.arrived] == [document] * (content is code)
        through.secure.arrived.clear()
    await blocked(through)
