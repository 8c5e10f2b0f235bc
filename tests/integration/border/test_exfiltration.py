"""Upload budgets and signals with real clients: what reaches the origin, what is recorded, which alert is written."""

import base64
import contextlib
import gzip
import json
import random
import subprocess
import zlib
from pathlib import Path

import anyio
import dns.asyncquery
import dns.message
import pytest
from aiohttp import ClientSession, web

from pipeline.events import Record, Signal
from sinks.alert_engine import AlertEngine
from sinks.alert_rules import DEFAULT_RULES
from sinks.alerts import AlertFile, AlertSink
from tests.integration.border.conftest import HOST, PLAIN, Way, policy_of, way
from tests.integration.border.test_ssh import HELLO, KEX, SERVER, far_side, read_to_end, recorded, tunnel
from tests.integration.border.test_ssh import HOST as SSH_HOST
from tests.integration.border.test_ssh import policy as ssh_policy
from tests.support.border import running_border
from tests.support.curl import curl
from tests.support.origin import origin
from vibedom.settings import compose

pytestmark = pytest.mark.anyio
NOISE = random.Random(6).randbytes(300_000)
LIMIT = 200_000
BUDGET = f'[[hosts]]\npattern = "{PLAIN}"\nmax_upload_bytes = {LIMIT}\n'
URL = f"http://{PLAIN}"


def denied(through: Way) -> list[Record]:
    return [record for record in through.border.sink.records if record.reason == "upload-budget"]


def signals(through: Way) -> set[Signal]:
    return {signal for record in through.border.sink.records for signal in record.signals}


async def test_the_request_that_would_pass_the_budget_is_refused_before_its_body_and_recorded(tmp_path: Path) -> None:
    body = tmp_path / "body.txt"
    body.write_bytes(b"some words, " * 10_000)
    async with way(tmp_path, more=BUDGET) as through:
        post = ("-X", "POST", "--data-binary", f"@{body}", "-o", "/dev/null", "-w", "%{http_code} %{size_upload}")
        first = await through.explicit(URL, *post)
        second = await through.explicit(URL, *post, "-H", "Expect: 100-continue")
        get = await through.explicit(URL, "-o", "/dev/null", "-w", "%{http_code}")
        other = await through.explicit(f"https://{HOST}", *post)
    assert first.body.split() == [b"200", b"120000"]
    assert second.body.split() == [b"403", b"0"]
    assert (get.body, other.body.split()[0]) == (b"200", b"200")
    assert sum(len(arrived.body) for arrived in through.plain.arrived) == 120_000
    (record,) = denied(through)
    assert (record.verdict, record.host, record.signals) == ("deny", PLAIN, ("upload-budget",))


async def test_a_reload_keeps_what_was_counted_and_streams_are_counted_after_it(tmp_path: Path) -> None:
    body = tmp_path / "body.txt"
    body.write_bytes(b"some words, " * 10_000)
    stream = ("-T", str(body), "-H", "Transfer-Encoding: chunked", "-H", "Expect:", "-o", "/dev/null")
    async with way(tmp_path, more=BUDGET) as through:
        first = await through.explicit(URL, *stream)
        policy = policy_of(through.secure, through.plain) + BUDGET
        through.border.border.reload(compose("", policy, config=tmp_path, clients=tuple))
        await through.explicit(URL, *stream)
        await through.recorded(lambda record: record.reason == "upload-budget")
    assert first.code == 0
    assert [len(arrived.body) for arrived in through.plain.arrived] == [120_000]


async def test_flows_at_the_same_time_do_not_pass_it_together(tmp_path: Path) -> None:
    async with way(tmp_path, more=BUDGET) as through, ClientSession() as client, anyio.create_task_group() as group:
        statuses: list[int] = []

        async def post() -> None:
            async with client.post(URL, data=b"w " * 15_000, proxy=through.border.proxy_url) as answer:
                statuses.append(answer.status)

        for _ in range(20):
            group.start_soon(post)
    assert sorted(statuses) == [200] * 6 + [403] * 14
    assert sum(len(arrived.body) for arrived in through.plain.arrived) == 180_000
    assert len(denied(through)) == 14


