"""docker_engine: the engine the docker CLI would use is found, and every failure is one readable line."""

import hashlib
import json
import os
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import aiodocker
import anyio
import pytest

from vibedom.errors import RuntimeUnavailableError, SandboxError
from vibedom.sandbox.docker import DockerRuntime
from vibedom.sandbox.docker_endpoint import Endpoint, known_sockets, one_line, resolve, unsuitable
from vibedom.sandbox.docker_engine import asking, connect


def write_context(config: Path, name: str, host: str, *, current: bool = True, **endpoint: Any) -> Path:
    """A context as the docker CLI stores it; returns the directory of its TLS files."""
    directory = hashlib.sha256(name.encode()).hexdigest()
    meta = config / "contexts" / "meta" / directory
    meta.mkdir(parents=True)
    (meta / "meta.json").write_text(json.dumps({"Name": name, "Endpoints": {"docker": {"Host": host, **endpoint}}}))
    if current:
        (config / "config.json").write_text(json.dumps({"currentContext": name}))
    return config / "contexts" / "tls" / directory / "docker"


@pytest.fixture
def short(tmp_path: Path) -> Iterator[Path]:
    """A directory whose name is short enough for a Unix socket and holds a space."""
    directory = Path(f"/tmp/vd {os.getpid()}")
    directory.mkdir()
    yield directory
    for path in sorted(directory.rglob("*"), reverse=True):
        path.rmdir() if path.is_dir() else path.unlink()
    directory.rmdir()


def test_an_explicit_engine_comes_before_everything(tmp_path: Path) -> None:
    found = resolve("unix:///mine.sock", {"DOCKER_HOST": "unix:///other.sock"}, tmp_path)
    assert (found.url, found.source) == ("unix:///mine.sock", "--engine")


def test_docker_host_comes_before_contexts(tmp_path: Path) -> None:
    write_context(tmp_path / ".docker", "colima", "unix:///colima.sock")
    found = resolve(None, {"DOCKER_HOST": "unix:///host.sock", "DOCKER_CONTEXT": "colima"}, tmp_path)
    assert (found.url, found.source) == ("unix:///host.sock", "DOCKER_HOST")


def test_the_named_context_comes_before_the_current_one(tmp_path: Path) -> None:
    write_context(tmp_path / ".docker", "current", "unix:///current.sock")
    write_context(tmp_path / ".docker", "named", "unix:///named.sock", current=False)
    assert resolve(None, {"DOCKER_CONTEXT": "named"}, tmp_path).url == "unix:///named.sock"
    assert resolve(None, {}, tmp_path).url == "unix:///current.sock"


def test_docker_config_moves_the_contexts(tmp_path: Path) -> None:
    write_context(tmp_path / "with space", "here", "unix:///a path/docker.sock")
    found = resolve(None, {"DOCKER_CONFIG": str(tmp_path / "with space")}, tmp_path)
    assert (found.url, found.source) == ("unix:///a path/docker.sock", "context 'here'")


def test_a_context_brings_its_tls_files(tmp_path: Path) -> None:
    tls = write_context(tmp_path / ".docker", "far", "tcp://engine.example:2376", SkipTLSVerify=True)
    tls.mkdir(parents=True)
    found = resolve(None, {}, tmp_path)
    assert (found.certificates, found.verify) == (tls, False)


def test_docker_host_brings_its_tls_files(tmp_path: Path) -> None:
    environment = {"DOCKER_HOST": "tcp://engine.example:2376", "DOCKER_TLS_VERIFY": "1", "DOCKER_CERT_PATH": "/certs"}
    assert resolve(None, environment, tmp_path).certificates == Path("/certs")
    del environment["DOCKER_TLS_VERIFY"]
    assert resolve(None, environment, tmp_path).certificates is None


@pytest.mark.anyio
async def test_tls_files_that_cannot_be_used_are_named(tmp_path: Path) -> None:
    (tmp_path / "ca.pem").write_text("not a certificate")
    environment = {
        "DOCKER_HOST": "tcp://engine.example:2376",
        "DOCKER_TLS_VERIFY": "1",
        "DOCKER_CERT_PATH": str(tmp_path),
    }
    with pytest.raises(RuntimeUnavailableError, match="TLS files of DOCKER_HOST"):
        connect(resolve(None, environment, tmp_path))


def test_a_context_that_does_not_exist_is_named(tmp_path: Path) -> None:
    with pytest.raises(RuntimeUnavailableError, match="the Docker context 'gone' cannot be read"):
        resolve(None, {"DOCKER_CONTEXT": "gone"}, tmp_path)


