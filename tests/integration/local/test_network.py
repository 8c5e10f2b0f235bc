"""Every address leads to the supervisor's listeners, which know what was asked for."""

import asyncio
from pathlib import Path

import anyio
import pytest

from tests.integration.runtimes import Box, finish, locked, make_spec
from vibedom.sandbox.local import LocalRuntime

pytestmark = [pytest.mark.anyio]

CONNECT = """
import socket, sys
for port in (80, 443):
    with socket.create_connection((sys.argv[1], port), 5) as s:
        s.sendall(b"who\\r\\n\\r\\n")
        print(s.recv(100).decode())
"""


async def tell_destination(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Answer with the address the sandbox believes it talks to."""
    await reader.readuntil(b"\r\n\r\n")
    host, port, *_ = writer.get_extra_info("sockname")
    writer.write(f"{host} {port}".encode())
    await writer.drain()
    writer.close()


@pytest.mark.parametrize("host", ["93.184.216.34", "198.18.0.1", "10.0.0.1", "127.0.0.53", "2001:db8::77", "::1"])
async def test_an_accepted_connection_knows_its_original_destination(
    runtime: LocalRuntime, tmp_path: Path, host: str
) -> None:
    async with locked(runtime, make_spec(tmp_path)) as box:
        listeners = box.sandbox.listeners
        copies = [bound.dup() for bound in (*listeners.http, *listeners.https)]
        box.border.close()
        servers = [await asyncio.start_server(tell_destination, sock=copy) for copy in copies]
        outcome = await finish(await box.exec("python3", "-c", CONNECT, host))
        for server in servers:
            server.close()
    assert outcome.out.split("\n")[:2] == [f"{host} 80", f"{host} 443"], outcome.err


async def test_names_are_asked_at_127_0_0_1_and_at_any_other_address(box: Box) -> None:
    question = (
        "import socket,sys\n"
        "q=b'\\x12\\x34\\x01\\0\\0\\x01\\0\\0\\0\\0\\0\\0\\x05local\\x04test\\0\\0\\x01\\0\\x01'\n"
        "for host in ('127.0.0.1', '127.0.0.53', '127.0.0.11', '8.8.8.8', '192.168.1.1', '::1'):\n"
        "    s=socket.socket(socket.AF_INET6 if ':' in host else socket.AF_INET, socket.SOCK_DGRAM)\n"
        "    s.settimeout(5); s.connect((host, 53)); s.send(q); print(s.recv(100)[3] & 15)\n"
    )
    with anyio.fail_after(20):
        outcome = await finish(await box.exec("python3", "-c", question))
    assert outcome.out.split() == ["5"] * 6, outcome.err


async def test_the_only_interface_is_lo_and_the_only_routes_lead_to_it(box: Box) -> None:
    outcome = await box.sh("tail -n +3 /proc/net/dev | cut -d: -f1; tail -n +2 /proc/net/route; cat /proc/net/fib_trie")
    assert outcome.out.split()[0] == "lo"
    assert set(outcome.out.split()) & {"eth0", "docker0", "UNICAST"} == set()


async def test_a_tls_client_without_any_variable_trusts_the_sessions_ca(box: Box) -> None:
    """The directory of hashed names is what OpenSSL reads where neither a variable nor a file says otherwise."""
    script = (
        "cmp /etc/ssl/certs/ca-certificates.crt /etc/vibedom/ca-bundle.pem && "
        "env -i openssl verify -no-CAfile -CApath /etc/ssl/certs /etc/vibedom/ca.pem"
    )
    outcome = await box.sh(script)
    assert outcome.out == "/etc/vibedom/ca.pem: OK\n", outcome.err
