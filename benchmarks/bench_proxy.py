"""What the border costs in requests, latency, time to the first event and memory, against mitmproxy without vibedom.

python -m benchmarks.bench_proxy [--json FILE] [--quick] [--memory]

The proxies take turns, a few hundred exchanges each, in one run on one machine, so that a busy moment hits all of them.
There are two baselines: `mitmproxy` as it comes, and `bare`, mitmproxy with the addons that forward and no other. The
origin answers at once and is on the same machine, which no real one is: `json_512k_remote` has one that takes 20 ms.
`json_512k` is as long in both directions, `answer_512k` a long answer to a short request, `upload_512k` a long request
with a short answer, as each turn of an agent is. Bodies are never remembered, only parts of heads. Rows that begin
with `tls` go through a tunnel and are intercepted, on both sides alike.
"""

import argparse
import asyncio
import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import msgspec

from benchmarks.proxy.client import Client
from benchmarks.proxy.kinds import HOST
from benchmarks.proxy.origin import TLS_HOST, document
from benchmarks.timing import machine, median, percentile99

KINDS = ("bare", "mitmproxy", "layers", "vibedom")
BASELINE, BARE = "mitmproxy", "bare"
PARALLEL = 8
FLOWS = 10_000
Samples = dict[str, list[float]]


class Proxy:
    """A running proxy of one kind, and the names it knows the two origins by."""

    def __init__(self, kind: str, pid: int, port: int, origins: tuple[int, int]) -> None:
        self.kind = kind
        self.pid = pid
        self.port = port
        is_plain = kind in (BASELINE, BARE)
        self._host = f"127.0.0.1:{origins[0]}" if is_plain else HOST
        self._tls_host = f"localhost:{origins[1]}" if is_plain else TLS_HOST

    def client(self, *, is_tls: bool = False) -> Client:
        return Client(self.port, self._tls_host if is_tls else self._host, is_tls=is_tls)

    def resident_bytes(self) -> int:
        lines = Path(f"/proc/{self.pid}/status").read_text().splitlines()
        return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmRSS"))


@contextmanager
def process(*arguments: str) -> Iterator[tuple[int, int]]:
    """A module of this package in a process of its own: its pid, and the port it prints."""
    with subprocess.Popen([sys.executable, "-m", *arguments], stdout=subprocess.PIPE) as running:
        assert running.stdout is not None
        try:
            yield running.pid, int(running.stdout.readline())
        finally:
            running.kill()


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """Exchanges of one shape: bytes of JSON sent and received, the origin's milliseconds."""

    sent: int
    received: int
    think_ms: int = 0
    is_tls: bool = False
    counts: tuple[int, int]
    """Exchanges in a round, and in one of a quick run."""


SMALL, LARGE = 2 * 1024, 512 * 1000
ROWS = {
    "json_2k": Row(sent=SMALL, received=SMALL, counts=(300, 100)),
    "json_512k": Row(sent=LARGE, received=LARGE, counts=(40, 10)),
    "answer_512k": Row(sent=SMALL, received=LARGE, counts=(40, 10)),
    "upload_512k": Row(sent=LARGE, received=SMALL, counts=(40, 10)),
    "json_512k_remote": Row(sent=LARGE, received=LARGE, think_ms=20, counts=(20, 5)),
    "tls_2k": Row(sent=SMALL, received=SMALL, is_tls=True, counts=(300, 100)),
    "tls_512k": Row(sent=LARGE, received=LARGE, is_tls=True, counts=(40, 10)),
    "tls_upload_512k": Row(sent=LARGE, received=SMALL, is_tls=True, counts=(40, 10)),
}


async def latencies(proxies: list[Proxy], row: Row, count: int, rounds: int) -> Samples:
    """Seconds of one exchange after the other, by kind."""
    body, taken = document(row.sent), {proxy.kind: list[float]() for proxy in proxies}
    for number in range(rounds + 1):
        for proxy in proxies:
            client = proxy.client(is_tls=row.is_tls)
            times = [await client.post(row.received, body, row.think_ms) for _ in range(count)]
            client.close()
            if number:  # the first round warms up
                taken[proxy.kind] += times
    return {kind: sorted(times) for kind, times in taken.items()}


