"""What an agent calls from inside a sandbox: curl, git, pip, node and Python, with all that vibedom set up for them."""

import json
import os
import shutil
import subprocess
from collections.abc import AsyncIterator
from pathlib import Path

import anyio.to_thread
import pip
import pytest
from aiohttp import web

from tests.integration.http.git_origin import git_backend
from tests.integration.run.conftest import Vibedom, usable
from tests.support.detection import GITHUB_TOKEN
from tests.support.origin import Handler, Origin, echo, origin
from tests.support.package_origin import PACKAGE, SOURCE, packages

pytestmark = [pytest.mark.anyio, pytest.mark.engine]
HOST, REGISTRY = "api.good.test", "packages.good.test"
REDACTED = "[REDACTED_GITHUB_PAT]"
BLOB_BYTES = 3_000_000

SCRIPT = f"""
set -e
curl -sS https://{HOST}/echo -H 'Content-Type: application/json' -d '{{"by": "curl", "k": "'$KEY'"}}'; echo
env -i PATH=$PATH curl -sS https://{HOST}/echo -d by=bare; echo
python3 -c "
import json, os, urllib.request as u
body = json.dumps(dict(by='python', k=os.environ['KEY'])).encode()
asked = u.Request('https://{HOST}/echo', body, {{'Content-Type': 'application/json'}})
print(u.urlopen(asked).read().decode())"
env -u HTTPS_PROXY -u https_proxy -u HTTP_PROXY -u http_proxy node -e "
fetch('https://{HOST}/echo', {{method: 'POST', headers: {{'content-type': 'application/json'}},
    body: JSON.stringify({{by: 'node', k: process.env.KEY}})}}).then(a => a.text()).then(t => console.log(t))"
git clone -q https://{HOST}/demo.git clone && sha256sum < clone/blob
cd clone && cp blob more && git add more && git -c user.name=x -c user.email=x@x.test commit -qm two
git push -q origin HEAD:main && cd ..
PYTHONPATH=$PWD/pip.zip python3 -m pip --disable-pip-version-check install -q --no-cache-dir --no-deps \\
    --index-url https://{REGISTRY}/simple/ --target site {PACKAGE}
sha256sum < site/vbd_demo.py
"""


@pytest.fixture
async def inside(tmp_path: Path, compiled_rules: Path) -> AsyncIterator[Vibedom]:
    """The runtime whose tools are this machine's own."""
    async with usable("local", tmp_path) as runtime:
        shutil.copytree(compiled_rules, tmp_path / "state" / "cache", dirs_exist_ok=True)
        project = tmp_path / "project"
        project.mkdir()
        where = Path(pip.__file__).parent
        shutil.make_archive(str(project / "pip"), "zip", where.parent, where.name)
        yield Vibedom(tmp_path / "state", project, runtime.name)


def repository(root: Path, blob: bytes) -> None:
    work, identity = root / "work", ("-c", "user.name=x", "-c", "user.email=x@x.test")
    subprocess.run(["git", "init", "-q", "-b", "main", work], check=True)
    subprocess.run(["git", "init", "-q", "--bare", "-b", "main", root / "demo.git"], check=True)
    (work / "blob").write_bytes(blob)
    for command in (("add", "."), ("commit", "-qm", "One"), ("push", "-q", str(root / "demo.git"), "HEAD:main")):
        subprocess.run(["git", *identity, "-C", str(work), *command], check=True)


def serving(repositories: Path) -> Handler:
    git = git_backend(repositories)

    async def serve(request: web.Request) -> web.StreamResponse:
        return await (echo if request.path == "/echo" else git)(request)

    return serve


def entry(host: str, secure: Origin, context: str) -> str:
    return (
        f'[[hosts]]\npattern = "{host}"\ndial = "127.0.0.1:{secure.port}"\nca = "{secure.ca_file}"\n'
        f'context = "{context}"\n'
    )


async def sum_of(data: bytes) -> str:
    return (await anyio.run_process(["sha256sum"], input=data)).stdout.decode().strip()


async def test_an_agents_tools_work_and_tell_nobody_a_secret(inside: Vibedom, tmp_path: Path) -> None:
    served, blob = tmp_path / "served", os.urandom(BLOB_BYTES)
    served.mkdir()
    await anyio.to_thread.run_sync(repository, served, blob)
    (inside.project / "try.sh").write_text(f"KEY={GITHUB_TOKEN}; export KEY\n{SCRIPT}")
    async with (
        origin(serving(served), names=(HOST,)) as secure,
        origin(packages(REGISTRY), names=(REGISTRY,)) as index,
    ):
        inside.policy(policy=entry(HOST, secure, "external") + entry(REGISTRY, index, "registry"))
        done = await inside.run("sh", "try.sh", options=("--on-findings", "continue"))
    assert done.code == 0, done
    curl, bare, python, node, cloned, installed = [line for line in done.out.splitlines() if line]
    for line, name in ((curl, "curl"), (python, "python"), (node, "node")):
        assert json.loads(line) == {"by": name, "k": REDACTED}
    assert bare == "by=bare"
    assert cloned == await sum_of(blob)
    assert installed == await sum_of(SOURCE)
    pushed = ("git", "-C", str(served / "demo.git"), "show", "main:more")
    assert (await anyio.run_process([*pushed])).stdout == blob
    assert all(GITHUB_TOKEN.encode() not in arrived.everything for arrived in secure.arrived)
    assert {r["host"] for r in inside.records() if r["kind"] == "request"} == {HOST, REGISTRY}
    assert {r["verdict"] for r in inside.records() if r["kind"] in ("request", "response")} == {"allow"}
