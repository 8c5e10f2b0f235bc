"""What looks like data on its way out, and above all what does not."""

import base64
import gzip
import io
import json
import random
import re
import zipfile
import zlib
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.codings import encode
from pipeline.events import Context
from pipeline.exfiltration import Thresholds, is_random_name, is_random_path
from pipeline.uploads import BLOCK_BYTES, HEAD_BYTES, Sample

DEFAULT = Thresholds()
NOISE = random.Random(6).randbytes(600_000)
PNG = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + NOISE[:200_000]
HEX = NOISE[:400].hex()
B64 = base64.urlsafe_b64encode(NOISE[:600]).decode().rstrip("=")
PROSE = "The proxy reads what the agent sends, and says what it is worth. " * 3000

ORDINARY_PATHS = [
    f"/packages/ab/cd/{HEX[:60]}/some_package_name-1.2.3-py3-none-any.whl",
    "/@some-scope%2fsome-package-with-a-long-name/-/some-package-with-a-long-name-10.20.30-beta.4.tgz",
    f"/v2/library/image/blobs/sha256:{HEX[:64]}",
    f"/pool/by-hash/SHA512/{HEX[:128]}",
    f"/repos/ab/cd/{HEX[:64]}/{HEX[64:128]}?response-content-disposition=attachment&Policy={B64[:500]}"
    f"&Signature={B64[:344]}&Key-Pair-Id=K24J24Z295AEI9",
    f"/bucket/key.bin?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=x%2F20260101%2Fus%2Fs3%2Faws4_request"
    f"&X-Amz-Security-Token={B64}{B64[:600]}&X-Amz-Signature={HEX[:64]}",
    f"/release-asset/1/{HEX[:36]}?sp=r&sv=2018-11-09&sr=b&sig={B64[:44]}&jwt={B64[:700]}",
    f"/artifacts/x?X-Goog-Algorithm=GOOG4-RSA-SHA256&X-Goog-Signature={HEX[:512]}",
    f"/mod/example.org/thing/@v/v0.0.0-20260101120000-{HEX[:12]}.zip",
    f"/me/repo/compare/{HEX[:40]}...{HEX[40:80]}",
    f"/items?page=2&cursor={B64[:400]}",
    f"/authorize?client_id={HEX[:36]}&state={B64[:43]}&code_challenge={B64[:43]}&redirect_uri=http%3A%2F%2Flocalhost",
    "/wiki/" + "%E4%BD%A0%E5%A5%BD" * 60,
    "/docs/" + "how-to-configure-internationalization-and-accessibility-of-applications/" * 8,
    "/search?q=" + "getUserAccountInformationByInternalIdentifier+" * 8,
    "/v1/messages?beta=true",
    "/" + "x" * 900,
]


@pytest.mark.parametrize("path", ORDINARY_PATHS, ids=lambda path: path[:30])
def test_paths_of_ordinary_clients_give_no_signal(path: str) -> None:
    assert not is_random_path(path.encode(), DEFAULT)


@pytest.mark.parametrize(
    "path",
    [
        f"/log/{B64[:400]}",
        f"/a/{HEX[:300]}",
        "/" + "/".join(HEX[start : start + 60] for start in range(0, 300, 60)),
        f"/pixel.gif?d={B64[:400]}",
        f"/x?{HEX[:200]}",
        f"/x?X-Amz-Signature={HEX * 7}",
        "/t/" + base64.b32encode(NOISE[:150]).decode(),
        "/t/" + "".join(chr(ord("a") + byte % 26) for byte in NOISE[:200]),
        "/t/" + "".join(f"%{byte:02x}" for byte in NOISE[:400]),
    ],
    ids=lambda path: path[:20],
)
def test_encoded_data_in_a_path_or_query_gives_one(path: str) -> None:
    assert is_random_path(path.encode(), DEFAULT)


def test_the_threshold_of_paths_is_exact_and_0_turns_it_off() -> None:
    path = f"/{HEX[:200]}".encode()
    assert is_random_path(path, Thresholds(path_chars=200))
    assert not is_random_path(path, Thresholds(path_chars=201))
    assert not is_random_path(path * 9, Thresholds(path_chars=0))


