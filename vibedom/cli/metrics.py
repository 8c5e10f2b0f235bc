"""`vibedom metrics`: figures of all sessions, for Prometheus."""

import anyio
import anyio.to_thread
import asyncclick as click

from vibedom.cli import render
from vibedom.paths import home as find_home


@click.command()
@click.option(
    "--listen",
    metavar="WHERE",
    help="127.0.0.1:PORT or unix:PATH. Default: `[metrics] listen` in policy.toml, else 127.0.0.1:9464.",
)
@click.option("--once", is_flag=True, help="Print the figures and end.")
async def command(listen: str | None, once: bool) -> None:
    """Serve the figures of all sessions to Prometheus until Ctrl-C, on this machine only.

    \b
    vibedom metrics                            http://127.0.0.1:9464/metrics
    vibedom metrics --listen unix:/run/vibedom/metrics.sock
    vibedom metrics --once | grep blocked      without a server

    Names and labels are in docs/metrics.md; docs/grafana-dashboard.json shows them.
    """
    from prometheus_client import generate_latest

    from vibedom.settings import metrics_listen
    from vibedom.web.exporter import exporting
    from vibedom.web.exposition import registry

    state = find_home()
    if once:
        text = await anyio.to_thread.run_sync(generate_latest, registry(state))
        render.out(text.decode().rstrip("\n"))
        return
    where: str = await anyio.to_thread.run_sync(metrics_listen, state) if listen is None else listen
    async with exporting(state, where) as address:
        render.out(address)
        render.err("serving the metrics of all sessions; Ctrl-C ends it", "dim")
        await anyio.sleep_forever()
