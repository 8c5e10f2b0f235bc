"""The resolver on real sockets: what a client may send it instead of a question, and how fast, and how slowly."""

import random
import socket
import struct
import time
from collections.abc import AsyncIterator
from pathlib import Path

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
import pytest

from pipeline.events import Captured, Judged
from tests.integration.border.resolver_client import (
    HEADER,
    LISTED,
    QUESTION,
    UNLISTED,
    asked,
    recorded,
    send,
    tcp_port,
    udp_port,
)
from tests.support.border import Running, all_sockets, loopback_listeners, running_border
from vibedom.resolver import BURST, FIXED_ADDRESS, QUESTIONS_PER_SECOND, Resolver

pytestmark = pytest.mark.anyio


@pytest.fixture
async def border(tmp_path: Path) -> AsyncIterator[Running]:
    async with running_border(tmp_path, domains=f"{LISTED}\n*.wild.test\n") as made:
        yield made


@pytest.mark.parametrize("code", [one for one in range(16) if one != dns.opcode.QUERY])
async def test_messages_that_are_no_queries_are_not_implemented(border: Running, code: int) -> None:
    kind = b"\0\x06" if code == dns.opcode.UPDATE else b"\0\x01"
    wire = HEADER.pack(7, code << 11, 1, 0, 0, 0) + QUESTION[:-4] + kind + b"\0\x01"
    [answer] = await send(border, wire)
    assert answer[:2] == b"\0\x07"
    assert answer[3] & 0xF == dns.rcode.NOTIMP
    assert struct.unpack("!3H", answer[6:12]) == (0, 0, 0)
    assert [record.reason for record in border.records("dns")] == ["malformed", "listed"]


@pytest.mark.parametrize("count", [0, 2, 250])
async def test_a_message_holds_one_question_and_is_recorded_once(border: Running, count: int) -> None:
    [answer] = await send(border, HEADER.pack(7, 0x0100, count, 0, 0, 0) + QUESTION * count)
    assert answer[3] & 0xF == dns.rcode.FORMERR
    assert struct.unpack("!3H", answer[6:12]) == (0, 0, 0)
    first = (LISTED, "A") if count else ("", "")
    assert asked(border) == [(*first, "deny", "malformed"), (LISTED, "A", "allow", "listed")]


def malformed() -> list[bytes]:
    one = HEADER.pack(7, 0x0100, 1, 0, 0, 0)
    tail = b"\0\x01\0\x01"
    return [
        b"",
        b"\0",
        one[:11],
        one,
        one + QUESTION[:-1],
        one + b"\x3f" + b"a" * 10,
        one + b"\xc0\x0c" + tail,  # a pointer to itself
        one + b"\x01a\xc0\x0c" + tail,  # a loop with a label in it
        one + b"\xc0\x0e\xc0\x0c" + tail,  # two that point at each other
        one + b"\xc0\xff" + tail,  # forward, beyond the end
        one + b"\x80abc" + tail,  # a reserved kind of label
        HEADER.pack(7, 0x0100, 65535, 0, 0, 0) + QUESTION,
        HEADER.pack(7, 0x0100, 1, 9, 0, 0) + QUESTION,
        HEADER.pack(7, 0x0100, 1, 0, 0, 1) + QUESTION + b"\0\0\x29\x10\0\0\0\0\0\xff\xff",  # an option's length lies
        HEADER.pack(7, 0x8180, 1, 0, 0, 0) + QUESTION,  # an answer
        one + QUESTION[:-4] + b"\0" * 5000,
    ]


async def test_what_is_no_message_gets_no_answer_and_is_recorded(border: Running) -> None:
    packets = malformed()
    assert await send(border, *packets[:-1]) == []
    found = await recorded(border, "malformed", len(packets) - 1)
    assert {(one.verdict, one.host, one.question) for one in found} == {("deny", "", "")}


async def test_chains_of_pointers_cost_no_time(border: Running) -> None:
    chain = b"".join(struct.pack("!H", 0xC000 | max(12, 10 + 2 * number)) for number in range(1, 2000))
    wire = HEADER.pack(7, 0x0100, 400, 0, 0, 0) + b"\0\0\x01\0\x01" + chain
    before = time.process_time()
    await send(border, *[wire[:4096]] * 20)
    assert time.process_time() - before < 5


async def test_messages_with_random_changes_leave_the_resolver_answering(border: Running) -> None:
    chance = random.Random(6)
    query = bytearray(dns.message.make_query(LISTED, "TXT", use_edns=0).to_wire())
    packets = []
    for _ in range(300):
        changed = bytearray(query)
        for place in chance.choices(range(2, len(query)), k=chance.randint(1, 4)):
            changed[place] = chance.choice([0, 1, 12, 41, 0xC0, 0xFF, chance.randrange(256)])
        packets.append(bytes(changed[: chance.randint(1, len(changed))]) if chance.random() < 0.3 else bytes(changed))
    answers = await send(border, *packets)
    found = {one.to_text() for wire in answers for rrset in dns.message.from_wire(wire).answer for one in rrset}
    assert found <= {FIXED_ADDRESS}  # some became questions for an address


