"""Sockets and pipes that lie in the project are dead inside: read-only does not stop a connection to one."""

import os
import socket

import pytest

from tests.integration.runtimes import Box

pytestmark = [pytest.mark.anyio, pytest.mark.engine]

CONNECT = """
import socket
for path in ("/mnt/workspace/service.sock", "/work/service.sock"):
    try:
        socket.socket(socket.AF_UNIX).connect(path)
        print("connected", path)
    except OSError:
        print("refused", path)
"""


async def test_a_socket_of_the_project_cannot_be_connected_to_from_either_side(box: Box) -> None:
    path = box.spec.workspace / "service.sock"
    with socket.socket(socket.AF_UNIX) as service:
        service.bind(f"/proc/self/fd/{os.open(path.parent, os.O_PATH)}/{path.name}")
        path.chmod(0o777)
        service.listen()
        service.setblocking(False)
        outcome = await box.sh(f"python3 - <<'PYTHON'\n{CONNECT}\nPYTHON")
        assert outcome.out.count("refused") == 2
        with pytest.raises(BlockingIOError):
            service.accept()