@pytest.mark.parametrize("content", ["{", "[]", '"text"'])
def test_a_broken_configuration_is_named(tmp_path: Path, content: str) -> None:
    (tmp_path / ".docker").mkdir()
    (tmp_path / ".docker" / "config.json").write_text(content)
    with pytest.raises(RuntimeUnavailableError, match="is not a Docker configuration"):
        resolve(None, {}, tmp_path)


def test_an_engine_over_ssh_is_refused_with_the_reason(tmp_path: Path) -> None:
    write_context(tmp_path / ".docker", "far", "ssh://me@far.example")
    with pytest.raises(RuntimeUnavailableError, match="reached over ssh"):
        resolve(None, {}, tmp_path)


def test_an_address_of_an_unknown_kind_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RuntimeUnavailableError, match="not at a unix:// or tcp:// address"):
        resolve("npipe:////./pipe/docker_engine", {}, tmp_path)


def test_the_first_socket_that_is_one_is_taken(short: Path, tmp_path: Path) -> None:
    (short / "file.sock").touch()
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(short / "docker.sock"))
        candidates = [tmp_path / "missing.sock", short / "file.sock", short / "docker.sock"]
        found = resolve(None, {}, tmp_path, candidates)
    assert (found.url, found.source) == (f"unix://{short}/docker.sock", "default socket")


def test_rootless_and_desktop_engines_are_looked_for(tmp_path: Path) -> None:
    sockets = known_sockets({"XDG_RUNTIME_DIR": "/run/user/7"}, tmp_path)
    assert sockets[0] == Path("/var/run/docker.sock")
    assert {Path("/run/user/7/docker.sock"), tmp_path / ".colima/default/docker.sock"} <= set(sockets)


def test_where_no_engine_is_found_the_error_lists_what_was_tried(tmp_path: Path) -> None:
    with pytest.raises(RuntimeUnavailableError, match="DOCKER_HOST, DOCKER_CONTEXT, the current context") as caught:
        resolve(None, {}, tmp_path, [tmp_path / "here.sock", tmp_path / "there.sock"])
    assert f"{tmp_path}/here.sock, {tmp_path}/there.sock" in str(caught.value)


@pytest.mark.anyio
async def test_a_runtime_without_an_engine_says_so_and_does_not_raise(tmp_path: Path) -> None:
    environment = {"DOCKER_HOST": f"unix://{tmp_path}/nobody.sock"}
    runtime = DockerRuntime(tmp_path, environment=environment, user_home=tmp_path)
    reason = await runtime.available()
    assert reason is not None
    assert "\n" not in reason
    assert "DOCKER_HOST" in reason
    await runtime.aclose()


@pytest.mark.anyio
async def test_an_engine_that_never_answers_is_given_up(short: Path, tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(short / "deaf.sock"))
        server.listen()
        environment = {"DOCKER_HOST": f"unix://{short}/deaf.sock"}
        runtime = DockerRuntime(tmp_path, environment=environment, user_home=tmp_path)
        with anyio.fail_after(20):
            assert "did not say its version within 5 s" in (await runtime.available() or "")
        await runtime.aclose()


@pytest.mark.anyio
async def test_the_engines_refusal_is_one_line() -> None:
    with pytest.raises(SandboxError) as caught, asking("do it"):
        raise aiodocker.DockerError(500, "first\nsecond \x1b[31m" + "x" * 999)
    assert str(caught.value).startswith("the engine could not do it: first second [31m")
    assert len(str(caught.value)) < 400


@pytest.mark.anyio
async def test_what_is_missing_may_be_wanted() -> None:
    with asking("remove it", missing_ok=True):
        raise aiodocker.DockerError(404, "no such thing")
    with pytest.raises(SandboxError), asking("remove it"):
        raise aiodocker.DockerError(404, "no such thing")
    with pytest.raises(SandboxError), asking("remove it", missing_ok=True):
        raise aiodocker.DockerError(409, "volume is in use")


def test_a_long_line_is_cut() -> None:
    assert one_line("a" * 50, 10) == "a" * 9 + "…"


@pytest.mark.parametrize(
    ("version", "reason"),
    [
        ({"Os": "linux", "ApiVersion": "1.41"}, None),
        ({"Os": "linux", "ApiVersion": "1.51"}, None),
        ({"Os": "linux", "ApiVersion": "1.40"}, "older than 1.41"),
        ({"Os": "linux", "ApiVersion": "new"}, "older than 1.41"),
        ({"Os": "linux"}, "older than 1.41"),
        ({"Os": "windows", "ApiVersion": "1.41"}, "not Linux ones"),
    ],
)
def test_an_engine_that_would_ignore_half_of_the_isolation_is_refused(
    version: dict[str, str], reason: str | None
) -> None:
    said = unsuitable(Endpoint(url="unix:///x", source="DOCKER_HOST"), version)
    assert said is None if reason is None else reason in (said or "")
