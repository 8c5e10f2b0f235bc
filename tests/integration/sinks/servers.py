"""Real servers for the tests of the sinks: nats-server clusters, redis-server, rsyslogd, each a child of the test."""

import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest

DEADLINE_SECONDS = 60.0


def program(name: str) -> str:
    found = shutil.which(name) or shutil.which(name, path="/usr/sbin:/usr/local/sbin:/sbin")
    if found is None:
        assert "CI" not in os.environ, f"CI has to have {name}: see scripts/system-packages"
        pytest.skip(f"needs {name}")
    return found


def free_ports(count: int) -> list[int]:
    """Ports that were free a moment ago, all different."""
    sockets = [socket.socket() for _ in range(count)]
    for each in sockets:
        each.bind(("127.0.0.1", 0))
    ports = [each.getsockname()[1] for each in sockets]
    for each in sockets:
        each.close()
    return ports


def wait_until(is_so: Callable[[], bool], what: str) -> None:
    """Servers have no event for it: ask until it is so."""
    deadline = time.monotonic() + DEADLINE_SECONDS
    while not is_so():
        if time.monotonic() > deadline:
            raise TimeoutError(what)
        time.sleep(0.02)


def answers(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True


class Server:
    """One process that can be killed and started again, on the same files and port."""

    def __init__(self, argv: list[str], port: int) -> None:
        self.argv = argv
        self.port = port
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        self._process = subprocess.Popen(self.argv, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        wait_until(lambda: answers(self.port), f"{self.argv[0]} answers")

    def kill(self, number: int = signal.SIGKILL) -> None:
        if self._process is not None:
            self._process.send_signal(number)
            self._process.wait(30)
            self._process = None


def nats_cluster(directory: Path, count: int = 3) -> list[Server]:
    """Configured, not started."""
    ports = free_ports(2 * count)
    routes = ", ".join(f"nats://127.0.0.1:{port}" for port in ports[count:])
    servers = []
    for number in range(count):
        config = directory / f"n{number}.conf"
        config.write_text(
            f"server_name: n{number}\nlisten: 127.0.0.1:{ports[number]}\n"
            f"jetstream {{ store_dir: '{directory}/n{number}', max_mem: 64M, max_file: 1G }}\n"
            f"cluster {{ name: c, listen: 127.0.0.1:{ports[count + number]}, routes: [{routes}] }}\n"
        )
        servers.append(Server([program("nats-server"), "-c", str(config)], ports[number]))
    return servers


def redis_server(directory: Path) -> Server:
    (port,) = free_ports(1)
    argv = [program("redis-server"), "--port", str(port), "--bind", "127.0.0.1", "--dir", str(directory)]
    return Server([*argv, "--appendonly", "yes", "--save", ""], port)
