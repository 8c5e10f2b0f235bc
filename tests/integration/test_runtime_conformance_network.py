"""Every runtime closes the network the same way: the proxy and the resolver are all a sandbox can reach.

What is asserted is the far side: what the listeners received, and that a listener elsewhere on the host saw nothing.
"""

import contextlib
import json
import select
import socket
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from tests.integration import runtimes
from tests.integration.runtimes import Box, finish, locked, make_spec, read_until
from vibedom.attack.far_side import host_addresses

pytestmark = [pytest.mark.anyio, pytest.mark.engine, pytest.mark.attack]


@pytest.fixture(params=sorted(runtimes.RUNTIMES))
async def box(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Box]:
    """A locked sandbox in which an idle main process runs; needs python3 and curl inside."""
    runtime = await runtimes.runtime_or_skip(request.param, tmp_path / "state")
    async with locked(runtime, make_spec(tmp_path)) as found:
        await found.idle()
        assert (await found.sh("command -v python3 && command -v curl")).code == 0
        found.border.forget()
        yield found
    await runtime.aclose()


@contextlib.contextmanager
def baits() -> Iterator[list[socket.socket]]:
    """TCP and UDP sockets of the host on all its addresses, which must not hear anything."""
    with contextlib.ExitStack() as stack:
        found = []
        for family, address in ((socket.AF_INET, "0.0.0.0"), (socket.AF_INET6, "::")):
            for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM):
                one = stack.enter_context(socket.socket(family, kind))
                if family == socket.AF_INET6:
                    one.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
                one.bind((address, 0))
                if kind == socket.SOCK_STREAM:
                    one.listen()
                found.append(one)
        yield found
        heard = select.select(found, [], [], 0.2)[0]
        assert heard == []


CONNECT = """
import json, socket, sys, time
answers = []
for family, kind, host, port in json.loads(sys.argv[1]):
    begin = time.monotonic()
    try:
        with socket.socket(getattr(socket, family), getattr(socket, kind)) as s:
            s.settimeout(3)
            s.connect((host, port))
            s.send(b"out")
            answer = "sent" if kind == "SOCK_DGRAM" else "connected"
            if kind == "SOCK_DGRAM":
                s.recv(1)
    except OSError as exc:
        answer = type(exc).__name__
    answers.append([host, port, answer, time.monotonic() - begin])
print(json.dumps(answers))
"""


async def attempts(box: Box, targets: list[tuple[str, str, str, int]]) -> list[tuple[str, int, str, float]]:
    """Try each (family, kind, host, port) from inside: what happened, and after how many seconds."""
    outcome = await finish(await box.exec("python3", "-c", CONNECT, json.dumps(targets)))
    assert outcome.code == 0, outcome.err
    return [tuple(answer) for answer in json.loads(outcome.out)]


async def test_clients_that_know_the_proxy_arrive_there(box: Box) -> None:
    outcome = await box.sh("curl -sS http://example.test/path?q=1")
    assert outcome.out == "through the proxy"
    assert box.border.requests[0].startswith(b"GET http://example.test/path?q=1 HTTP/1.1\r\n")
    peers = box.sandbox.listeners.peers
    assert peers is None or box.border.peers <= peers


async def test_clients_that_do_not_know_it_are_caught_all_the_same(box: Box) -> None:
    outcome = await box.sh("env -i curl -sS http://198.18.0.1/x; env -i curl -sSk https://93.184.215.14/y")
    assert outcome.out == "caught"
    assert box.border.http[0].startswith(b"GET /x HTTP/1.1\r\nHost: 198.18.0.1\r\n")
    assert box.border.https[0][:2] == b"\x16\x03"
    assert box.border.requests == []


@pytest.mark.parametrize("kind", ["SOCK_DGRAM", "SOCK_STREAM"])
async def test_every_dns_question_arrives_at_the_resolver_whoever_is_asked(box: Box, kind: str) -> None:
    script = (
        "import socket,sys\n"
        "q=b'\\x12\\x34\\x01\\0\\0\\x01\\0\\0\\0\\0\\0\\0\\x06secret\\x04test\\0\\0\\x10\\0\\x01'\n"
        "s=socket.socket(socket.AF_INET,getattr(socket,sys.argv[1])); s.settimeout(5); s.connect(('8.8.8.8',53))\n"
        "s.send(q if sys.argv[1]=='SOCK_DGRAM' else len(q).to_bytes(2,'big')+q)\n"
        "a=s.recv(600) if sys.argv[1]=='SOCK_DGRAM' else s.makefile('rb').read()[2:]\n"
        "print(a[3]&15)\n"
    )
    outcome = await finish(await box.exec("python3", "-c", script, kind))
    assert outcome.out == "5\n", outcome.err
    assert b"\x06secret\x04test" in box.border.questions[0]


