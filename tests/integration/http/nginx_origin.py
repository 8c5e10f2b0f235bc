"""nginx as an origin: TLS, HTTP/1.1 and HTTP/2, compression in chunks, ranges."""

import os
import random
import shutil
import socket
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import anyio
import anyio.lowlevel
from anyio.abc import Process

from tests.support.detection import GITHUB_TOKEN
from tests.support.origin import Origin, server_tls

NAME = "nginx.good.test"

_CONFIG = """
daemon off; master_process off; worker_processes 1; pid {root}/pid; error_log {root}/errors;
events {{ worker_connections 256; }}
http {{
    access_log off; default_type application/octet-stream;
    types {{ application/json json; }}
    client_body_temp_path {root}/t1; proxy_temp_path {root}/t2; fastcgi_temp_path {root}/t3;
    uwsgi_temp_path {root}/t4; scgi_temp_path {root}/t5;
    gzip on; gzip_types application/json; gzip_min_length 100;
    server {{
        listen 127.0.0.1:{port} ssl http2; server_name {name};
        ssl_certificate {root}/leaf.pem; ssl_certificate_key {root}/leaf.pem;
        root {root}/www;
        location = /protocol {{ return 200 "$server_protocol\\n"; }}
        location = /connection {{ return 200 "$connection $connection_requests\\n"; }}
    }}
}}
"""


class NginxOrigin(Origin):
    """A running nginx. `blob` is what it serves as `/blob.bin`."""

    blob = b""


@asynccontextmanager
async def nginx(root: Path) -> AsyncIterator[NginxOrigin]:
    """Run nginx below `root` until the block ends."""
    (root / "www").mkdir(parents=True)
    server_tls((NAME,), root)
    running = NginxOrigin(free_port(), root / "ca.pem")
    running.blob = random.Random(5).randbytes(1_000_000)
    (root / "www" / "blob.bin").write_bytes(running.blob)
    keys = f'{{"token": "{GITHUB_TOKEN}", "fill": "{"x" * 5000}"}}'
    (root / "www" / "keys.json").write_text(keys)
    config = root / "nginx.conf"
    config.write_text(_CONFIG.format(root=root, port=running.port, name=NAME))
    program = shutil.which("nginx", path=os.environ["PATH"] + ":/usr/sbin:/sbin")
    assert program is not None, "install nginx-light"
    command = [program, "-c", str(config), "-p", str(root)]
    async with await anyio.open_process(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            await listening(running.port, process)
            yield running
        finally:
            process.terminate()


async def listening(port: int, process: Process) -> None:
    with anyio.fail_after(20):
        while process.returncode is None:
            try:
                await (await anyio.connect_tcp("127.0.0.1", port)).aclose()
            except OSError:
                await anyio.lowlevel.checkpoint()
            else:
                return
    raise AssertionError("nginx has ended")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
