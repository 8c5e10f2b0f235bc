"""What the tests of the resolver ask it with, and what it recorded."""

import socket
import struct

import anyio
import anyio.to_thread
import dns.asyncquery
import dns.edns
import dns.flags
import dns.message
import dns.name
import dns.opcode
import dns.rcode
import dns.rdataclass
import dns.rdatatype
import dns.rrset

from pipeline.events import Record
from tests.support.border import Running

LISTED, UNLISTED = "good.test", "evil.test"
HEADER = struct.Struct("!6H")
QUESTION = b"\x04good\x04test\x00\x00\x01\x00\x01"


def udp_port(border: Running) -> int:
    return border.port(border.listeners.dns_udp[0])


def tcp_port(border: Running) -> int:
    return border.port(border.listeners.dns_tcp[0])


async def ask(border: Running, query: dns.message.Message) -> dns.message.Message:
    return await dns.asyncquery.udp(query, "127.0.0.1", port=udp_port(border), timeout=10)


def asked(border: Running) -> list[tuple[str, str, str, str]]:
    return [(one.host, one.question, one.verdict, one.reason) for one in border.records("dns")]


async def send(border: Running, *datagrams: bytes) -> list[bytes]:
    """Datagrams from one socket, then a plain question; everything that comes back until that is answered."""
    last = dns.message.make_query(LISTED, "A", id=0xBEEF).to_wire()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.connect(("127.0.0.1", udp_port(border)))
        client.settimeout(10)
        for one in (*datagrams, last):
            client.send(one)
            await anyio.lowlevel.checkpoint()  # a socket's queue holds some two hundred
        back: list[bytes] = []
        while not back or back[-1][:2] != b"\xbe\xef":
            back.append(await anyio.to_thread.run_sync(client.recv, 65535))
    return back[:-1]


async def recorded(border: Running, reason: str, count: int) -> list[Record]:
    with anyio.fail_after(10):
        while len(found := [one for one in border.records("dns") if one.reason == reason]) < count:
            await anyio.lowlevel.checkpoint()
    return found