async def test_names_are_asked_of_the_resolver_by_the_system_library(box: Box) -> None:
    outcome = await box.sh("env -i python3 -c 'import socket; socket.getaddrinfo(\"leak.example.test\", 443)'")
    assert outcome.code == 1
    assert any(b"\x04leak\x07example\x04test" in question for question in box.border.questions)


async def test_other_ports_of_public_addresses_are_refused_at_once(box: Box) -> None:
    targets = [
        (family, kind, host, port)
        for family, host in (("AF_INET", "1.1.1.1"), ("AF_INET", "169.254.169.254"), ("AF_INET6", "2606:4700::1111"))
        for kind, ports in (("SOCK_STREAM", (22, 25, 853, 8080)), ("SOCK_DGRAM", (123, 443, 51820)))
        for port in ports
    ]
    for host, port, answer, seconds in await attempts(box, targets):
        assert answer not in ("connected", "sent"), (host, port)
        assert answer != "TimeoutError", (host, port)
        assert seconds < 1, (host, port)


async def test_the_hosts_own_services_hear_nothing(box: Box) -> None:
    gateway = box.sandbox.listeners.proxy_url.removeprefix("http://").rpartition(":")[0]
    hosts = {*host_addresses(), gateway, "0.0.0.0", "172.17.0.1"}
    with baits() as (tcp, udp, tcp6, udp6):
        targets = [
            (family, kind, host, bait.getsockname()[1])
            for family, addresses, pair in (
                ("AF_INET", sorted(hosts), (tcp, udp)),
                ("AF_INET6", ["::1", "::", "fe80::1", "::ffff:127.0.0.1"], (tcp6, udp6)),
            )
            for host in addresses
            for kind, bait in zip(("SOCK_STREAM", "SOCK_DGRAM"), pair, strict=True)
        ]
        for host, port, answer, _ in await attempts(box, targets):
            assert answer not in ("connected", "sent"), (host, port)


async def test_raw_and_packet_sockets_are_not_to_be_had(box: Box) -> None:
    script = (
        "import socket\n"
        "for family, kind, protocol in ((socket.AF_INET, socket.SOCK_RAW, 1), (socket.AF_INET6, socket.SOCK_RAW, 58),"
        " (socket.AF_PACKET, socket.SOCK_RAW, 3), (socket.AF_INET, socket.SOCK_RAW, 255)):\n"
        "    try: socket.socket(family, kind, protocol); print('open')\n"
        "    except PermissionError: print('refused')\n"
        "    except OSError: print('refused')\n"
    )
    assert (await finish(await box.exec("python3", "-c", script))).out == "refused\n" * 4


async def test_the_agent_cannot_change_the_rules_or_the_interfaces(box: Box) -> None:
    script = (
        "for c in 'iptables -F' 'ip6tables -F' 'iptables -P OUTPUT ACCEPT' 'nft flush ruleset' 'sudo -n true'"
        " 'ip link add d type dummy' 'ip route del default' 'ip addr add 10.9.9.9/32 dev lo' 'nsenter -t 1 -n true';"
        ' do PATH=$PATH:/usr/sbin:/sbin $c >/dev/null 2>&1 && echo "$c works"; done; echo end'
    )
    assert (await box.sh(script)).out == "end\n"
    await test_other_ports_of_public_addresses_are_refused_at_once(box)


async def test_localhost_is_the_sandboxs_own(box: Box) -> None:
    server = await box.exec("python3", "-u", "-m", "http.server", "8000", working_directory="/work")
    await read_until(server, "Serving HTTP")
    outcome = await box.sh("curl -sS http://localhost:8000/readme.txt; curl -sS http://127.0.0.1:8000/readme.txt")
    assert outcome.out == "the project\nthe project\n", outcome.err
    assert (box.border.requests, box.border.http) == ([], [])
