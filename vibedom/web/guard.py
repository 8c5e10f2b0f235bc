"""Who may talk to a local page: nobody but the browser that came with the one-time token, and only by its own name.

A page on 127.0.0.1 is within reach of every web site in the user's browser and of every user of this machine. So each
request has to name the server as it is called (DNS rebinding), must not come from another site (CSRF), and, for data,
has to carry two things: an HttpOnly cookie, which no script can read, and a key, which only scripts of this very origin
can. Cookies do not keep ports apart: another server on 127.0.0.1 is sent this one's, and can do nothing with it alone.
"""

import hmac
import secrets

from aiohttp import web
from aiohttp.typedefs import Handler

from vibedom.web.repeats import Repeats

KEY_HEADER = "X-Vibedom-Key"
LEAST_VISITOR = 32
"""Characters of the number that a page goes by."""
_SITES = ("same-origin", "none")
"""`none`: the user typed or clicked the address outside any page."""
RELOADS = "sha256-07zjzhrtOowKpZScTOQlNUE4kZ2k7gC1SdHf634X1W0="
"""Of the one script in the pages themselves: it loads a page again that lost one of its files on the way."""
HEADERS = {
    "Content-Security-Policy": (
        f"default-src 'none'; script-src 'self' '{RELOADS}'; style-src 'self'; img-src 'self'; connect-src 'self'; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'; "
        "require-trusted-types-for 'script'; trusted-types 'none'"
    ),
    "X-Frame-Options": "DENY",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=(), usb=(), payment=()",
    "Cache-Control": "no-store",
}
"""Of every answer, errors included."""


class Guard:
    """Checks every request of one server. The token opens it once; what is given for it lives as long as the server."""

    def __init__(self, port: int) -> None:
        self._hosts = frozenset({f"127.0.0.1:{port}", f"localhost:{port}"})
        self._token, self._visitor = secrets.token_urlsafe(32), ""
        self._cookie_name = f"vibedom_{port}"
        self._cookie, self._key = secrets.token_urlsafe(32), secrets.token_urlsafe(32)
        self.url = f"http://127.0.0.1:{port}/#{self._token}"
        """Where the page is, once. The token stands in the fragment: a browser sends that to nobody."""

    def application(self, *, most_bytes: int) -> web.Application:
        """An application behind this guard, with `POST /enter`. `most_bytes`: of a request's body."""
        app = web.Application(middlewares=[self._check, Repeats().do_once], client_max_size=most_bytes)
        app.on_response_prepare.append(_add_headers)
        app.router.add_post("/enter", self._enter)
        return app

    @web.middleware
    async def _check(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        if request.headers.getall("Host", []) not in [[host] for host in self._hosts]:
            raise web.HTTPMisdirectedRequest(text="this is not the name of this server")
        if not self._is_own_page(request):
            raise web.HTTPForbidden(text="this request comes from another site")
        if request.path.startswith("/api/") and not self._is_known(request):
            raise web.HTTPUnauthorized(text="not signed in; run the command again for a new link")
        return await handler(request)

    def _is_own_page(self, request: web.Request) -> bool:
        """What browsers say of where a request comes from. Whatever changes something has to say it."""
        origins = request.headers.getall("Origin", [])
        if origins and origins not in [[f"http://{host}"] for host in self._hosts]:
            return False
        if request.headers.get("Sec-Fetch-Site", "none") not in _SITES:
            return False
        return bool(origins) or request.method in ("GET", "HEAD")

    def _is_known(self, request: web.Request) -> bool:
        cookie = request.cookies.get(self._cookie_name, "")
        key = request.headers.get(KEY_HEADER, "")
        return _is_same(cookie, self._cookie) and _is_same(key, self._key)

    async def _enter(self, request: web.Request) -> web.Response:
        """`VISITOR TOKEN`, as the whole body, for the cookie and the key. The token counts once: for the first visitor,
        a number that a page made up and tells nobody, so that it may ask again where the answer was lost."""
        visitor, _, token = (await request.content.read(256)).decode("ascii", "replace").partition(" ")
        if not _is_same(token, self._token) or len(visitor) < LEAST_VISITOR:
            raise web.HTTPForbidden(text="this link is not one; run the command again")
        if not _is_same(visitor, self._visitor or visitor):
            raise web.HTTPForbidden(text="this link was used already; run the command again")
        self._visitor = visitor
        response = web.json_response({"key": self._key})
        response.set_cookie(self._cookie_name, self._cookie, httponly=True, samesite="Strict", path="/")
        return response


def _is_same(given: str, expected: str) -> bool:
    return hmac.compare_digest(given.encode(), expected.encode())


async def _add_headers(_: web.Request, response: web.StreamResponse) -> None:
    response.headers.update(HEADERS)
    response.headers.pop("Server", None)
