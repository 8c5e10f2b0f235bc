"""The metrics of a session, scraped by a real Prometheus, and the names that the Grafana dashboard asks for."""

import json
import os
import re
import shutil
import socket
import stat
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import anyio
import pytest
from prometheus_client import generate_latest

from pipeline.feed import Feed
from pipeline.topology import Topology
from sinks.metrics import MetricsSink
from tests.integration.web.live_session import live_session
from tests.support.detection import GITHUB_TOKEN
from tests.support.events import GOOD, captured, real_stages, with_target
from vibedom.errors import PortBusyError, UsageError
from vibedom.metrics import attach, measured
from vibedom.paths import Home
from vibedom.web.exporter import exporting
from vibedom.web.exposition import registry

pytestmark = pytest.mark.anyio

ROOT = Path(__file__).parents[3]
JSON = ((b"host", GOOD.encode()), (b"content-type", b"application/json"))


async def traffic(home: Home, name: str) -> None:
    """Real events through real stages: two that pass, one of them with a secret in it, and two that are denied."""
    feeds = [Feed(MetricsSink(live_session(home, name).metrics, session=name), is_required=False)]
    topology = Topology(measured(real_stages(), feeds), feeds)
    attach(topology)
    body = f'{{"key": "{GITHUB_TOKEN}"}}'.encode()
    async with anyio.create_task_group() as group:
        await group.start(topology.run)
        await topology.judge(captured())
        await topology.judge(captured(flow_id="two", body=body, headers=JSON))
        for number in range(2):
            denied = with_target(
                captured(flow_id=f"bad{number}"), host="bad.test", sni="bad.test", authority="bad.test"
            )
            await topology.judge(denied)
        topology.close()


def exposed(home: Home) -> dict[str, float]:
    """Series -> value, of one scrape."""
    lines = generate_latest(registry(home)).decode().splitlines()
    pairs = (line.rpartition(" ") for line in lines if not line.startswith("#"))
    return {series: float(value) for series, _, value in pairs}


async def test_what_passed_is_counted_by_verdict_reason_and_rule(home: Home) -> None:
    await traffic(home, "calm-otter")
    series = exposed(home)
    at = 'session="calm-otter"'
    assert series[f'vibedom_session_up{{runtime="local",{at}}}'] == 1
    assert series[f'vibedom_requests_total{{context="external",{at},verdict="allow"}}'] == 2
    assert series[f'vibedom_requests_total{{context="external",{at},verdict="deny"}}'] == 2
    assert series[f'vibedom_blocked_total{{reason="not-listed",{at}}}'] == 2
    found = [name for name in series if name.startswith("vibedom_findings_total") and 'action="scrub"' in name]
    assert len(found) == 1
    assert series[f"vibedom_scrub_seconds_count{{{at}}}"] == 4
    assert series[f'vibedom_scrub_seconds_bucket{{le="+Inf",{at}}}'] == 4
    assert 0 < series[f"vibedom_scrub_seconds_sum{{{at}}}"] < 10
    assert series[f'vibedom_channel_depth{{{at},stage="scrubber"}}'] == 0
    assert series[f'vibedom_sink_dropped_total{{{at},sink="metrics"}}'] == 0


async def test_no_label_holds_what_an_agent_can_make_up(home: Home) -> None:
    await traffic(home, "calm-otter")
    text = "\n".join(exposed(home))
    assert GOOD not in text
    assert "bad.test" not in text
    assert GITHUB_TOKEN not in text
    assert stat.S_IMODE(home.session("calm-otter").metrics.stat().st_mode) == 0o600


async def test_a_session_that_ended_long_ago_is_served_no_more(home: Home) -> None:
    await traffic(home, "calm-otter")
    state = home.session("calm-otter").state
    state.write_bytes(state.read_bytes().replace(b'"running"', b'"ended"'))
    assert any("calm-otter" in name for name in exposed(home))
    metrics = home.session("calm-otter").metrics
    metrics.write_bytes(re.sub(rb'"at":[0-9.]+', b'"at":1.0', metrics.read_bytes()))
    assert not any("calm-otter" in name for name in exposed(home))