@pytest.mark.parametrize("kind", ["text/plain", "application/octet-stream"])
async def test_a_stream_is_cut_where_it_passes_the_budget(tmp_path: Path, kind: str) -> None:
    piece = (b"some words, " * 5000 if kind == "text/plain" else NOISE)[:50_000]
    async with far_side(b"") as far:
        policy = f'[[hosts]]\npattern = "{PLAIN}"\ndial = "127.0.0.1:{far.port}"\nmax_upload_bytes = {LIMIT}\n'
        async with running_border(tmp_path, policy=policy) as border:
            async with await anyio.connect_tcp("127.0.0.1", border.port(border.listeners.proxy)) as stream:
                head = f"POST {URL}/ HTTP/1.1\r\nHost: {PLAIN}\r\nContent-Type: {kind}\r\n"
                head += "Transfer-Encoding: chunked\r\n\r\n"
                await stream.send(head.encode() + b"%x\r\n%s\r\n" % (len(piece), piece))
                await far.until(40_000)
                with contextlib.suppress(anyio.BrokenResourceError):
                    for _ in range(40):
                        await stream.send(b"%x\r\n%s\r\n" % (len(piece), piece))
                await read_to_end(stream)
            cut = await recorded(border, lambda r: r.reason == "upload-budget")
    assert 40_000 <= payload_bytes(bytes(far.received)) <= LIMIT
    assert (cut.verdict, cut.host) == ("deny", PLAIN)
    assert "upload-budget" in cut.signals
    assert 40_000 <= cut.request_bytes <= LIMIT


async def test_a_compressed_stream_is_cut_for_the_budget_and_says_so(tmp_path: Path) -> None:
    """What comes after the cut finds a decoder that stopped half-way: that is not why it ended."""
    words = random.Random(1)
    packer = zlib.compressobj(wbits=31)

    def piece() -> bytes:
        text = " ".join("".join(words.choices("abcdefghij", k=6)) for _ in range(10_000)).encode()
        packed = packer.compress(text) + packer.flush(zlib.Z_SYNC_FLUSH)
        return b"%x\r\n%s\r\n" % (len(packed), packed)

    async with far_side(b"") as far:
        policy = f'[[hosts]]\npattern = "{PLAIN}"\ndial = "127.0.0.1:{far.port}"\nmax_upload_bytes = {LIMIT}\n'
        async with running_border(tmp_path, policy=policy) as border:
            async with await anyio.connect_tcp("127.0.0.1", border.port(border.listeners.proxy)) as stream:
                head = f"POST {URL}/ HTTP/1.1\r\nHost: {PLAIN}\r\nContent-Type: text/plain\r\n"
                head += "Content-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n\r\n"
                await stream.send(head.encode() + piece())
                with contextlib.suppress(anyio.BrokenResourceError):
                    for _ in range(20):
                        await stream.send(piece())
                await read_to_end(stream)
            cut = await recorded(border, lambda r: r.verdict == "deny")
    assert payload_bytes(bytes(far.received)) <= LIMIT
    assert (cut.reason, cut.host) == ("upload-budget", PLAIN)
    assert "upload-budget" in cut.signals


def payload_bytes(wire: bytes) -> int:
    """Of the chunks of a request: everything but head and framing."""
    _, _, rest = wire.partition(b"\r\n\r\n")
    total = 0
    while b"\r\n" in rest:
        size, _, rest = rest.partition(b"\r\n")
        length = int(size, 16)
        total += len(rest[:length])
        rest = rest[length + 2 :]
    return total


async def test_websocket_messages_beyond_the_budget_do_not_arrive(tmp_path: Path) -> None:
    heard: list[str] = []

    async def talk(request: web.Request) -> web.StreamResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        async for message in socket:
            heard.append(message.data)
            await socket.send_str("heard")
        return socket

    more = f'[[hosts]]\npattern = "{PLAIN}"\nmax_upload_bytes = 250\n'
    async with (
        way(tmp_path, talk, more=more) as through,
        ClientSession() as client,
        client.ws_connect(URL, proxy=through.border.proxy_url) as socket,
    ):
        for text in ("a " * 50, "b " * 50, "c " * 50, "d " * 20):
            await socket.send_str(text)
        for _ in range(3):
            assert (await socket.receive(timeout=10)).data == "heard"
    assert heard == ["a " * 50, "b " * 50, "d " * 20]
    assert [(record.kind, record.signals) for record in denied(through)] == [("message", ("upload-budget",))]


