"""The sandbox's resolver: a whitelisted name gets one fixed address, everything else does not exist.

No question leaves the host, so there is no tunnel through names. The messages are read and written with dnspython, not
with mitmproxy's DNS mode: that can listen only on addresses of its own network namespace, and these sockets come from
the sandbox's.
"""

import asyncio
import socket
import time
import uuid
from collections.abc import Awaitable, Callable

import anyio
import dns.edns
import dns.exception
import dns.flags
import dns.message
import dns.name
import dns.opcode
import dns.rcode
import dns.rdataclass
import dns.rdatatype
import dns.rrset
from anyio.abc import TaskGroup, TaskStatus

from pipeline.events import Captured, Judged, Reason, Target
from pipeline.hosts import HostError, canonical_host
from vibedom.sandbox.runtime import Listeners

FIXED_ADDRESS = "198.18.0.1"
"""What every whitelisted name resolves to: an address of RFC 2544's range, which the lockdown leads to the proxy."""
TTL_SECONDS = 60
MAX_MESSAGE_BYTES = 4096
TCP_IDLE_SECONDS = 10.0
"""For one message to come whole, and for its answer to be taken; then the connection is cut."""
TCP_CONNECTIONS = 32
"""Open at the same time; more wait to be accepted. Each costs a descriptor of vibedom's own."""
QUESTIONS_PER_SECOND = 100.0
BURST = 400.0
ANSWERED_EMPTY = frozenset({dns.rdatatype.AAAA, dns.rdatatype.HTTPS, dns.rdatatype.SVCB})
"""Types clients ask for beside A: the name exists, this kind of record does not."""

Judge = Callable[[Captured], Awaitable[Judged]]


class Bucket:
    """A token bucket: what is over the rate gets no answer, so that questions can't flood the log."""

    def __init__(self, rate: float, burst: float) -> None:
        self._rate, self._burst = rate, burst
        self._tokens, self._at = burst, time.monotonic()

    def take(self) -> bool:
        """Whether one more may pass now."""
        now = time.monotonic()
        self._tokens = min(self._burst, self._tokens + (now - self._at) * self._rate)
        self._at = now
        if self._tokens < 1:
            return False
        self._tokens -= 1
        return True


