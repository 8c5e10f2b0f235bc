"""The pages' own files: markup, styles and scripts that come with the package, and nothing else."""

from importlib.resources import files

from aiohttp import web
from aiohttp.typedefs import Handler

_TYPES = {"html": "text/html", "css": "text/css", "js": "text/javascript", "svg": "image/svg+xml"}


def add_assets(app: web.Application, *, page: str) -> None:
    """Serve `page` at `/`, and every other file of `static/` by its name. All are in memory: no path is ever opened."""
    for entry in (files("vibedom.web") / "static").iterdir():
        name, kind = entry.name, entry.name.rpartition(".")[2]
        if name == page:
            app.router.add_get("/", _answer(entry.read_bytes(), kind))
        elif kind in ("css", "js", "svg"):
            app.router.add_get(f"/static/{name}", _answer(entry.read_bytes(), kind))


def _answer(content: bytes, kind: str) -> Handler:
    async def answer(_: web.Request) -> web.Response:
        return web.Response(body=content, content_type=_TYPES[kind], charset="utf-8")

    return answer