async def test_a_flood_of_questions_is_answered_and_recorded_at_the_rate_that_is_allowed(border: Running) -> None:
    query = dns.message.make_query(UNLISTED, "A").to_wire()
    start = time.monotonic()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.connect(("127.0.0.1", udp_port(border)))
        for _ in range(int(BURST) * 5):
            client.send(query)
            await anyio.lowlevel.checkpoint()
    await recorded(border, "not-listed", int(BURST) // 2)
    with anyio.fail_after(20):
        while True:  # silence is the answer to too many; then it goes on
            try:
                await dns.asyncquery.udp(
                    dns.message.make_query(LISTED, "A"), "127.0.0.1", port=udp_port(border), timeout=0.5
                )
                break
            except dns.exception.Timeout:
                continue
    elapsed = time.monotonic() - start
    assert len(border.records("dns")) <= BURST + QUESTIONS_PER_SECOND * elapsed + 1


def framed(*messages: bytes) -> bytes:
    return b"".join(len(one).to_bytes(2, "big") + one for one in messages)


async def test_questions_on_one_connection_are_answered_in_their_order(border: Running) -> None:
    queries = [dns.message.make_query(name, "A", id=number) for number, name in enumerate([LISTED, UNLISTED] * 20)]
    async with await anyio.connect_tcp("127.0.0.1", tcp_port(border)) as stream:
        await stream.send(framed(*(one.to_wire() for one in queries)))
        await stream.send_eof()
        received = b"".join([data async for data in stream])
    answers = []
    while received:
        size = int.from_bytes(received[:2], "big")
        answers.append(dns.message.from_wire(received[2 : 2 + size]))
        received = received[2 + size :]
    assert [one.id for one in answers] == list(range(40))
    assert [bool(one.answer) for one in answers] == [True, False] * 20


async def test_a_question_that_comes_byte_by_byte_is_answered(border: Running) -> None:
    async with await anyio.connect_tcp("127.0.0.1", tcp_port(border)) as stream:
        for byte in framed(dns.message.make_query(LISTED, "A").to_wire()):
            await stream.send(bytes([byte]))
            await anyio.lowlevel.checkpoint()
        with anyio.fail_after(10):
            answer = await stream.receive()
    assert dns.message.from_wire(answer[2:]).answer[0][0].to_text() == FIXED_ADDRESS


@pytest.mark.parametrize("first", [b"\0\0", b"\xff\xff" + bytes(65535), framed(b"x"), b"\0\x1d" + bytes(10)])
async def test_a_connection_that_sends_no_message_is_closed_and_others_are_served(
    border: Running, first: bytes
) -> None:
    async with await anyio.connect_tcp("127.0.0.1", tcp_port(border)) as stream:
        await stream.send(first)
        await stream.send_eof()
        with anyio.fail_after(10):
            received = b"".join([data async for data in stream])
    assert received == b"" or received[5] & 0xF == dns.rcode.FORMERR  # 64 KiB of zeros: a message without a question
    answer = await dns.asyncquery.tcp(
        dns.message.make_query(LISTED, "A"), "127.0.0.1", port=tcp_port(border), timeout=10
    )
    assert len(answer.answer) == 1


async def refuse(captured: Captured) -> Judged:
    raise AssertionError(captured)


@pytest.mark.parametrize("sent", [b"", b"\0", b"\0\x20abc", framed(QUESTION)[:-1]])
async def test_a_client_that_stalls_is_cut(sent: bytes) -> None:
    listeners = loopback_listeners()
    async with anyio.create_task_group() as group:
        await group.start(Resolver(refuse, idle_seconds=0.3).serve, listeners)
        async with await anyio.connect_tcp(*listeners.dns_tcp[0].getsockname()) as stream:
            if sent:
                await stream.send(sent)
            with anyio.fail_after(10), pytest.raises((anyio.EndOfStream, anyio.BrokenResourceError)):
                await stream.receive()
        group.cancel_scope.cancel()
    for sock in all_sockets(listeners):
        sock.close()


async def test_a_client_that_does_not_take_its_answers_is_cut(border: Running) -> None:
    listeners = loopback_listeners()
    listeners.dns_tcp[0].setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1)
    long = ".".join(["a" * 63, "b" * 63, "c" * 63, "d" * 60])
    async with anyio.create_task_group() as group:
        await group.start(Resolver(border.border.topology.judge, idle_seconds=0.3).serve, listeners)
        with socket.socket() as client:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1)
            client.connect(listeners.dns_tcp[0].getsockname())
            client.setblocking(False)
            questions = memoryview(framed(dns.message.make_query(long, "A").to_wire()) * int(BURST))
            with anyio.fail_after(20), pytest.raises((ConnectionResetError, BrokenPipeError)):
                await push_for_ever(client, questions)
        group.cancel_scope.cancel()
    assert 0 < len(border.records("dns")) < BURST
    for sock in all_sockets(listeners):
        sock.close()


async def push_for_ever(client: socket.socket, data: memoryview) -> None:
    """Send what fits, without ever reading, and single bytes where all of it is gone."""
    while True:
        await anyio.lowlevel.checkpoint()
        try:
            data = data[client.send(data or b"\0") :]
        except BlockingIOError:
            continue
