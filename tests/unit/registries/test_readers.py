"""`@registries` is what the clients of this machine say; the clients here are real, their settings the tests' own."""

import io
import shutil
import subprocess
import sys
import threading
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from vibedom.registries import cargo, client, debian, golang, node, python
from vibedom.registries.hosts import patterns

needs_npm = pytest.mark.skipif(shutil.which("npm") is None, reason="npm is not installed")
needs_apt = pytest.mark.skipif(shutil.which("apt-get") is None, reason="apt is not installed")
needs_cargo = pytest.mark.skipif(shutil.which("cargo") is None, reason="cargo is not installed")


@pytest.fixture
def no_settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home without any client's settings."""
    for name in ("PIP_INDEX_URL", "PIP_EXTRA_INDEX_URL", "PIP_FIND_LINKS", "PIP_CONSTRAINT", *python._UV_VARIABLES):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PIP_CONFIG_FILE", str(tmp_path / "pip.conf"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("npm_config_userconfig", str(tmp_path / ".npmrc"))
    return tmp_path


def test_hosts_of_urls_become_patterns() -> None:
    found = patterns(
        [
            "https://Index.test/simple/",
            "https://index.test:443/other",
            "http://mirror.test:8080/x",
            "https://user:word@private.test/simple",
            "https://[2001:db8::1]:8443/",
            "file:///opt/index",
            "ssh://git@git.test/x",
            "/opt/wheels",
            "https://bad..test/",
            "https://a.test:99999/",
            "nonsense",
            "",
        ]
    )
    assert found == ("[2001:db8::1]:8443", "index.test", "mirror.test:8080", "private.test")


def test_nothing_of_a_url_but_its_host_is_kept() -> None:
    assert patterns(["https://me:canary@private.test/canary?canary"]) == ("private.test",)


