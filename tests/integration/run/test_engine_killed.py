"""An engine is killed under a session, for good or until somebody starts it again.

Of the machine's engine nobody takes care; so the test has one of its own, for which it needs root and half a minute:
`VIBEDOM_OWN_ENGINE=1 pytest tests/integration/run/test_engine_killed.py`. What a session does when its engine goes away
is tested without it in `test_outages.py`.
"""

import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import anyio
import anyio.to_thread
import pytest

from tests.integration.run.conftest import Vibedom, killed_at_the_end, until
from vibedom import sessions
from vibedom.control import messages as m
from vibedom.control.client import Client
from vibedom.errors import SandboxError
from vibedom.paths import Home
from vibedom.sandbox import image

pytestmark = [
    pytest.mark.anyio,
    pytest.mark.engine,
    pytest.mark.timeout(600),
    pytest.mark.skipif("VIBEDOM_OWN_ENGINE" not in os.environ, reason="starts an engine: VIBEDOM_OWN_ENGINE=1"),
]
NETWORK = "vibedom-test-engine"
"""A network namespace. In the machine's own, an engine that is not to use `docker0` deletes it, whosever that is."""
INSIDE = ["nsenter", f"--net=/run/netns/{NETWORK}"]
SCRIPT = """
echo x >> runs
while [ $(wc -l < runs) -lt 2 ]; do date >> ticks; sleep 0.2; done
curl -s -o /dev/null -w '%{http_code}' http://granted.test/ > granted
"""


class Engine:
    """A Docker Engine that shares nothing with the machine's but the kernel."""

    def __init__(self, directory: Path) -> None:
        self.url = f"unix://{directory}/docker.sock"
        self._directory = directory
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        at = self._directory
        argv = [*INSIDE, "dockerd", "--data-root", f"{at}/data", "--exec-root", f"{at}/exec", "--pidfile", f"{at}/pid"]
        argv += ["--host", self.url, "--bridge=none"]
        (at / "pid").unlink(missing_ok=True)
        with (at / "log").open("ab") as log:
            self._process = subprocess.Popen(argv, stdout=log, stderr=log)

        end = time.monotonic() + 60
        while self.docker("version", check=False).returncode:
            assert time.monotonic() < end, (at / "log").read_text()[-2000:]
            time.sleep(0.1)

    def docker(self, *arguments: str, check: bool = True) -> "subprocess.CompletedProcess[bytes]":
        return subprocess.run(["docker", "--host", self.url, *arguments], check=check, capture_output=True)

    def load(self, name: str) -> None:
        with subprocess.Popen(["docker", "save", name], stdout=subprocess.PIPE) as saved:
            subprocess.run(["docker", "--host", self.url, "load", "-q"], stdin=saved.stdout, check=True)

    def kill(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def end(self) -> None:
        """In order, which ends its containerd, too. Containers that a killed one has left run until the next one."""
        if self._process is None:
            self.start()
        assert self._process is not None
        for container in self.docker("ps", "--all", "--quiet").stdout.decode().split():
            self.docker("rm", "--force", container)
        self.docker("network", "prune", "--force")
        self._process.terminate()
        self._process.wait(60)


class Neighbour(Vibedom):
    """Runs where the engine's networks are."""

    def argv(self, *arguments: str) -> list[str]:
        return [*INSIDE, *super().argv(*arguments)]


@pytest.fixture
def engine() -> Iterator[Engine]:
    if os.geteuid() != 0 or shutil.which("dockerd") is None:
        pytest.skip("needs root and dockerd")
    # A short path: a Unix socket's name has at most 107 bytes.
    directory = Path(tempfile.mkdtemp(prefix="vd-", dir="/var/tmp"))
    subprocess.run(["ip", "netns", "add", NETWORK], check=True)
    subprocess.run([*INSIDE, "ip", "link", "set", "lo", "up"], check=True)
    own = Engine(directory)
    own.start()
    try:
        yield own
    finally:
        own.end()
        subprocess.run(["ip", "netns", "delete", NETWORK], check=True)
        subprocess.run(["umount", "-R", "-q", directory / "data"], check=False)
        shutil.rmtree(directory, ignore_errors=True)


@pytest.mark.parametrize("is_paused", [False, True], ids=["running", "paused"])
async def test_a_killed_engine_ends_the_session_with_its_work_and_resume_goes_on_once_it_is_back(
    engine: Engine, tmp_path: Path, compiled_rules: Path, is_paused: bool
) -> None:
    engine.load(image.NAME)
    project = tmp_path / "project"
    project.mkdir()
    (project / "readme.txt").write_text("the project\n")
    shutil.copytree(compiled_rules, tmp_path / "state" / "cache")
    vibedom = Neighbour(tmp_path / "state", project, "docker", DOCKER_HOST=engine.url)
    vibedom.policy()
    home = Home(root=vibedom.home)
    upper = home.session("task").upper
    with killed_at_the_end(vibedom.started("sh", "-c", SCRIPT, options=("--name", "task"))) as process:
        await until(lambda: (upper / "ticks").exists(), "the agent")
        await until(lambda: sessions.load(home, "task").status == "running", "the session")
        await Client(home, "task").do(m.Allow(pattern="granted.test"))
        if is_paused:
            await Client(home, "task").do(m.Pause())
        engine.kill()
        _, err = await anyio.to_thread.run_sync(partial(process.communicate, timeout=100))
        assert process.returncode == SandboxError.exit_code, err
    said = err.decode()
    assert "Traceback" not in said
    assert said.splitlines()[-1].startswith("vibedom: the ")
    record = sessions.load(home, "task")
    assert (record.status, record.is_alive) == ("ended", False)
    assert (await vibedom("audit", "verify", "task")).code == 0

    # The engine is still away, and with it nothing can be cleaned up: the work is offered all the same.
    recovered = await vibedom("recover")
    assert recovered.code == 0, recovered
    assert recovered.out.startswith("task  work of "), recovered
    assert (await vibedom("resume", "task")).code != 0
    assert sessions.load(home, "task").status == "ended"
    assert (upper / "runs").read_text() == "x\n"

    engine.start()
    resumed = await vibedom("resume", "task")
    assert resumed.code == 0, resumed
    assert (upper / "runs").read_text() == "x\nx\n"
    # Allowed, so not refused by the policy with 403; that there is no such host is another matter.
    assert (upper / "granted").read_text() == "502", resumed
    assert engine.docker("ps", "--all", "--quiet").stdout == b""
    assert (await vibedom("apply", "task", "--all", "--yes")).code == 0
    assert (project / "runs").read_text() == "x\nx\n"
