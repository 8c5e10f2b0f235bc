"""A Python index and an npm registry of one package each, made here: real clients install from them."""

import base64
import hashlib
import io
import json
import tarfile
import zipfile

from aiohttp import web

from tests.support.detection import GITHUB_TOKEN
from tests.support.origin import Handler

PACKAGE = "vbd-demo"
MODULE = "vbd_demo"
SOURCE = f"KEY = {GITHUB_TOKEN!r}\n".encode()
"""With what a scrubber would take out: packages have to stay as they are, or their sums are wrong."""


def wheel(source: bytes = SOURCE) -> bytes:
    info = f"{MODULE}-1.0.dist-info"
    files = {
        f"{MODULE}.py": source,
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {PACKAGE}\nVersion: 1.0\n".encode(),
        f"{info}/WHEEL": b"Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    record = "".join(f"{name},,\n" for name in (*files, f"{info}/RECORD"))
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
        archive.writestr(f"{info}/RECORD", record)
    return data.getvalue()


def tarball() -> bytes:
    files = {
        "package/package.json": json.dumps({"name": PACKAGE, "version": "1.0.0", "main": "index.js"}).encode(),
        "package/index.js": b"module.exports = " + json.dumps(GITHUB_TOKEN).encode() + b"\n",
    }
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w:gz") as archive:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return data.getvalue()


def packages(host: str) -> Handler:
    """Serves `/simple/` for pip and `/vbd-demo` for npm under the name `host`."""
    python, node = wheel(), tarball()
    file = f"{MODULE}-1.0-py3-none-any.whl"
    page = (
        f"<!DOCTYPE html><html><body><!-- {GITHUB_TOKEN} -->"
        f'<a href="/files/{file}#sha256={hashlib.sha256(python).hexdigest()}">{file}</a></body></html>'
    )
    sha512 = base64.b64encode(hashlib.sha512(node).digest()).decode()
    release = {
        "name": PACKAGE,
        "version": "1.0.0",
        "description": GITHUB_TOKEN,
        "dist": {"tarball": f"https://{host}/{PACKAGE}/-/{PACKAGE}-1.0.0.tgz", "integrity": f"sha512-{sha512}"},
    }
    packument = {"name": PACKAGE, "dist-tags": {"latest": "1.0.0"}, "versions": {"1.0.0": release}}

    async def serve(request: web.Request) -> web.StreamResponse:
        if request.path == f"/simple/{PACKAGE}/":
            return web.Response(text=page, content_type="text/html")
        if request.path == f"/files/{file}":
            return web.Response(body=python, content_type="application/octet-stream")
        if request.path == f"/{PACKAGE}":
            return web.json_response(packument)
        if request.path.endswith(".tgz"):
            return web.Response(body=node, content_type="application/octet-stream")
        return web.Response(status=404)

    return serve