@given(st.binary(max_size=3000))
def test_no_path_raises(path: bytes) -> None:
    assert is_random_path(path, Thresholds(path_chars=1)) in (True, False)


@pytest.mark.parametrize(
    "host",
    [
        "api.anthropic.com",
        "generativelanguage.googleapis.com",
        "k8s-default-frontend-1a2b3c4d5e-1234567890.eu-central-1.elb.amazonaws.com",
        f"{HEX[:32]}.r2.storage.example.com",
        "d111111abcdef8.cloudfront.net",
        "xn--mnchen-3ya.example",
        "internationalization-and-accessibility-of-applications.documentation.example.org",
    ],
)
def test_names_of_ordinary_hosts_give_no_signal(host: str) -> None:
    assert not is_random_name(host, DEFAULT)


@pytest.mark.parametrize(
    "host",
    [
        f"{HEX[:60]}.t.example.com",
        f"{HEX[:20]}.{HEX[20:40]}.{HEX[40:60]}.good.test",
        "mfrggzdfmztwq2lkmm3dcmrtgq2tmnzyhe3tknjq.x",
    ],
)
def test_long_random_labels_give_one(host: str) -> None:
    assert is_random_name(host, DEFAULT)
    assert not is_random_name(host, Thresholds(name_chars=0))


def is_suspicious(
    body: bytes, context: Context = "external", codings: tuple[str, ...] = (), step: int = 70_000
) -> bool:
    sample = Sample(codings)
    for start in range(0, len(body), step):
        sample.add(body[start : start + step])
    return sample.is_suspicious(context, DEFAULT)


