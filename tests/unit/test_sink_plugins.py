"""Sinks of other packages: found by their entry point and opened only when the policy names them."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from vibedom.alert_sinks import open_alert_sinks
from vibedom.errors import SettingsError
from vibedom.sink_plugins import PluginSettings, installed
from vibedom.testing import record

EXAMPLE = Path(__file__).parents[2] / "examples" / "sink-plugin"
pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


def install(directory: Path, name: str, entry_point: str, source: str = "") -> None:
    """As an installer does it: the module and the metadata of its entry point on the path."""
    module = entry_point.partition(":")[0]
    if source:
        (directory / f"{module}.py").write_text(source)
    metadata = directory / f"{module}-1.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {module}\nVersion: 1\n")
    (metadata / "entry_points.txt").write_text(f"[vibedom.sinks]\n{name} = {entry_point}\n")


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    directory = tmp_path / "site"
    directory.mkdir()
    monkeypatch.syspath_prepend(str(directory))
    return directory


async def test_plugin_that_takes_records_gets_them(site: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(EXAMPLE))
    install(site, "tsv", "vibedom_tsv_sink:open_sink")
    setting = PluginSettings(name="tsv", options={"directory": str(tmp_path)})
    sinks = open_alert_sinks([setting], [], session="s1", alerts_log=tmp_path / "alerts.jsonl")
    for sink in sinks:
        await sink.write([record(7)])
        await sink.aclose()
    assert "h007.test" in (tmp_path / "s1.tsv").read_text()


DELIVERY = """
from pathlib import Path
class Delivery:
    def __init__(self, path):
        self.path = path
    async def deliver(self, alerts, /):
        with open(self.path, "a") as file:
            file.writelines(alert.host + "\\n" for alert in alerts)
    async def aclose(self):
        pass
def open_delivery(options, /, *, session):
    return Delivery(options["path"])
"""


async def test_plugin_that_takes_alerts_gets_a_spool_and_a_severity(site: Path, tmp_path: Path) -> None:
    install(site, "lines", "my_lines:open_delivery", DELIVERY)
    for severity, expected in (("low", "h001.test\n"), ("high", "h001.test\n")):
        setting = PluginSettings(name="lines", options={"path": str(tmp_path / "out")}, min_severity=severity)  # type: ignore[arg-type]
        _, sink = open_alert_sinks([setting], [], session="s1", alerts_log=tmp_path / severity)
        await sink.write([record(1)])
        await sink.aclose()
        assert (tmp_path / "out").read_text() == expected


async def test_plugin_that_is_not_there_or_cannot_be_used_is_one_clear_line(site: Path, tmp_path: Path) -> None:
    install(site, "broken", "no_such_module:x")
    install(site, "picky", "picky:open_sink", "def open_sink(options, /, *, session): raise ValueError('give a path')")
    for name, message in (("none", "not installed here"), ("broken", "cannot be loaded"), ("picky", "give a path")):
        with pytest.raises(SettingsError, match=message):
            open_alert_sinks([PluginSettings(name=name)], [], session="s", alerts_log=tmp_path / name)


async def test_listing_the_plugins_loads_none_of_them(site: Path) -> None:
    install(site, "bomb", "bomb_module:x", "raise SystemExit('loaded')")
    assert "bomb" in installed()
    assert "bomb_module" not in sys.modules


async def test_example_passes_its_own_tests() -> None:
    environment = {**os.environ, "PYTHONPATH": str(EXAMPLE)}
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-c", "/dev/null", "tests"]
    done = subprocess.run(command, cwd=EXAMPLE, env=environment, capture_output=True, text=True, check=False)  # noqa: ASYNC221
    assert done.returncode == 0, done.stdout
    assert "8 passed" in done.stdout