async def test_an_ssh_relay_is_cut_where_it_passes_the_budget(tmp_path: Path) -> None:
    async with far_side(SERVER) as far:
        policy = ssh_policy(far.port) + "max_upload_bytes = 20000\n"
        async with running_border(tmp_path, policy=policy) as border:
            async with tunnel(border, f"{SSH_HOST}:22") as (stream, _):
                await stream.send(HELLO + KEX)
                await far.until(len(HELLO + KEX))
                with contextlib.suppress(anyio.BrokenResourceError):
                    for _ in range(40):
                        await stream.send(b"\0\xff" * 500)
                await read_to_end(stream)
            end = await recorded(border, lambda r: r.reason == "upload-budget")
    assert (end.verdict, end.signals) == ("deny", ("upload-budget",))
    assert len(far.received) == end.request_bytes <= 20_000
    assert len(far.received) > 0


async def test_a_passthrough_connection_is_cut_where_it_passes_the_budget(tmp_path: Path) -> None:
    body = tmp_path / "body"
    body.write_bytes(NOISE)
    async with origin(names=(HOST,)) as secure:
        policy = (
            f'[[hosts]]\npattern = "{HOST}"\ndial = "127.0.0.1:{secure.port}"\npassthrough = true\n'
            "max_upload_bytes = 20000\n"
        )
        async with running_border(tmp_path, policy=policy) as border:
            to = ("--proxy", border.proxy_url, "--cacert", str(secure.ca_file), f"https://{HOST}/")
            small = await curl(*to, "-d", "few words")
            large = await curl(*to, "--data-binary", f"@{body}")
            end = await recorded(border, lambda r: r.reason == "upload-budget")
    assert small.body == b"few words"
    assert large.code != 0
    assert [arrived.body for arrived in secure.arrived] == [b"few words"]
    assert (end.verdict, end.host, end.signals) == ("deny", HOST, ("upload-budget",))
    assert end.request_bytes <= 20_000


async def test_signals_come_with_the_record_and_the_alerts_that_come_with_vibedom_fire(tmp_path: Path) -> None:
    body = tmp_path / "body"
    body.write_bytes(NOISE[:100_000])
    path = base64.urlsafe_b64encode(NOISE[:300]).decode()
    more = "[exfiltration]\nsession_bytes = { external = 150000 }\n"
    async with way(tmp_path, more=BUDGET + more) as through:
        upload = ("--data-binary", f"@{body}", "-o", "/dev/null", "-w", "%{http_code}")
        binary = ("-H", "Content-Type: application/octet-stream", *upload)
        assert (await through.explicit(f"https://{HOST}/{path}")).code == 0
        assert (await through.explicit(URL, *binary)).body == b"200"
        assert (
            await through.explicit(f"https://{HOST}/", "-T", str(body), "-H", "Transfer-Encoding: chunked")
        ).code == 0
        assert (await through.transparent(f"https://{HOST}/", *binary)).body == b"200"
        assert (await through.explicit(URL, "-d", f"@{body}", *upload)).body == b"403"
        await ask(through, f"{NOISE[:30].hex()}.t.example.com")
        records = list(through.border.sink.records)
    found = {(record.kind, record.host, signal) for record in records for signal in record.signals}
    assert found == {
        ("request", HOST, "random-path"),
        ("request", PLAIN, "high-entropy-upload"),
        ("response", HOST, "high-entropy-upload"),
        ("request", HOST, "high-entropy-upload"),
        ("request", HOST, "unusual-volume"),
        ("request", PLAIN, "upload-budget"),
        ("dns", f"{NOISE[:30].hex()}.t.example.com", "random-name"),
    }
    engine = AlertEngine(session="s", rules=DEFAULT_RULES, min_severity="low", max_per_minute=60)
    sink = AlertSink("alerts", engine, AlertFile(tmp_path / "alerts.jsonl"))
    await sink.write(records)
    await sink.aclose()
    alerts = [json.loads(line) for line in (tmp_path / "alerts.jsonl").read_text().splitlines()]
    assert {(alert["name"], alert["severity"], alert["host"]) for alert in alerts} >= {
        ("upload budget used up", "high", PLAIN),
        ("data may be leaving through an allowed host", "medium", HOST),
        ("data may be leaving through an allowed host", "medium", PLAIN),
        ("names that look like encoded data", "medium", f"{NOISE[:30].hex()}.t.example.com"),
    }