def conversation(size: int) -> bytes:
    messages = [{"role": "user", "content": PROSE[:5000]} for _ in range(size // 5000)]
    return json.dumps({"model": "m", "messages": messages}).encode()


def archive(*names: str, content: bytes = b"") -> bytes:
    """A zip of words that differ from file to file, or of `content`."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as made:
        for number, name in enumerate(names):
            words = PROSE.split()
            random.Random(number).shuffle(words)
            made.writestr(name, content or " ".join(words))
    return out.getvalue()


def ordinary_bodies() -> Iterator[tuple[str, bytes, tuple[str, ...]]]:
    image = {"type": "image", "source": {"media_type": "image/png", "data": base64.b64encode(PNG).decode()}}
    pack = b"PACK\0\0\0\2" + b"".join(zlib.compress(NOISE[n : n + 3000]) for n in range(0, 300_000, 3000))
    push = f"00a8{HEX[:40]} {HEX[40:80]} refs/heads/main\0 report-status side-band-64k".encode() + b"0000" + pack
    turn = conversation(1_000_000)
    yield "conversation of 1 MB", turn, ()
    yield "conversation of 4 MB", conversation(4_000_000), ()
    yield "image in JSON", json.dumps({"messages": [image]}).encode(), ()
    yield "image behind a turn", json.dumps({"messages": [PROSE[:3000], image]}).encode(), ()
    yield "gzip", gzip.compress(turn), ("gzip",)
    yield "zstd", encode(turn, ("zstd",)), ("zstd",)
    yield "opaque field of a model", json.dumps({"text": PROSE, "signature": B64}).encode(), ()
    yield "git push", push, ()
    yield "git push of a shallow clone", b"0034shallow " + HEX[:40].encode() + push, ()
    yield "git fetch", b"0032want " + HEX[:40].encode() + b"\n" + b"0032have " * 900, ()
    yield "gzip without a label", gzip.compress(turn), ()
    yield "gRPC message in gzip", b"\1\0\0\x40\0" + gzip.compress(conversation(300_000)), ()
    wheel = archive(*(f"src/module_{n}.py" for n in range(30)))
    part = b'--b\r\nContent-Disposition: form-data; name="content"; filename="a-1-py3-none-any.whl"\r\n\r\n'
    yield "wheel that is published", part + wheel + b"\r\n--b--\r\n", ()
    tgz = gzip.compress(b"package/index.js\0" * 10 + PROSE.encode() * 20)
    attachment = {"_attachments": {"a-1.tgz": {"data": base64.b64encode(tgz).decode(), "length": len(tgz)}}}
    yield "npm package that is published", json.dumps({"readme": PROSE[:500], **attachment}).encode(), ()
    yield "form", b"a=1&b=" + PROSE.encode(), ()
    yield (
        "telemetry",
        b"".join(b"\x0a\x10%s\x12\x20service.name.of.the.process" % NOISE[n : n + 16] for n in range(4000)),
        (),
    )
    yield "UTF-8", ("你好,世界。これはテストです。" * 4000).encode(), ()
    yield "something small", NOISE[:3000], ()


@pytest.mark.parametrize(("name", "body", "codings"), list(ordinary_bodies()), ids=lambda value: str(value)[:30])
def test_what_ordinary_agents_send_gives_no_signal(name: str, body: bytes, codings: tuple[str, ...]) -> None:
    for context in ("external", "public", "registry", "internal"):
        assert not is_suspicious(body, context, codings), (name, context)


@pytest.mark.parametrize(
    ("name", "body", "codings"),
    [
        ("encrypted", NOISE[:50_000], ()),
        ("just long enough", NOISE[:BLOCK_BYTES], ()),
        ("behind words", PROSE[:HEAD_BYTES].encode() + b"\0" + NOISE, ()),
        ("inside gzip", gzip.compress(NOISE[:90_000]), ("gzip",)),
        ("a label of gzip that lies", NOISE[:90_000], ("gzip",)),
        ("an archive of what is encrypted", archive("notes.txt", content=NOISE[:90_000]), ()),
        ("gzip without a label", gzip.compress(NOISE[:90_000]), ()),
        ("a gRPC message in gzip", b"\1\0\1\0\0" + gzip.compress(NOISE[:90_000]), ()),
        ("base64 of gzip in JSON", json.dumps({"n": base64.b64encode(gzip.compress(NOISE)).decode()}).encode(), ()),
        ("a name of an archive alone", b"PK\x03\x04" + NOISE[:90_000], ()),
        ("an archive", zlib.compress(NOISE[:90_000]), ()),
        ("base64 in JSON", json.dumps({"note": base64.b64encode(NOISE[:30_000]).decode()}).encode(), ()),
        ("base64 in lines", base64.encodebytes(NOISE[:30_000]), ()),
        ("hexadecimal", NOISE[:30_000].hex().encode(), ()),
    ],
    ids=lambda value: str(value)[:20],
)
def test_compressed_or_encrypted_uploads_give_one(name: str, body: bytes, codings: tuple[str, ...]) -> None:
    assert is_suspicious(body, "external", codings), name
    assert is_suspicious(body, "registry", codings), name


def test_images_are_ordinary_where_the_users_own_services_and_models_are() -> None:
    form = b'--b\r\nContent-Disposition: form-data; name="image"; filename="a.png"\r\n\r\n' + PNG + b"\r\n--b--\r\n"
    for body in (PNG, form):
        assert not is_suspicious(body, "public")
        assert is_suspicious(body, "external")


def test_a_sample_stays_small_and_does_not_depend_on_how_the_body_was_cut() -> None:
    whole, cut = Sample(), Sample()
    body = PROSE.encode() * 10 + NOISE
    whole.add(body)
    for start in range(0, len(body), 1000):
        cut.add(body[start : start + 1000])
    kept = [len(sample._head) + sum(map(len, sample._spots)) for sample in (whole, cut)]
    assert max(kept) <= HEAD_BYTES + 11 * BLOCK_BYTES
    assert re.fullmatch(rb"[\w\s,.]+", bytes(cut._head))
    assert len(whole._spots) == len(cut._spots)


@pytest.mark.parametrize("wrong", [{"path_chars": -1}, {"entropy_bits": 8.5}, {"session_bytes": {"public": -5}}])
def test_thresholds_that_make_no_sense_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="thresholds"):
        Thresholds(**wrong)  # type: ignore[arg-type]
