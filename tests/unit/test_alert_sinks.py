"""Which alert sinks a policy and `--sink` open, and that what they hold is not shown."""

import re
import stat
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import get_args

import msgspec
import pytest

from pipeline.events import Record
from sinks.alert_rules import AlertRule
from sinks.command import CommandSettings
from sinks.syslog import SyslogSettings
from sinks.webhook import WebhookSettings
from vibedom.alert_sinks import SinkSettings, describe, open_alert_sinks, sink_of_url
from vibedom.errors import SettingsError, UsageError

pytestmark = pytest.mark.anyio
DOCS = Path(__file__).parents[2] / "docs"


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


def test_url_says_which_kind_of_sink_is_meant() -> None:
    assert sink_of_url("https://h.test/x") == WebhookSettings(url="https://h.test/x")
    assert sink_of_url("syslog+udp://h.test:514") == SyslogSettings(address="udp://h.test:514")
    assert sink_of_url("syslog+unix:///dev/log") == SyslogSettings(address="unix:///dev/log")
    assert sink_of_url("exec:/usr/bin/notify") == CommandSettings(argv=("/usr/bin/notify",))


@pytest.mark.parametrize("url", ["", "h.test", "https://", "syslog+ftp://x", "exec:", "smtp://x", "syslog+tcp://"])
def test_url_of_no_kind_is_a_usage_error(url: str) -> None:
    with pytest.raises(UsageError, match="--sink"):
        sink_of_url(url)


@pytest.mark.parametrize(
    "setting",
    [
        WebhookSettings(url="https://me:canary@h.test/canary?canary#canary"),
        CommandSettings(argv=("notify", "canary")),
    ],
)
def test_description_shows_nothing_a_secret_could_be_in(setting: WebhookSettings | CommandSettings) -> None:
    assert "canary" not in describe(setting)


async def test_alerts_file_is_always_there_and_own_rules_come_beside_the_default_ones(tmp_path: Path) -> None:
    log = tmp_path / "alerts.jsonl"
    rule = AlertRule(name="mine", hosts=("*.test",), severity="critical")
    sinks = open_alert_sinks([CommandSettings(argv=("true",)), SyslogSettings()], [rule], session="s1", alerts_log=log)
    assert [sink.name for sink in sinks] == ["alerts", "command-1", "syslog-2"]
    await sinks[0].write([Record(kind="request", flow="f", at=1.0, verdict="deny", reason="not-listed", host="a.test")])
    for sink in sinks:
        await sink.aclose()
    text = log.read_text()
    assert '"name":"host denied"' in text
    assert '"name":"mine","severity":"critical"' in text
    assert stat.S_IMODE(log.stat().st_mode) == 0o600


def test_documentation_shows_every_key_of_an_alert_rule_and_every_setting_of_a_sink() -> None:
    text = (DOCS / "policy.md").read_text().partition("### Alerts")[2].partition("    [[sinks]]")[0]
    shown = tomllib.loads("\n".join(line[4:] for line in text.splitlines() if line.startswith("    ")))["alerts"][0]
    assert set(shown) == set(AlertRule.__struct_fields__)
    msgspec.convert(shown, AlertRule)
    table = (DOCS / "sinks.md").read_text()
    for settings in get_args(SinkSettings):
        (row,) = re.findall(rf"^\| `{settings.__struct_config__.tag}` \|.*$", table, re.MULTILINE)
        names = set(settings.__struct_fields__) - {"min_severity"}
        assert names <= set(re.findall(r"`(\w+)`", row)), f"{names} in {row}"


def test_key_file_must_be_readable_and_long_enough(tmp_path: Path) -> None:
    short = tmp_path / "key"
    short.write_text("short")
    for path, message in ((tmp_path / "none", "cannot be read"), (short, "fewer than 16")):
        settings = [WebhookSettings(url="https://h.test", secret_file=str(path))]
        with pytest.raises(SettingsError, match=message):
            open_alert_sinks(settings, [], session="s1", alerts_log=tmp_path / f"{path.name}.jsonl")


@pytest.mark.parametrize(
    ("module", "url"),
    [("apprise", "slack://a/b/c"), ("nats", "nats://h.test:4222"), ("redis", "redis://h.test:6379")],
)
def test_missing_library_is_one_line_that_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, module: str, url: str
) -> None:
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(SettingsError, match=r"needs vibedom\["):
        open_alert_sinks([sink_of_url(url)], [], session="s1", alerts_log=tmp_path / "alerts.jsonl")


async def test_same_setting_twice_is_one_sink(tmp_path: Path) -> None:
    settings = [SyslogSettings(), SyslogSettings(), SyslogSettings(facility="user")]
    sinks = open_alert_sinks(settings, [], session="s1", alerts_log=tmp_path / "alerts.jsonl")
    assert [sink.name for sink in sinks] == ["alerts", "syslog-1", "syslog-2"]
    for sink in sinks:
        await sink.aclose()


def test_libraries_of_sinks_that_nobody_uses_are_not_loaded() -> None:
    script = (
        "import sys, vibedom.wiring, vibedom.alert_sinks; "
        "print([n for n in ('apprise', 'nats', 'redis', 'duckdb', 'aiohttp') if n in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