async def ask(through: Way, name: str) -> None:
    port = through.border.port(through.border.listeners.dns_udp[0])
    await dns.asyncquery.udp(dns.message.make_query(name, "A"), "127.0.0.1", port=port, timeout=10)


async def test_a_session_of_an_ordinary_agent_gives_no_signal(tmp_path: Path) -> None:
    turn = json.dumps({"messages": [{"role": "user", "content": "Read the file and say what it does. " * 200}] * 500})
    image = json.dumps(
        {"content": [{"type": "image", "data": base64.b64encode(b"\x89PNG\r\n\x1a\n" + NOISE).decode()}]}
    )
    hexes = NOISE[:400].hex()
    (tmp_path / "turn").write_text(turn)
    (tmp_path / "image").write_text(image)
    (tmp_path / "turn.gz").write_bytes(gzip.compress(turn.encode()))
    as_json = ("-H", "Content-Type: application/json", "-o", "/dev/null", "-w", "%{http_code}", "--data-binary")
    async with way(tmp_path) as through:
        for name, *headers in (("turn",), ("image",), ("turn.gz", "-H", "Content-Encoding: gzip")):
            for scheme in (URL, f"https://{HOST}"):
                answer = await through.explicit(f"{scheme}/v1/messages", *headers, *as_json, f"@{tmp_path / name}")
                assert answer.body == b"200", name
        for path in (
            f"packages/ab/cd/{hexes[:60]}/some_package-1.2.3-py3-none-any.whl",
            "@scope%2fname/-/name-1.2.3.tgz",
            f"blob?X-Amz-Credential=a%2Fb&X-Amz-Security-Token={hexes}&X-Amz-Signature={hexes[:64]}",
        ):
            assert (await through.explicit(f"https://{HOST}/{path}")).code == 0
        await ask(through, HOST)
        assert len(turn) > 3_000_000
        assert signals(through) == set()


async def test_a_pack_that_is_pushed_gives_no_signal(tmp_path: Path) -> None:
    received = bytearray()

    async def git_like(request: web.Request) -> web.StreamResponse:
        received.extend(await request.read())
        return web.Response(content_type="application/x-git-receive-pack-result", body=b"000eunpack ok\n0000")

    pack = real_push(tmp_path)
    (tmp_path / "push").write_bytes(pack)
    async with way(tmp_path, git_like) as through:
        for framing in ((), ("-H", "Transfer-Encoding: chunked")):
            answer = await through.explicit(
                f"https://{HOST}/me/repo.git/git-receive-pack", *framing, "--data-binary", f"@{tmp_path / 'push'}",
                "-H", "Content-Type: application/x-git-receive-pack-request", "-o", "/dev/null", "-w", "%{http_code}",
            )  # fmt: skip
            assert answer.body == b"200"
        assert bytes(received) == pack * 2
        assert signals(through) == set()


def real_push(directory: Path) -> bytes:
    """What `git push` sends: commands, a flush, and a pack that git itself has made."""
    repository = directory / "repository"
    git = ["git", "-c", "user.name=a", "-c", "user.email=a@b.test", "-C", str(repository)]
    subprocess.run(["git", "init", "-q", str(repository)], check=True)
    (repository / "file").write_bytes(NOISE)
    subprocess.run([*git, "add", "."], check=True)
    subprocess.run([*git, "commit", "-qm", "x"], check=True)
    head = subprocess.run([*git, "rev-parse", "HEAD"], check=True, capture_output=True).stdout.strip()
    pack = subprocess.run(
        [*git, "pack-objects", "--revs", "--stdout", "-q"], input=head, check=True, capture_output=True
    )
    line = b"0" * 40 + b" " + head + b" refs/heads/main\0 report-status side-band-64k agent=git/2"
    return b"%04x%s0000%s" % (len(line) + 4, line, pack.stdout)
