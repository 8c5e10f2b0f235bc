"""Messages on a stream: four bytes of length, big-endian, then MessagePack."""

import asyncio

import msgspec

from vibedom.control.messages import MAX_MESSAGE_BYTES, VERSION, Envelope, Reply, Request, Said
from vibedom.errors import ControlError

_encoder = msgspec.msgpack.Encoder()
_envelope = msgspec.msgpack.Decoder(Envelope)
_request: msgspec.msgpack.Decoder[Request] = msgspec.msgpack.Decoder(Request)
_said: msgspec.msgpack.Decoder[Said] = msgspec.msgpack.Decoder(Said)
_reply: msgspec.msgpack.Decoder[Reply] = msgspec.msgpack.Decoder(Reply)


async def read_frame(reader: asyncio.StreamReader) -> bytes | None:
    """The bytes of one message, None where the other side hung up. Raises `ControlError` for one that is too long."""
    try:
        size = int.from_bytes(await reader.readexactly(4), "big")
        if size > MAX_MESSAGE_BYTES:
            raise ControlError(f"a control message of {size} bytes is too long; {MAX_MESSAGE_BYTES} is the most")
        return await reader.readexactly(size)
    except (asyncio.IncompleteReadError, OSError):
        return None


def write_frame(writer: asyncio.StreamWriter, message: object) -> None:
    """Queue one message; `drain` the writer afterwards. Raises `ControlError` for one that is too long."""
    data = _encoder.encode(message)
    if len(data) > MAX_MESSAGE_BYTES:
        raise ControlError(f"a control message of {len(data)} bytes is too long; {MAX_MESSAGE_BYTES} is the most")
    writer.write(len(data).to_bytes(4, "big") + data)


def envelope(request: Request) -> Envelope:
    return Envelope(version=VERSION, request=msgspec.Raw(_encoder.encode(request)))


def read_request(frame: bytes) -> Request:
    """Raises `ControlError` for another version and for what is no request of this one."""
    try:
        opened = _envelope.decode(frame)
    except msgspec.MsgspecError:
        raise ControlError("not a control message of vibedom") from None
    if opened.version != VERSION:
        raise ControlError(
            f"this session speaks version {VERSION} of the control protocol, not {opened.version}; "
            "use the vibedom that started it, or end it and start it again"
        )
    try:
        return _request.decode(opened.request)
    except msgspec.MsgspecError as exc:
        raise ControlError(f"not a control request that this session knows ({exc})") from None


def read_said(frame: bytes) -> Said:
    """Raises `ControlError`."""
    try:
        return _said.decode(frame)
    except msgspec.MsgspecError:
        raise ControlError("not a message of an attached client") from None


def read_reply(frame: bytes) -> Reply:
    """Raises `ControlError`."""
    try:
        return _reply.decode(frame)
    except msgspec.MsgspecError:
        raise ControlError("the session gave an answer that this vibedom does not know; use the same version") from None
