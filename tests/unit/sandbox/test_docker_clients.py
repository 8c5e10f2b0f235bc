"""docker_caller and docker_client: what an engine answers, refuses, leaves unsaid or breaks off, in both the same."""

import json
import os
import socket
import threading
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import anyio
import anyio.to_thread
import pytest

from vibedom.errors import RuntimeUnavailableError, SandboxError
from vibedom.sandbox.docker_caller import Caller
from vibedom.sandbox.docker_client import EngineClient
from vibedom.sandbox.docker_endpoint import Endpoint
from vibedom.sandbox.docker_http import MissingError, RefusalError
from vibedom.sandbox.docker_stream import STDERR, STDOUT

pytestmark = pytest.mark.anyio

Call = Callable[..., Awaitable[Any]]
VERSION = b'HTTP/1.0 200 OK\r\n\r\n{"ApiVersion": "1.41"}'


class Engine:
    """A socket that answers with given bytes, and keeps what it was asked."""

    def __init__(self, path: Path) -> None:
        self.endpoint = Endpoint(url=f"unix://{path}", source="default socket")
        self.answers: dict[str, bytes] = {"/version": VERSION}
        """Path without the version -> the answer; without one the connection is kept and nothing said."""
        self.asked: list[bytes] = []
        self.held: list[socket.socket] = []
        self.is_held = threading.Event()
        self._server = socket.socket(socket.AF_UNIX)
        self._server.bind(str(path))
        self._server.listen()
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()

    def _serve(self) -> None:
        while True:
            try:
                connection = self._server.accept()[0]
            except OSError:
                return
            asked = b""
            while b"\r\n\r\n" not in asked:
                asked += connection.recv(65536)
            self.asked.append(asked)
            path = asked.split(b" ")[1].decode().removeprefix("/v1.41").partition("?")[0]
            if path in self.answers:
                connection.sendall(self.answers[path])
                connection.close()
            else:
                self.held.append(connection)
                self.is_held.set()

    def close(self) -> None:
        self._server.shutdown(socket.SHUT_RDWR)
        self._thread.join()
        for one in (self._server, *self.held):
            one.close()


@pytest.fixture
def engine() -> Iterator[Engine]:
    path = Path(f"/tmp/vd-engine-{os.getpid()}.sock")
    made = Engine(path)
    yield made
    made.close()
    path.unlink()


@pytest.fixture(params=["in a thread", "in the event loop"])
async def call(request: pytest.FixtureRequest, engine: Engine) -> Call:
    """One client's `call`, that has greeted the engine."""
    if request.param == "in the event loop":
        client = EngineClient(engine.endpoint)
        await client.greet()
        return client.call
    caller = Caller(engine.endpoint)
    caller.greet()

    async def in_thread(*arguments: Any, **named: Any) -> Any:
        return await anyio.to_thread.run_sync(lambda: caller.call(*arguments, **named))

    return in_thread


def answer(status: str, content: bytes) -> bytes:
    return f"HTTP/1.0 {status}\r\nContent-Type: application/json\r\n\r\n".encode() + content


async def test_an_answer_is_decoded_and_the_engines_own_version_is_spoken(engine: Engine, call: Call) -> None:
    engine.answers["/containers/create"] = answer("201 Created", b'{"Id": "abc"}')
    assert await call("make it", "POST", "/containers/create", {"Image": "x"}, name="a b") == {"Id": "abc"}
    head, _, body = engine.asked[-1].partition(b"\r\n\r\n")
    assert head.startswith(b"POST /v1.41/containers/create?name=a+b HTTP/1.0\r\n")
    assert json.loads(body) == {"Image": "x"}


async def test_no_content_is_none(engine: Engine, call: Call) -> None:
    engine.answers["/containers/x/start"] = b"HTTP/1.0 204 No Content\r\n\r\n"
    assert await call("start it", "POST", "/containers/x/start") is None


async def test_a_refusal_is_one_line_with_its_status(engine: Engine, call: Call) -> None:
    engine.answers["/x"] = answer("500 Error", json.dumps({"message": "first\nsecond \x1b[31m" + "x" * 999}).encode())
    with pytest.raises(RefusalError) as caught:
        await call("do it", "GET", "/x")
    assert str(caught.value).startswith("the engine could not do it: first second [31mx")
    assert len(str(caught.value)) < 400
    assert caught.value.status == 500


