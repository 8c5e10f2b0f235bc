"""A request whose answer was lost is sent again by the page, and still done once.

Chromium drops what is under way, on loopback too, whenever a network interface of the machine comes or goes, and every
session on Docker brings some. The page cannot know whether the server had heard it, so each request that changes
something has a number of its own, and a repeat gets the answer of the first.
"""

from collections import OrderedDict

import anyio
import msgspec
from aiohttp import web
from aiohttp.typedefs import Handler

NUMBER_HEADER = "X-Vibedom-Request"
MOST_ANSWERS = 16
"""Kept, the newest: a repeat comes within seconds."""


class _Answer(msgspec.Struct):
    done: anyio.Event
    status: int = 500
    body: bytes = b""
    content_type: str = "text/plain"

    def response(self) -> web.Response:
        return web.Response(status=self.status, body=self.body, content_type=self.content_type)


class Repeats:
    """The answers of one server, by number. They are in memory, and go with it."""

    def __init__(self) -> None:
        self._answers: OrderedDict[str, _Answer] = OrderedDict()

    @web.middleware
    async def do_once(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        number = request.headers.get(NUMBER_HEADER, "")
        if request.method != "POST" or not 16 <= len(number) <= 64:
            return await handler(request)
        if earlier := self._answers.get(number):
            await earlier.done.wait()
            return earlier.response()
        answer = self._answers[number] = _Answer(anyio.Event())
        while len(self._answers) > MOST_ANSWERS:
            self._answers.popitem(last=False)
        try:
            return _keep(answer, await handler(request))
        except web.HTTPException as refusal:
            _keep(answer, refusal)
            raise
        finally:
            answer.done.set()


def _keep(answer: _Answer, response: web.StreamResponse) -> web.StreamResponse:
    if isinstance(response, web.Response) and isinstance(response.body, bytes):
        answer.status, answer.content_type = response.status, response.content_type
        answer.body = response.body
    return response
