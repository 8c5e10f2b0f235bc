"""What a start brings along: every library that it does not need is time before the agent's first byte."""

import subprocess
import sys
from pathlib import Path

import pytest

NEVER = (
    "aioquic",
    "service_identity",
    "ldap3",
    "textual",
    "duckdb",
    "apprise",
    "nats",
    "redis",
    "prometheus_client",
)
"""Nothing of a session without such a sink needs them."""
WHILE_THE_ENGINE_WORKS = ("mitmproxy", "h2", "dns", "ruamel.yaml", "vibedom.wiring")
"""What judges the traffic: imported in a thread, while the runtime makes the sandbox."""
AT_ONCE = "import vibedom.cli.main, vibedom.cli.run, vibedom.cli.run_session"


@pytest.mark.parametrize(
    ("imports", "unwanted"),
    [
        ("import vibedom.cli.main", (*NEVER, *WHILE_THE_ENGINE_WORKS, "aiohttp", "cryptography", "hyperscan")),
        (AT_ONCE, (*NEVER, *WHILE_THE_ENGINE_WORKS, "aiohttp")),
        (f"{AT_ONCE}, vibedom.groundwork, vibedom.sandbox.docker, vibedom.sandbox.local", NEVER),
    ],
    ids=["--help", "run, before the engine is asked", "run"],
)
def test_a_start_imports_what_it_needs_and_no_more(imports: str, unwanted: tuple[str, ...]) -> None:
    script = f"import sys; {imports}; print(*sorted(set({unwanted!r}) & sys.modules.keys()))"
    said = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=60)
    assert said.stdout.split() == []


def test_what_stands_in_for_quic_cannot_be_used() -> None:
    script = (
        "import vibedom.proxy.layers; from mitmproxy.proxy.layers import http, quic\n"
        "for each in (quic.ServerQuicLayer, quic.ClientQuicLayer, http.Http3Server, http.Http3Client):\n"
        "    try: each(None)\n"
        "    except RuntimeError as exc: print(exc)\n"
    )
    said = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=60)
    assert said.stdout == "vibedom speaks no QUIC and no HTTP/3\n" * 4


def test_nothing_is_imported_from_the_directory_it_is_called_in(tmp_path: Path) -> None:
    for name in ("anyio", "attr", "msgspec", "pipeline", "sinks", "vibedom_local"):
        (tmp_path / f"{name}.py").write_text(f"open('ran-{name}', 'w').close()\n")
    done = subprocess.run(
        [sys.executable, "-m", "vibedom", "rules", "list"], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert not list(tmp_path.glob("ran-*"))
