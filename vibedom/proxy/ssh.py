"""SSH through the explicit proxy's CONNECT: to hosts whose policy entry says so, and only if both sides speak SSH."""

import re
from collections.abc import Awaitable, Callable

from mitmproxy.proxy import events, layer
from mitmproxy.tcp import TCPFlow

from pipeline.events import Reason, Target
from vibedom.proxy.layers import RefusingLayer
from vibedom.proxy.relaying import RelayLayer

IDENTIFICATION = b"SSH-2.0-"
MAX_LINE_BYTES = 255
"""Of an identification, its CR LF included (RFC 4253, section 4.2)."""
MAX_PACKET_BYTES = 256 * 1024
_LINE = re.compile(rb"SSH-2\.0-[\x20-\x7e]+\r?\n")
_HEADER_BYTES = 6
_FIRST_MESSAGES = frozenset((1, 2, 3, 4, 20))
"""What a first packet may be: KEXINIT, or one of the messages that are always allowed (disconnect, ignore, ...)."""


class NotSshError(Exception):
    """A side says something that no SSH implementation says."""


class Opening:
    """One direction up to its first packet: an identification, then the packet that begins a key exchange."""

    def __init__(self) -> None:
        self._held = b""
        self._is_identified = False
        self._is_open = False

    def take(self, data: bytes) -> bytes:
        """The bytes that may be passed on after `data` has come. Raises `NotSshError`; then nothing more may pass."""
        if self._is_open:
            return data
        self._held += data
        line = b"" if self._is_identified else self._identification()
        if self._is_identified:
            return line + self._packet()
        return b""

    def _identification(self) -> bytes:
        """The whole identification once it is there. Lines before it, which RFC 4253 lets a server send, are refused:
        they may be anything."""
        end = self._held.find(b"\n", 0, MAX_LINE_BYTES) + 1
        line, is_whole = (self._held[:end], True) if end else (self._held, False)
        if not IDENTIFICATION.startswith(line[: len(IDENTIFICATION)]) or len(line) >= MAX_LINE_BYTES:
            raise NotSshError
        if not is_whole:
            return b""
        if not _LINE.fullmatch(line):
            raise NotSshError
        self._held = self._held[end:]
        self._is_identified = True
        return line

    def _packet(self) -> bytes:
        """Whatever follows the identification, once its beginning is a packet's."""
        if len(self._held) < _HEADER_BYTES:
            return b""
        length, padding, message = int.from_bytes(self._held[:4]), self._held[4], self._held[5]
        if not (4 <= padding < length <= MAX_PACKET_BYTES) or message not in _FIRST_MESSAGES:
            raise NotSshError
        passed, self._held, self._is_open = self._held, b"", True
        return passed


class SshLayer(RelayLayer):
    """Relays a connection whose two sides begin as SSH does, and cuts every other."""

    def __init__(self, next_layer: layer.NextLayer, target: Target) -> None:
        super().__init__(next_layer, target)
        self._openings = {True: Opening(), False: Opening()}

    def relay_messages(self, event: events.Event) -> layer.CommandGenerator[None]:
        if not isinstance(event, events.DataReceived):
            yield from super().relay_messages(event)
            return
        try:
            passed = self._openings[event.connection is self.context.client].take(event.data)
        except NotSshError:
            yield from self.cut("non-http")
            return
        if passed:
            yield from super().relay_messages(events.DataReceived(event.connection, passed))


async def choose_ssh(
    next_layer: layer.NextLayer,
    tunnel: tuple[str, int],
    is_allowed: Callable[[TCPFlow, Target], Awaitable[bool]],
    *,
    refused: Callable[[Reason], None],
) -> None:
    """Decide about a tunnel to a port of SSH. Leaves the choice open until there are bytes to choose by."""
    context, began = next_layer.context, next_layer.data_client()  # type: ignore[no-untyped-call]
    if not IDENTIFICATION.startswith(began[: len(IDENTIFICATION)]):
        refused("non-http")
        next_layer.layer = RefusingLayer(context)
    elif len(began) >= len(IDENTIFICATION):
        host, port = tunnel
        target = Target(scheme="tcp", host=host, port=port, tunnel=f"{host}:{port}")
        relaying = SshLayer(next_layer, target)
        assert relaying.flow is not None  # noqa: S101
        next_layer.layer = relaying if await is_allowed(relaying.flow, target) else RefusingLayer(context)
