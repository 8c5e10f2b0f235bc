"""pip (and uv): configured indexes, the index pip has compiled in, and the host that an index's files come from."""

import ast
import os
import sys
import tomllib
from pathlib import Path

import msgspec

from vibedom.registries.client import ask

_CALLS = (("pip",), ("pip3",), ("python3", "-m", "pip"))
_URL_KEYS = ("index-url", "extra-index-url", "find-links")
_UV_VARIABLES = ("UV_DEFAULT_INDEX", "UV_INDEX_URL", "UV_EXTRA_INDEX_URL", "UV_INDEX")
_COMPILED_IN = """
import sys
sys.path.insert(0, sys.argv[1])
from pip._internal.models.index import PyPI
print(PyPI.simple_url)
print("https://" + PyPI.file_storage_domain)
"""


class _Download(msgspec.Struct):
    url: str


class _Item(msgspec.Struct):
    download_info: _Download


class _Report(msgspec.Struct):
    install: list[_Item]


def urls() -> list[str]:
    """URLs of all indexes, and of where their files are. Empty without pip and without uv's settings."""
    return [*_pip_urls(), *_uv_urls()]


def _pip_urls() -> list[str]:
    for call in _CALLS:
        version = ask([*call, "--version"])
        if version is not None:
            configured = configured_urls(ask([*call, "config", "list"]) or "")
            files = _file_urls(call) if any(key == "index-url" for key, _ in configured) else []
            return [*(url for _, url in configured), *_compiled_in(version), *files]
    return []


def configured_urls(listing: str) -> list[tuple[str, str]]:
    """Key and URL of everything `pip config list` shows that is a place packages come from."""
    found = []
    for line in listing.splitlines():
        name, _, value = line.partition("=")
        key = name.rpartition(".")[2]
        if key in _URL_KEYS:
            found += [(key, url) for url in _text(value).split()]
    return found


def _text(value: str) -> str:
    try:
        return str(ast.literal_eval(value))
    except (SyntaxError, ValueError):
        return ""


def _compiled_in(version: str) -> list[str]:
    """`pip 23.2.1 from /usr/lib/python3/dist-packages/pip (python 3.11)` names the package that knows."""
    _, found, rest = version.partition(" from ")
    package = Path(rest.rpartition(" (python")[0])
    if not found or package.name != "pip":
        return []
    return (ask([sys.executable, "-I", "-c", _COMPILED_IN, str(package.parent)]) or "").split()


def _file_urls(call: tuple[str, ...]) -> list[str]:
    """Where a configured index keeps its files: pip itself is asked what it would download to reinstall itself."""
    dry_run = ("install", "--dry-run", "--ignore-installed", "--no-deps", "--quiet", "--report", "-", "pip")
    report = ask([*call, *dry_run])
    if report is None:
        return []
    try:
        return [item.download_info.url for item in msgspec.json.decode(report, type=_Report).install]
    except msgspec.DecodeError:
        return []


def _uv_urls() -> list[str]:
    found = [word.rpartition("=")[2] for name in _UV_VARIABLES for word in os.environ.get(name, "").split()]
    config = Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config") / "uv" / "uv.toml"
    try:
        settings = tomllib.loads(config.read_text())
    except (OSError, ValueError):
        return found
    indexes = settings.get("index", [])
    named = [index.get("url") for index in indexes if isinstance(index, dict)] if isinstance(indexes, list) else []
    return [url for url in [*found, *named, settings.get("index-url")] if isinstance(url, str)]