def test_pip_settings_from_file_and_environment(no_settings: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (no_settings / "pip.conf").write_text(
        "[global]\nextra-index-url =\n    https://one.test/simple\n    https://me:word@two.test:8443/simple\n"
    )
    monkeypatch.setenv("PIP_FIND_LINKS", "https://wheels.test/ /opt/wheels")
    assert {"one.test", "two.test:8443", "wheels.test"} <= set(patterns(python.urls()))


def test_pip_default_is_what_pip_has_compiled_in(no_settings: Path) -> None:
    models = pytest.importorskip("pip._internal.models.index")
    expected = patterns([models.PyPI.url, "https://" + models.PyPI.file_storage_domain])
    assert set(expected) <= set(patterns(python.urls()))


@contextmanager
def index_with_files_elsewhere() -> Iterator[str]:
    """A package index on one loopback address whose file is on another."""
    wheel = io.BytesIO()
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr("pip-99.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: pip\nVersion: 99.0\n")
        archive.writestr("pip-99.0.dist-info/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        archive.writestr("pip-99.0.dist-info/RECORD", "")

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            is_index = self.path.startswith("/simple/")
            page = f'<a href="http://127.0.0.2:{files.server_port}/pip-99.0-py3-none-any.whl">pip-99.0-py3-none-any.whl</a>'
            body = page.encode() if is_index else wheel.getvalue()
            self.send_response(200)
            self.send_header("Content-Type", "text/html" if is_index else "application/zip")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            pass

    with (
        ThreadingHTTPServer(("127.0.0.1", 0), Handler) as index,
        ThreadingHTTPServer(("127.0.0.2", 0), Handler) as files,
    ):
        for server in (index, files):
            threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield f"http://127.0.0.1:{index.server_port}/simple/"
        finally:
            index.shutdown()
            files.shutdown()


def test_pip_itself_says_where_an_index_keeps_its_files(no_settings: Path) -> None:
    with index_with_files_elsewhere() as url:
        (no_settings / "pip.conf").write_text(f"[global]\nindex-url = {url}\nno-index = false\n")
        found = patterns(python.urls())
    assert any(pattern.startswith("127.0.0.1:") for pattern in found)
    assert any(pattern.startswith("127.0.0.2:") for pattern in found)


def test_pip_of_the_workspace_has_no_say(no_settings: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Clients run in a neutral directory: a project's own settings must not widen anything."""
    (no_settings / ".npmrc").write_text("")
    workspace = no_settings / "project"
    workspace.mkdir()
    (workspace / ".npmrc").write_text("registry=https://evil.test/\n")
    (workspace / "pip.py").write_text("print('pip 1.0 from /evil/pip (python 3)')")
    monkeypatch.chdir(workspace)
    found = patterns([*python.urls(), *node.urls()])
    assert "evil.test" not in found


def test_uv_settings_from_environment_and_file(no_settings: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("UV_INDEX", "mine=https://uv.test/simple https://two.test/simple")
    (no_settings / "config" / "uv").mkdir(parents=True)
    (no_settings / "config" / "uv" / "uv.toml").write_text('[[index]]\nname = "x"\nurl = "https://file.test/simple"\n')
    assert {"uv.test", "two.test", "file.test"} <= set(patterns(python.urls()))


@needs_npm
def test_npm_settings_with_scopes(no_settings: Path) -> None:
    (no_settings / ".npmrc").write_text(
        "registry=https://npm.test/\n@corp:registry=https://corp.test:8443/npm/\n//npm.test/:_authToken=canary\n"
    )
    found = patterns(node.urls())
    assert {"npm.test", "corp.test:8443"} <= set(found)


@needs_npm
def test_npm_default_is_what_npm_says(no_settings: Path) -> None:
    said = subprocess.run(["npm", "config", "get", "registry"], capture_output=True, text=True, check=True, cwd="/")
    assert set(patterns([said.stdout])) <= set(patterns(node.urls()))
    assert len(patterns(node.urls())) >= 1


@needs_apt
def test_apt_repositories(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    parts = tmp_path / "sources.list.d"
    parts.mkdir()
    (parts / "one.sources").write_text(
        "Types: deb\nURIs: https://apt.test:8443/debian\nSuites: stable\nComponents: main\n"
    )
    (parts / "two.list").write_text(
        "deb http://two.test/debian stable main\n# deb http://off.test/debian stable main\n"
    )
    (tmp_path / "apt.conf").write_text(
        f'Dir::Etc::sourcelist "/dev/null";\nDir::Etc::sourceparts "{parts}";\nDir::State "{tmp_path}/";\n'
    )
    monkeypatch.setenv("APT_CONFIG", str(tmp_path / "apt.conf"))
    assert patterns(debian.urls()) == ("apt.test:8443", "two.test")


@needs_cargo
def test_cargo_index_that_replaces_the_default_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CARGO_HOME", str(tmp_path))
    (tmp_path / "config.toml").write_text(
        '[source.crates-io]\nreplace-with = "mine"\n[source.mine]\nregistry = "sparse+https://127.0.0.1:1/index/"\n'
    )
    assert patterns(cargo.urls()) == ("127.0.0.1:1",)


def test_cargo_names_its_index_when_it_cannot_reach_it() -> None:
    complaint = "failed to download from `https://index.test/config.json`\n[7] could not connect (`https://x.test`)"
    assert cargo.index_urls(complaint) == ["https://index.test"]


@pytest.mark.parametrize(
    ("answer", "hosts"),
    [
        ("https://proxy.test,direct\nsum.test\n", ("proxy.test", "sum.test")),
        ("https://a.test|https://b.test\noff\n", ("a.test", "b.test")),
        ("off\nsum.test+key https://mirror.test\n", ("mirror.test",)),
        ("direct\nsum.test+0a1b\n", ("sum.test",)),
        ("", ()),
    ],
)
def test_go_proxies_and_checksum_database(answer: str, hosts: tuple[str, ...]) -> None:
    assert patterns(golang.go_urls(answer)) == hosts


@pytest.mark.parametrize("answer", ["", "not json", "[]", '{"registry": 1}', "{}"])
def test_answers_that_make_no_sense_are_no_registries(answer: str) -> None:
    assert node.npm_urls(answer) == []
    assert python.configured_urls(answer) == []


def test_programs_of_a_project_are_never_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("project/bin", "env/bin", "tools"):
        directory = tmp_path / name
        directory.mkdir(parents=True)
        (directory / "some-client").write_text("#!/bin/sh\necho " + name)
        (directory / "some-client").chmod(0o755)
    monkeypatch.chdir(tmp_path / "project")
    monkeypatch.setenv("VIRTUAL_ENV", str(tmp_path / "env"))
    inside = f"bin:.::{tmp_path}/project/bin:{tmp_path}/env/bin"
    monkeypatch.setenv("PATH", inside)
    assert client.ask(["some-client"]) is None
    monkeypatch.setenv("PATH", f"{inside}:{tmp_path}/tools")
    assert client.ask(["some-client"]) == "tools\n"


def test_users_own_tools_are_run_from_the_users_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    directory = tmp_path / ".local" / "bin"
    directory.mkdir(parents=True)
    (directory / "some-client").write_text("#!/bin/sh\necho mine")
    (directory / "some-client").chmod(0o755)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("PATH", str(directory))
    monkeypatch.chdir(tmp_path)
    assert client.ask(["some-client"]) == "mine\n"


def test_variables_that_load_code_are_not_passed_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "sitecustomize.py").write_text("raise SystemExit('loaded')")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    assert client.ask([sys.executable, "-c", "print('not loaded')"]) == "not loaded\n"


def test_absent_failing_and_hanging_clients_are_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    assert client.ask(["no-such-program-anywhere"]) is None
    assert client.ask([sys.executable, "-c", "raise SystemExit(1)"]) is None
    monkeypatch.setattr(client, "TIMEOUT_SECONDS", 0.2)
    assert client.ask([sys.executable, "-c", "import time; time.sleep(60)"]) is None