class Resolver:
    """Answers the DNS questions of one sandbox, each judged and recorded."""

    def __init__(self, judge: Judge, *, idle_seconds: float = TCP_IDLE_SECONDS) -> None:
        self._judge = judge
        self._idle_seconds = idle_seconds
        self._bucket = Bucket(QUESTIONS_PER_SECOND, BURST)
        self._slots = anyio.Semaphore(TCP_CONNECTIONS)

    async def serve(self, listeners: Listeners, *, task_status: TaskStatus[None] = anyio.TASK_STATUS_IGNORED) -> None:
        """Serve until cancelled. The sockets stay the runtime's."""
        async with anyio.create_task_group() as group:
            for sock in listeners.dns_udp:
                sock.setblocking(False)
                group.start_soon(self._serve_udp, sock, listeners, group)
            for sock in listeners.dns_tcp:
                sock.setblocking(False)
                group.start_soon(self._serve_tcp, sock, listeners, group)
            task_status.started()

    async def answer(self, wire: bytes) -> bytes | None:
        """The answer to one message, or None where it deserves none (unreadable, or not a question)."""
        try:
            query = dns.message.from_wire(wire, ignore_trailing=True)
        except (dns.exception.DNSException, ValueError, IndexError):
            query = None
        if query is None or query.flags & dns.flags.QR:
            await self._judge(_captured("", None, "malformed"))
            return None
        response = dns.message.make_response(query, recursion_available=True, our_payload=MAX_MESSAGE_BYTES, pad=0)
        rcode = _protocol_error(query)
        if rcode is not None:
            # One record, however many questions it holds: a message of 64 KiB has room for ten thousand.
            first = next(iter(query.question), None)
            await self._judge(_captured(_host(first)[0] if first is not None else "", first, "malformed"))
            response.set_rcode(rcode)
            return response.to_wire()
        question = query.question[0]
        host, trouble = _host(question)
        judged = await self._judge(_captured(host, question, trouble))
        if judged.decision.verdict == "allow":
            if question.rdtype == dns.rdatatype.A:
                response.answer.append(dns.rrset.from_text(question.name, TTL_SECONDS, "IN", "A", FIXED_ADDRESS))
        else:
            # Not REFUSED: musl does not take that for an answer and waits for its timeout.
            response.set_rcode(dns.rcode.NXDOMAIN)
        return response.to_wire()

    async def _serve_udp(self, sock: socket.socket, listeners: Listeners, group: TaskGroup) -> None:
        loop = asyncio.get_running_loop()
        while True:
            try:
                wire, peer = await loop.sock_recvfrom(sock, MAX_MESSAGE_BYTES)
            except OSError:
                await anyio.sleep(0.05)
                continue
            if _is_peer(listeners, peer) and self._bucket.take():
                group.start_soon(self._answer_udp, sock, wire, peer)

    async def _answer_udp(self, sock: socket.socket, wire: bytes, peer: object) -> None:
        answer = await self.answer(wire)
        if answer is None:
            return
        try:
            await asyncio.get_running_loop().sock_sendto(sock, answer, peer)  # type: ignore[arg-type]
        except OSError:
            return  # the one who asked is gone

    async def _serve_tcp(self, sock: socket.socket, listeners: Listeners, group: TaskGroup) -> None:
        loop = asyncio.get_running_loop()
        while True:
            await self._slots.acquire()
            try:
                conn, peer = await loop.sock_accept(sock)
            except OSError:
                self._slots.release()
                await anyio.sleep(0.05)
                continue
            if _is_peer(listeners, peer):
                group.start_soon(self._answer_tcp, conn)
            else:
                conn.close()
                self._slots.release()

    async def _answer_tcp(self, conn: socket.socket) -> None:
        try:
            reader, writer = await asyncio.open_connection(sock=conn)
            await self._converse(reader, writer)
        except OSError:
            conn.close()
        finally:
            self._slots.release()

    async def _converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Messages with a two-byte length before each, until the client is done or slow."""
        try:
            while self._bucket.take():
                with anyio.fail_after(self._idle_seconds):
                    if not await self._exchange(reader, writer):
                        break
            with anyio.fail_after(self._idle_seconds):
                writer.close()
                await writer.wait_closed()
        except (asyncio.IncompleteReadError, OSError):  # a timeout is one, too
            pass
        finally:
            # A client that does not take its answers would keep a closed connection, and its descriptor, for ever.
            writer.transport.abort()

    async def _exchange(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        size = int.from_bytes(await reader.readexactly(2), "big")
        answer = await self.answer(await reader.readexactly(size))
        if answer is not None:
            writer.write(len(answer).to_bytes(2, "big") + answer)
            await writer.drain()
        return answer is not None


def _protocol_error(query: dns.message.Message) -> dns.rcode.Rcode | None:
    """How a message that is no plain question of today's protocol is answered."""
    if query.opcode() != dns.opcode.QUERY:
        return dns.rcode.NOTIMP
    if len(query.question) != 1:
        return dns.rcode.FORMERR
    return dns.rcode.BADVERS if query.edns > 0 else None


def _is_peer(listeners: Listeners, peer: tuple[object, ...]) -> bool:
    return listeners.peers is None or peer[0] in listeners.peers


def _host(question: dns.rrset.RRset) -> tuple[str, Reason | None]:
    """The canonical host a question is about, and why it is not one that can be answered."""
    try:
        host = canonical_host(question.name.to_text(omit_final_dot=True))
    except HostError:
        return "", "bad-host"
    if question.rdclass != dns.rdataclass.IN:
        return host, "dns-type"
    if question.rdtype != dns.rdatatype.A and question.rdtype not in ANSWERED_EMPTY:
        return host, "dns-type"
    return host, None


def _captured(host: str, question: dns.rrset.RRset | None, trouble: Reason | None) -> Captured:
    return Captured(
        flow_id=uuid.uuid4().hex,
        step="dns",
        at=time.time(),
        target=Target(scheme="dns", host=host, port=53),
        question=dns.rdatatype.to_text(question.rdtype) if question is not None else None,
        trouble=trouble,
    )