@asynccontextmanager
async def prometheus(directory: Path, target: str) -> AsyncIterator[str]:
    """A real Prometheus that scrapes `target`; yields its address."""
    program = shutil.which("prometheus")
    if program is None:
        assert "CI" not in os.environ, "CI has to have it: apt-get install prometheus"
        pytest.skip("needs prometheus; on Debian: apt-get install prometheus")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    config = directory / "prometheus.yml"
    config.write_text(
        "global: {scrape_interval: 300ms, scrape_timeout: 300ms}\n"
        f"scrape_configs: [{{job_name: vibedom, static_configs: [{{targets: ['{target}']}}]}}]\n"
    )
    argv = [program, f"--config.file={config}", f"--storage.tsdb.path={directory}/data"]
    async with await anyio.open_process(
        [*argv, f"--web.listen-address=127.0.0.1:{port}"], stdout=None, stderr=None, cwd=directory
    ) as process:
        try:
            yield f"http://127.0.0.1:{port}"
        finally:
            process.kill()


async def asked(client: aiohttp.ClientSession, address: str, query: str) -> list[dict[str, Any]]:
    """The result of a PromQL query as soon as there is one."""
    with anyio.fail_after(40):
        while True:
            try:
                async with client.get(f"{address}/api/v1/query", params={"query": query}) as answer:
                    result: list[dict[str, Any]] = (await answer.json())["data"]["result"]
                    if result:
                        return result
            except (aiohttp.ClientError, KeyError):
                pass
            await anyio.sleep(0.1)


async def test_a_real_prometheus_scrapes_all_sessions_and_answers_the_dashboards_questions(
    home: Home, tmp_path: Path
) -> None:
    await traffic(home, "calm-otter")
    await traffic(home, "bold-lynx")
    async with (
        exporting(home, "127.0.0.1:0") as where,
        prometheus(tmp_path, where.removeprefix("http://").removesuffix("/metrics")) as address,
        aiohttp.ClientSession() as client,
    ):
        (total,) = await asked(client, address, "sum(vibedom_requests_total{verdict='deny'})")
        assert total["value"][1] == "4"
        assert len(await asked(client, address, "vibedom_session_up == 1")) == 2
        for query in grafana_queries():
            async with client.get(f"{address}/api/v1/query", params={"query": query}) as answer:
                assert (await answer.json())["status"] == "success", query


def grafana_queries() -> list[str]:
    dashboard = json.loads((ROOT / "docs/grafana-dashboard.json").read_text())
    queries = [target["expr"] for panel in dashboard["panels"] for target in panel.get("targets", ())]
    replaced = {"$__rate_interval": "1m", "$__range": "1h", "$session": ".*"}
    for name, value in replaced.items():
        queries = [query.replace(name, value) for query in queries]
    return queries


async def test_the_grafana_dashboard_and_the_docs_name_exactly_what_is_served(home: Home) -> None:
    await traffic(home, "calm-otter")
    families = {
        match[1] + ("_total" if match[2] == "counter" else "")
        for match in re.finditer(r"^# TYPE (\w+?)(?:_total)? (\w+)$", generate_latest(registry(home)).decode(), re.M)
    }
    asked_for = {
        re.sub(r"_(bucket|sum|count)$", "", name)
        for query in grafana_queries()
        for name in re.findall(r"\bvibedom_\w+", query)
    }
    assert asked_for <= families
    documented = set(re.findall(r"`(vibedom_\w+)`", (ROOT / "docs/metrics.md").read_text()))
    assert documented == families


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 200),
        ({"Host": "evil.test"}, 421),
        ({"Origin": "http://evil.test"}, 403),
        ({"Sec-Fetch-Site": "cross-site"}, 403),
    ],
)
async def test_no_web_site_reads_them(home: Home, headers: dict[str, str], status: int) -> None:
    async with (
        exporting(home, "127.0.0.1:0") as where,
        aiohttp.ClientSession() as client,
        client.get(where, headers=headers) as answer,
    ):
        assert answer.status == status


async def test_a_unix_socket_is_for_its_owner_only_and_goes_away(home: Home, tmp_path: Path) -> None:
    path = tmp_path / "m.sock"
    async with exporting(home, f"unix:{path}"):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        async with (
            aiohttp.ClientSession(connector=aiohttp.UnixConnector(os.fspath(path))) as client,
            client.get("http://localhost/metrics") as answer,
        ):
            assert answer.status == 200
        with pytest.raises(PortBusyError, match=r"m\.sock cannot be made"):
            async with exporting(home, f"unix:{path}"):
                pass
    assert not path.exists()


@pytest.mark.parametrize("listen", ["0.0.0.0:9464", "[::]:1", "example.com:80", "9464", "127.0.0.1:99999"])
async def test_metrics_never_leave_this_machine(home: Home, listen: str) -> None:
    with pytest.raises(UsageError, match="metrics stay on this machine"):
        async with exporting(home, listen):
            pass
