"""cargo: its index, and the host its index says crates are downloaded from."""

import re
import tempfile
from pathlib import Path

import msgspec

from vibedom.registries.client import ask

_MANIFEST = '[package]\nname = "probe"\nversion = "0.0.0"\nedition = "2021"\n[dependencies]\nlibc = "*"\n'
_NOWHERE = {"CARGO_HTTP_PROXY": "http://127.0.0.1:9", "CARGO_NET_RETRY": "0", "CARGO_HTTP_TIMEOUT": "2"}
_CONFIG_URL = re.compile(r"`(?:sparse\+)?(https?://[^`\s]+)/config\.json`")
_MAX_CONFIG_BYTES = 64 * 1024
_TIMEOUT_SECONDS = 5.0


class _IndexConfig(msgspec.Struct):
    dl: str


def urls() -> list[str]:
    """URLs of the index and of its downloads. Empty without cargo."""
    indexes = index_urls(_complaint() or "")
    return [*indexes, *(url for index in indexes if (url := _download_url(index)))]


def index_urls(complaint: str) -> list[str]:
    """The indexes in what cargo says when it cannot reach them."""
    return list(dict.fromkeys(_CONFIG_URL.findall(complaint)))


def _complaint() -> str | None:
    """cargo cannot be asked for the index it has compiled in, but names it when its proxy does not answer."""
    with tempfile.TemporaryDirectory(prefix="vibedom-cargo-") as directory:
        root = Path(directory)
        (root / "src").mkdir()
        (root / "src" / "lib.rs").touch()
        manifest = root / "Cargo.toml"
        manifest.write_text(_MANIFEST)
        fresh = {**_NOWHERE, "CARGO_TARGET_DIR": directory}
        return ask(["cargo", "fetch", "--manifest-path", str(manifest)], environment=fresh, reads_errors=True)


def _download_url(index: str) -> str | None:
    """`dl` of the index's config.json: one request, the one cargo makes before any other."""
    import urllib.request  # most starts ask nobody, and each would wait for it

    try:
        with urllib.request.urlopen(f"{index}/config.json", timeout=_TIMEOUT_SECONDS) as answer:  # noqa: S310
            return msgspec.json.decode(answer.read(_MAX_CONFIG_BYTES), type=_IndexConfig).dl
    except (OSError, ValueError, msgspec.DecodeError):
        return None