async def throughput(proxy: Proxy, count: int) -> float:
    """Exchanges of 2 KB a second on several connections at once."""
    body = document(SMALL)

    async def work() -> None:
        client = proxy.client()
        for _ in range(count // PARALLEL):
            await client.post(SMALL, body)
        client.close()

    loop = asyncio.get_running_loop()
    began = loop.time()
    await asyncio.gather(*(work() for _ in range(PARALLEL)))
    return count / (loop.time() - began)


async def first_events(proxies: list[Proxy], count: int, rounds: int) -> tuple[Samples, Samples]:
    """Time to the first event, and every event's way from the origin, by kind."""
    first, ways = {p.kind: list[float]() for p in proxies}, {p.kind: list[float]() for p in proxies}
    for number in range(rounds + 1):
        for proxy in proxies:
            client = proxy.client()
            for _ in range(count):
                seconds, taken = await client.events()
                if number:
                    first[proxy.kind].append(seconds)
                    ways[proxy.kind] += taken
            client.close()
    return {k: sorted(v) for k, v in first.items()}, {k: sorted(v) for k, v in ways.items()}


async def growth(proxy: Proxy, flows: int) -> dict[str, float]:
    """Memory before and after many exchanges, once the proxy is warm."""
    await throughput(proxy, max(flows // 10, PARALLEL))
    before = proxy.resident_bytes()
    await throughput(proxy, flows)
    after = proxy.resident_bytes()
    return {"flows": flows, "before_mb": before / 1e6, "after_mb": after / 1e6, "grown_mb": (after - before) / 1e6}


def summary(samples: Samples) -> dict[str, Any]:
    """Milliseconds by kind, with the ratio to the baseline."""
    base, bare = median(samples[BASELINE]), median(samples[BARE])
    return {
        kind: {
            "p50_ms": round(median(times) * 1e3, 3),
            "p99_ms": round(percentile99(times) * 1e3, 3),
            "added_p50_ms": round((median(times) - base) * 1e3, 3),
            "added_p99_ms": round((percentile99(times) - percentile99(samples[BASELINE])) * 1e3, 3),
            "p50_ratio": round(median(times) / base, 3),
            "p50_ratio_bare": round(median(times) / bare, 3),
            "samples": len(times),
        }
        for kind, times in samples.items()
    }


async def measure(proxies: list[Proxy], *, is_quick: bool) -> dict[str, Any]:
    """All figures of one run."""
    rounds = 2 if is_quick else 8
    found: dict[str, Any] = {"machine": machine(), "baseline": BASELINE}
    for name, row in ROWS.items():
        found[name] = summary(await latencies(proxies, row, row.counts[is_quick], rounds))
    first, ways = await first_events(proxies, 10 if is_quick else 30, rounds)
    found["first_event"], found["event_way"] = summary(first), summary(ways)
    found["requests_per_second"] = {p.kind: round(await throughput(p, 200 if is_quick else 2000), 1) for p in proxies}
    return found | await memory(proxies, 1000 if is_quick else FLOWS)


async def memory(proxies: list[Proxy], flows: int) -> dict[str, Any]:
    """How much the proxies grow over so many exchanges."""
    return {"memory": {p.kind: await growth(p, flows) for p in proxies if p.kind in (BASELINE, "vibedom")}}


def show(found: dict[str, Any]) -> None:
    for name in (*ROWS, "first_event", "event_way"):
        if name not in found:
            continue
        print(name)
        for kind, figures in found[name].items():
            print(
                f"  {kind:10} p50 {figures['p50_ms']:8.3f} ms   p99 {figures['p99_ms']:8.3f} ms"
                f"   {figures['p50_ratio']:.2f}x {BASELINE}   {figures['p50_ratio_bare']:.2f}x {BARE}"
            )
    if "requests_per_second" in found:
        print("requests a second  " + "   ".join(f"{k} {v}" for k, v in found["requests_per_second"].items()))
    for kind, figures in found["memory"].items():
        grown, whole = figures["grown_mb"], figures["after_mb"]
        print(f"memory  {kind}: {grown:+.1f} MB over {figures['flows']} flows ({whole:.0f} MB)")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", type=Path, help="write the figures to this file")
    parser.add_argument("--quick", action="store_true", help="fewer exchanges")
    parser.add_argument("--memory", action="store_true", help="only what the proxies grow over 10,000 exchanges")
    arguments = parser.parse_args()
    with TemporaryDirectory() as directory, ExitStack() as stack:
        _, origin = stack.enter_context(process("benchmarks.proxy.origin"))
        _, tls_origin = stack.enter_context(process("benchmarks.proxy.origin", directory))
        proxies = []
        for kind in KINDS:
            places = (str(Path(directory) / "ca.pem"), str(Path(directory) / kind))
            origins = (str(origin), str(tls_origin))
            pid, port = stack.enter_context(process("benchmarks.proxy.kinds", kind, *origins, *places))
            proxies.append(Proxy(kind, pid, port, (origin, tls_origin)))
        measuring = memory(proxies, FLOWS) if arguments.memory else measure(proxies, is_quick=arguments.quick)
        found = asyncio.run(measuring)
    show(found)
    if arguments.json:
        arguments.json.write_text(json.dumps(found, indent=2) + "\n")


if __name__ == "__main__":
    main()