@pytest.mark.parametrize(
    ("status", "message", "kind"),
    [
        ("404 Not Found", "no such thing", MissingError),
        ("409 Conflict", "removal of x is already in progress", MissingError),
        ("409 Conflict", "volume is in use", RefusalError),
    ],
)
async def test_what_is_gone_or_going_is_missing(
    engine: Engine, call: Call, status: str, message: str, kind: type[RefusalError]
) -> None:
    engine.answers["/x"] = answer(status, json.dumps({"message": message}).encode())
    with pytest.raises(RefusalError, match=message) as caught:
        await call("remove it", "DELETE", "/x")
    assert type(caught.value) is kind


async def test_an_engine_that_says_nothing_is_given_up(call: Call) -> None:
    with anyio.fail_after(20), pytest.raises(SandboxError, match="did not do it within 1 s"):
        await call("do it", "GET", "/silent", seconds=1)


@pytest.mark.parametrize(
    "said", [b"", b"HTTP/1.0 20", b"nonsense\r\n\r\n", b'HTTP/1.0 200 OK\r\n\r\n{"Id": "ab'], ids=repr
)
async def test_an_answer_that_breaks_off_is_none(engine: Engine, call: Call, said: bytes) -> None:
    engine.answers["/x"] = said
    with pytest.raises(SandboxError, match="connection to the engine broke while it was to do it"):
        await call("do it", "GET", "/x")


async def test_where_no_engine_is_the_way_to_one_is_said(tmp_path: Path) -> None:
    with pytest.raises(RuntimeUnavailableError, match="name the engine with DOCKER_HOST"):
        await EngineClient(Endpoint(url=f"unix://{tmp_path}/no.sock", source="DOCKER_HOST")).greet()


async def test_an_abort_ends_listening_at_once_and_lets_nothing_follow(engine: Engine) -> None:
    caller = Caller(engine.endpoint)
    caller.greet()
    frame = b"\x01\x00\x00\x00\x00\x00\x00\x05hello"
    heard: list[bytes] = []
    reached = threading.Event()

    def listen() -> None:
        with caller.output("listen", "held", seconds=60) as wire:
            for data in wire.frames():
                heard.append(data)
                reached.set()

    thread = threading.Thread(target=listen)
    thread.start()
    with anyio.fail_after(20):
        await anyio.to_thread.run_sync(engine.is_held.wait)
    engine.held[0].sendall(b"HTTP/1.1 101 UPGRADED\r\n\r\n" + frame)
    assert await anyio.to_thread.run_sync(reached.wait, 20)
    caller.abort()
    thread.join(20)
    assert not thread.is_alive()
    assert heard == [b"hello"]
    with pytest.raises(SandboxError, match="ended before the engine was to start it"):
        caller.call("start it", "POST", "/containers/x/start")


async def test_outputs_come_apart_and_a_terminals_come_as_they_are(engine: Engine) -> None:
    client = EngineClient(engine.endpoint)
    await client.greet()
    frames = b"\x01\x00\x00\x00\x00\x00\x00\x03out\x02\x00\x00\x00\x00\x00\x00\x03err"
    for path in ("/containers/x/attach", "/containers/tty/attach"):
        engine.answers[path] = b"HTTP/1.1 101 UPGRADED\r\nUpgrade: tcp\r\n\r\n" + frames
    attached = await client.attach("attach", "/containers/x/attach", tty=False)
    assert [await attached.read(STDOUT), await attached.read(STDERR), await attached.read(STDOUT)] == [
        b"out",
        b"err",
        None,
    ]
    attached = await client.attach("attach", "/containers/tty/attach", tty=True)
    seen = b""
    while (data := await attached.read(STDOUT)) is not None:
        seen += data
    assert seen == frames


async def test_an_attach_that_is_refused_is_an_error(engine: Engine) -> None:
    client = EngineClient(engine.endpoint)
    await client.greet()
    engine.answers["/containers/x/attach"] = answer("404 Not Found", b'{"message": "no such container"}')
    with pytest.raises(RefusalError, match="could not attach"):
        await client.attach("attach", "/containers/x/attach", tty=False)
