"""Programs an agent uses, as they are: git, node, Python's own client and pip's."""

import os
import subprocess
import sys
from pathlib import Path

import anyio
import anyio.to_thread
import pytest
from aiohttp import web

from tests.integration.border.conftest import HOST, Way, way
from tests.integration.http.git_origin import git_backend
from tests.support.detection import GITHUB_TOKEN

pytestmark = pytest.mark.anyio

BLOB_BYTES = 30_000_000


async def run(*command: str, through: Way, cwd: Path | None = None) -> str:
    """The output of a program that finds the proxy in its environment, as a sandbox gives it."""
    ca = str(through.border.ca_file)
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(cwd or "/nonexistent"),
        "HTTP_PROXY": through.border.proxy_url,
        "HTTPS_PROXY": through.border.proxy_url,
        "http_proxy": through.border.proxy_url,
        "https_proxy": through.border.proxy_url,
        "SSL_CERT_FILE": ca,
        "GIT_SSL_CAINFO": ca,
        "NODE_EXTRA_CA_CERTS": ca,
        "GIT_CONFIG_NOSYSTEM": "1",
    }
    with anyio.fail_after(90):
        done = await anyio.run_process(command, env=environment, cwd=cwd, check=False, stderr=subprocess.STDOUT)
    assert done.returncode == 0, done.stdout.decode()
    return done.stdout.decode()


def repository(root: Path, blob: bytes) -> None:
    """A bare repository `root/demo.git` with one commit that holds `blob`."""
    work = root / "work"
    identity = ("-c", "user.name=x", "-c", "user.email=x@x.test")
    subprocess.run(["git", "init", "-q", "-b", "main", work], check=True)
    subprocess.run(["git", "init", "-q", "--bare", root / "demo.git"], check=True)
    (work / "blob").write_bytes(blob)
    for command in (("add", "."), ("commit", "-qm", "One"), ("push", "-q", str(root / "demo.git"), "HEAD:main")):
        subprocess.run(["git", *identity, "-C", str(work), *command], check=True)


async def test_git_clones_and_pushes_30_mb_byte_for_byte_and_no_commit_with_a_key(tmp_path: Path) -> None:
    blob = os.urandom(BLOB_BYTES)
    served, place = tmp_path / "served", tmp_path / "place"
    served.mkdir()
    place.mkdir()
    await anyio.to_thread.run_sync(repository, served, blob)
    async with way(tmp_path, git_backend(served)) as through:
        await run("git", "clone", "-q", "-b", "main", f"https://{HOST}/demo.git", "demo", through=through, cwd=place)
        clone = place / "demo"
        assert (clone / "blob").read_bytes() == blob
        fresh = os.urandom(BLOB_BYTES)
        (clone / "blob").write_bytes(fresh)
        identity = ("-c", "user.name=x", "-c", "user.email=x@x.test")
        await run("git", *identity, "commit", "-qam", "Two", through=through, cwd=clone)
        await run("git", "push", "-q", "origin", "HEAD:main", through=through, cwd=clone)
        (clone / "settings.py").write_text(f"# settings\nTOKEN = '{GITHUB_TOKEN}'\n" + "MODE = 'test'\n" * 20)
        await run("git", "add", "settings.py", through=through, cwd=clone)
        await run("git", *identity, "commit", "-qm", "Three", through=through, cwd=clone)
        with pytest.raises(AssertionError):
            await run("git", "push", "-q", "origin", "HEAD:main", through=through, cwd=clone)
        await through.recorded(lambda record: record.reason == "finding-blocked")
    there = ("git", "-C", str(served / "demo.git"))
    assert (await anyio.run_process([*there, "show", "main:blob"])).stdout == fresh
    assert b"settings.py" not in (await anyio.run_process([*there, "ls-tree", "-r", "main"])).stdout
    await anyio.run_process([*there, "fsck", "--strict"])


async def test_a_client_of_pythons_standard_library_is_served_and_scrubbed(tmp_path: Path) -> None:
    async with way(tmp_path) as through:
        code = f"import urllib.request as u; print(u.urlopen('https://{HOST}/', b'key {GITHUB_TOKEN}').read())"
        output = await run("python3", "-c", code, through=through)
        assert "key %5BREDACTED_GITHUB_PAT%5D" in output, "what urllib sends is a form"
        assert GITHUB_TOKEN.encode() not in through.secure.arrived[-1].everything


async def test_requests_as_pip_brings_it_is_served_and_scrubbed(tmp_path: Path) -> None:
    async with way(tmp_path) as through:
        code = (
            "from pip._vendor import requests\n"
            f"a = requests.post('https://{HOST}/', json={{'k': '{GITHUB_TOKEN}'}}, verify='{through.border.ca_file}')\n"
            "print(a.status_code, a.json())"
        )
        assert await run(sys.executable, "-c", code, through=through) == "200 {'k': '[REDACTED_GITHUB_PAT]'}\n"


async def test_node_is_served_over_tls_and_reads_events_as_they_come(tmp_path: Path) -> None:
    go_on = anyio.Event()

    async def events(request: web.Request) -> web.StreamResponse:
        if request.path == "/go":
            go_on.set()
            return web.Response(text="")
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        await response.write(b"data: first\n\n")
        await go_on.wait()
        await response.write(f"data: {GITHUB_TOKEN}\n\n".encode())
        return response

    async with way(tmp_path, events) as through:
        # node's fetch knows no proxy: it is sent to the listener of port 443, as the lockdown does it.
        port = through.border.https_port
        script = f"""
            const https = require('https');
            const get = (path, on) => https.get({{host: '127.0.0.1', port: {port}, servername: '{HOST}', path,
                headers: {{Host: '{HOST}'}}}}, on);
            get('/events', answer => {{
                let text = '';
                answer.on('data', part => {{
                    if (!text) get('/go', other => other.resume());
                    text += part;
                }});
                answer.on('end', () => console.log(JSON.stringify(text)));
            }});
        """
        output = await run("node", "-e", script, through=through)
    assert output == '"data: first\\n\\ndata: [REDACTED_GITHUB_PAT]\\n\\n"\n'
