"""What does not get out: shown at the origin and at the wire, with the reason in the record."""

import asyncio
import json
import socket
from pathlib import Path

import anyio
import pytest

from tests.integration.border.conftest import HOST, PLAIN, Way, way
from tests.support.curl import curl

pytestmark = pytest.mark.anyio


async def raw(port: int, data: bytes) -> bytes:
    """What comes back on a plain connection until it is closed (or three seconds have passed)."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(data)
    answer = b""
    with anyio.move_on_after(3):
        answer = await reader.read(65536)
    writer.close()
    return answer


async def test_an_unlisted_host_gets_a_403_that_says_how_to_allow_it(through: Way) -> None:
    answer = await through.transparent("https://evil.test/", "-i")
    assert b" 403" in answer.body
    assert b"vibedom allow evil.test" in answer.body
    as_json = await through.transparent("https://evil.test/", "-H", "Accept: application/json")
    assert json.loads(as_json.body)["error"]["reason"] == "not-listed"
    assert (await through.explicit("https://evil.test/")).code == 56
    assert {r.reason for r in through.border.records("request")} == {"not-listed"}


async def test_a_denied_upload_is_refused_before_a_byte_of_it_is_read(through: Way, tmp_path: Path) -> None:
    big = tmp_path / "big"
    big.write_bytes(b"x" * 2_000_000)
    answer = await through.explicit(
        "http://evil.test/",
        "-T",
        str(big),
        "-H",
        "Expect: 100-continue",
        "-o",
        "/dev/null",
        "-w",
        "%{http_code} %{size_upload}",
    )
    assert answer.body == b"403 0"
    assert len(through.border.records("request")) == 1


@pytest.mark.parametrize(
    ("host_header", "reason"),
    [
        ("evil.test", "sni-mismatch"),
        (f"{HOST}:444", "bad-port"),
        (f"{HOST}@evil.test", "bad-host"),
        ("", "bad-host"),
        ("0x7f.1", "bad-host"),
        (f"{HOST}%00.evil.test", "bad-host"),
    ],
)
async def test_a_host_header_that_names_another_host_than_the_server_name_is_refused(
    through: Way, host_header: str, reason: str
) -> None:
    answer = await through.transparent(
        f"https://{HOST}/", "--http1.1", "-H", f"Host: {host_header}" if host_header else "Host;"
    )
    assert answer.code in (0, 52, 56)
    assert through.secure.arrived == []
    denied = [r for r in through.border.sink.records if r.verdict == "deny"]
    assert [r.reason for r in denied] == [reason]


async def test_fronting_over_http2_is_refused(through: Way) -> None:
    await through.transparent(f"https://{HOST}/", "--http2", "-H", "Host: evil.test")
    assert through.secure.arrived == []
    assert through.border.records("request")[-1].reason == "sni-mismatch"


async def test_a_tunnel_to_one_host_cannot_be_used_for_another(through: Way) -> None:
    connect_to = ("--connect-to", f"evil.test:443:{HOST}:443", "--proxytunnel")
    await through.explicit("https://evil.test/", *connect_to)
    assert through.secure.arrived == []
    assert through.border.records("request")[-1].reason in ("sni-mismatch", "authority-mismatch")


@pytest.mark.parametrize(
    "spelling", [f"{HOST}.", HOST.upper(), f"{HOST}:443"], ids=["trailing dot", "upper case", "default port"]
)
async def test_other_spellings_of_a_listed_host_are_the_same_host(through: Way, spelling: str) -> None:
    answer = await through.transparent(f"https://{spelling}/", "-o", "/dev/null", "-w", "%{http_code}")
    assert answer.body == b"200"
    assert through.border.records("request")[-1].host == HOST


async def test_tls_without_a_server_name_is_closed_and_recorded(through: Way) -> None:
    answer = await curl("-k", f"https://127.0.0.1:{through.border.https_port}/")
    assert answer.code == 35
    assert [r.reason for r in through.border.records("refused")] == ["sni-missing"]


@pytest.mark.parametrize(
    "data",
    [
        b"SSH-2.0-OpenSSH_9.2\r\n",
        b"HELLO\n",
        b"\x00\x01\x02\x03",
        b"get / http/1.0\r\n\r\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    ],
    ids=["ssh", "words", "octets", "lower case", "h2 prior knowledge"],
)
@pytest.mark.parametrize("listener", ["proxy", "http", "https"])
async def test_what_is_not_http_is_closed_and_recorded(through: Way, listener: str, data: bytes) -> None:
    listeners = through.border.listeners
    ports = {"proxy": listeners.proxy, "http": listeners.http[0], "https": listeners.https[0]}
    assert await raw(ports[listener].getsockname()[1], data) == b""
    assert [r.reason for r in through.border.records("refused")] == ["non-http"]


async def test_what_is_not_http_inside_a_tunnel_or_inside_tls_is_closed(through: Way) -> None:
    port = through.border.port(through.border.listeners.proxy)
    opening = f"CONNECT {PLAIN}:80 HTTP/1.1\r\nHost: {PLAIN}:80\r\n\r\n".encode()
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(opening)
    assert b"200" in await reader.readuntil(b"\r\n\r\n")
    writer.write(b"SSH-2.0-OpenSSH_9.2\r\n")
    assert await reader.read() == b""
    writer.close()
    assert through.plain.arrived == []
    assert through.border.records("refused")[-1].reason == "non-http"


async def test_a_transparent_listener_is_no_proxy(through: Way) -> None:
    opening = f"CONNECT {PLAIN}:80 HTTP/1.1\r\nHost: {PLAIN}:80\r\n\r\n".encode()
    assert b" 403" in await raw(through.border.http_port, opening)


@pytest.mark.parametrize(
    "target", ["http://evil.test/x", f"http://{PLAIN}@evil.test/", f"http://{PLAIN}:3142/x", "http:///x"]
)
async def test_an_absolute_target_goes_where_the_host_header_says_or_nowhere(through: Way, target: str) -> None:
    request = f"GET {target} HTTP/1.1\r\nHost: {PLAIN}\r\nConnection: close\r\n\r\n".encode()
    for port in (through.border.http_port, through.border.port(through.border.listeners.proxy)):
        answer = await raw(port, request)
        assert answer.startswith((b"HTTP/1.1 403", b"HTTP/1.1 400")) or answer == b""
    assert through.plain.arrived == []


@pytest.mark.parametrize(
    "head",
    [
        "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n",
        "Content-Length: 5\r\nContent-Length: 6\r\n",
        "Transfer-Encoding: chunked, identity\r\n",
        "Transfer-Encoding : chunked\r\n",
        "Transfer-Encoding: xchunked\r\n",
    ],
)
async def test_a_request_that_can_be_read_in_two_ways_is_refused(through: Way, head: str) -> None:
    smuggled = f"0\r\n\r\nGET /smuggled HTTP/1.1\r\nHost: {PLAIN}\r\n\r\n"
    request = f"POST / HTTP/1.1\r\nHost: {PLAIN}\r\n{head}Connection: close\r\n\r\n{smuggled}".encode()
    await raw(through.border.http_port, request)
    assert [a.target for a in through.plain.arrived if "smuggled" in a.target] == []


@pytest.mark.parametrize(
    "lines",
    [
        ["GET /smuggled HTTP/1.1", "X: a\rTransfer-Encoding: chunked"],
        ["GET /smuggled HTTP/1.1", "X: a", " folded"],
        ["GET /smuggled HTTP/1.1", "X: a\0b"],
        ["GET /smuggled HTTP/0.9"],
        ["GET /smuggled HTTP/2.0"],
        ["GET * HTTP/1.1"],
    ],
    ids=["CR alone", "folded line", "NUL", "HTTP/0.9", "HTTP/2 as text", "target of OPTIONS"],
)
async def test_a_head_that_origins_read_in_two_ways_does_not_reach_one(through: Way, lines: list[str]) -> None:
    head = "\r\n".join([lines[0], f"Host: {PLAIN}", *lines[1:], "Connection: close"])
    answer = await raw(through.border.http_port, head.encode() + b"\r\n\r\n")
    assert b"X-Vibedom-Reason: malformed" in answer
    assert through.plain.arrived == []
    assert [r.reason for r in through.border.records("request")] == ["malformed"]


@pytest.mark.parametrize(
    ("addresses", "reason"),
    [
        (["127.0.0.1"], "address-not-public"),
        (["169.254.169.254"], "address-not-public"),
        (["10.0.0.7"], "address-not-public"),
        (["::ffff:127.0.0.1"], "address-not-public"),
        (["fe80::1%eth0"], "address-not-public"),
        (["93.184.216.34", "127.0.0.1"], "address-not-public"),
        ([], "name-not-resolved"),
    ],
)
async def test_a_listed_name_that_leads_inside_is_not_dialled(
    tmp_path: Path, addresses: list[str], reason: str
) -> None:
    from tests.support.border import running_border

    with socket.create_server(("127.0.0.1", 0)) as inside:
        port = inside.getsockname()[1]
        inside.setblocking(False)
        domains = f"rebound.test:{port}"
        async with running_border(tmp_path, domains=domains, lookup=lambda host, _: addresses) as border:
            answer = await curl("--proxy", border.proxy_url, f"http://rebound.test:{port}/")
            with pytest.raises(BlockingIOError):
                inside.accept()
        assert b"vibedom refused" in answer.body
        assert [r.reason for r in border.records("response")] == [reason]


async def test_a_name_that_leads_inside_the_next_time_is_looked_up_and_checked_again(tmp_path: Path) -> None:
    from tests.support.border import running_border
    from tests.support.origin import origin

    answers = [["127.0.0.2"], ["127.0.0.1"]]
    async with origin(host="127.0.0.2") as first:
        with socket.create_server(("127.0.0.1", first.port)) as inside:
            inside.setblocking(False)
            policy = f'[[hosts]]\npattern = "rebound.test:{first.port}"\naddresses = ["127.0.0.2/32"]\n'
            async with running_border(tmp_path, policy=policy, lookup=lambda host, _: answers.pop(0)) as border:
                for _ in range(2):
                    await curl("--proxy", border.proxy_url, f"http://rebound.test:{first.port}/")
            with pytest.raises(BlockingIOError):
                inside.accept()
        assert len(first.arrived) == 1
    assert answers == [], "one look-up for each connection"
    assert [r.reason for r in border.records("response")] == ["listed", "address-not-public"]


async def test_an_upstream_that_fails_is_a_502_with_host_and_cause_and_nothing_internal(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    more = f'[[hosts]]\npattern = "down.test"\ndial = "127.0.0.1:{port}"\n'
    async with way(tmp_path, more=more) as through:
        more_answer = await through.explicit("http://down.test/", "-i")
        assert b"502" in more_answer.body
        assert b"vibedom refused down.test:80: it refused the connection" in more_answer.body
        assert str(port).encode() not in more_answer.body


async def test_an_upstream_with_a_foreign_certificate_is_not_talked_to(tmp_path: Path) -> None:
    from tests.support.border import running_border
    from tests.support.origin import origin

    async with origin(names=(HOST,)) as secure:
        policy = f'[[hosts]]\npattern = "{HOST}"\ndial = "127.0.0.1:{secure.port}"\n'
        async with running_border(tmp_path, policy=policy) as border:
            arguments = ("--connect-to", f"::127.0.0.1:{border.https_port}", "--cacert", str(border.ca_file))
            answer = await curl(*arguments, f"https://{HOST}/", "-i")
            assert b"certificate is not trusted" in answer.body
        assert secure.arrived == []


async def test_nothing_passes_once_the_audit_log_cannot_be_written(through: Way) -> None:
    assert (await through.explicit(f"http://{PLAIN}/")).code == 0
    through.border.sink.is_broken = True
    for _ in range(3):
        answer = await through.explicit(f"http://{PLAIN}/", "-i")
        assert b" 503" in answer.body
    assert len(through.plain.arrived) == 1


async def test_the_selftest_is_answered_by_the_session_on_the_explicit_proxy_only(through: Way) -> None:
    assert (await through.explicit("http://vibedom.invalid/selftest")).body == b"test"
    answer = await through.transparent("http://vibedom.invalid/selftest")
    assert b"vibedom refused" in answer.body


async def test_a_stranger_on_this_machine_cannot_use_the_proxy(through: Way) -> None:
    through.border.listeners.peers = frozenset({"127.0.0.9"})
    answer = await through.explicit(f"http://{PLAIN}/")
    assert answer.code in (52, 56)
    assert through.plain.arrived == []
