"""How fast records are written: the chained audit log against the same lines without a chain, verifying, and alerts.

python -m benchmarks.bench_sinks [--json FILE] [--quick]
python -m benchmarks.bench_sinks --million    # the whole fan-out: no sink outside, one that answers, one that hangs
"""

import argparse
import json
import os
import platform
import random
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import get_args

import anyio
import msgspec

from benchmarks.fan_out import Load, Outside, run_load
from pipeline.events import Finding, Record
from sinks import chain
from sinks.alert_engine import AlertEngine
from sinks.jsonl import JsonlSink
from sinks.line import LineFormat
from sinks.verification import verify

SEED = 7
BATCHES = (1, 50, 500)


def corpus(count: int) -> list[Record]:
    """Records as an agent's traffic makes them: half requests, half answers, a finding in every tenth."""
    rng = random.Random(SEED)
    hosts = [f"host{n}.example.test" for n in range(20)]
    finding = Finding(
        rule="github-pat",
        secret_class="credential",
        action="scrub",
        direction="request",
        location="body $.messages[1].content",
        length=40,
        fingerprint="0011223344556677",
    )
    return [
        Record(
            kind="request" if number % 2 else "response",
            flow=f"{number:08x}",
            at=1.7e9 + number / 100,
            verdict="allow",
            reason="listed",
            rule="trusted_domains.txt:14 @claude api.anthropic.com",
            scheme="https",
            host=rng.choice(hosts),
            port=443,
            method="POST",
            path=f"/v1/messages?id={rng.randrange(10**9)}",
            status=200,
            content_type="application/json",
            context="public",
            findings=(finding,) if number % 10 == 0 else (),
            request_bytes=rng.randrange(10**6),
            response_bytes=rng.randrange(10**6),
            duration_ms=rng.random() * 1000,
        )
        for number in range(count)
    ]


def chunks(records: Sequence[Record], size: int) -> list[Sequence[Record]]:
    return [records[start : start + size] for start in range(0, len(records), size)]


def write_bytes(path: Path, batches: Sequence[Sequence[Record]]) -> list[float]:
    """The floor: the very bytes of the log, already made, written as they are."""
    form, times, seq, link = LineFormat("bench"), [], 0, chain.start("bench").hash
    with path.open("ab", buffering=0) as file:
        for batch in batches:
            lines = []
            for record in batch:
                seq += 1
                link, line = chain.seal(link, form.body(seq, record))
                lines.append(line)
            data = b"".join(lines)
            began = time.perf_counter()
            file.write(data)
            times.append(time.perf_counter() - began)
    return times


def write_plain(path: Path, batches: Sequence[Sequence[Record]]) -> list[float]:
    """The baseline: encoded and written, no chain, no lock, no head."""
    encode, times = msgspec.json.Encoder().encode, []
    with path.open("ab", buffering=0) as file:
        for batch in batches:
            began = time.perf_counter()
            file.write(b"".join(encode(record) + b"\n" for record in batch))
            times.append(time.perf_counter() - began)
    return times


def write_chained(path: Path, batches: Sequence[Sequence[Record]]) -> list[float]:
    """Through the sink, as the topology does it, fsync included."""

    async def run() -> list[float]:
        sink, times = JsonlSink(path, session="bench"), []
        for batch in batches:
            began = time.perf_counter()
            await sink.write(batch)
            times.append(time.perf_counter() - began)
        await sink.aclose()
        return times

    return anyio.run(run)


def row(name: str, size: int, count: int, times: list[float], baseline: float | None) -> dict[str, object]:
    total = sum(times)
    ordered = sorted(times)
    return {
        "name": name,
        "batch": size,
        "records_per_second": round(count / total),
        "p50_us": round(statistics.median(times) * 1e6, 1),
        "p99_us": round(ordered[int(len(ordered) * 0.99)] * 1e6, 1),
        "ratio": round(total / baseline, 2) if baseline else 1.0,
    }


def measure(count: int) -> list[dict[str, object]]:
    """One row for each way of writing and batch size; `ratio` is to `plain` with the same batch in the same run."""
    records, rows = corpus(count), []
    with TemporaryDirectory() as directory:
        for size in BATCHES:
            batches = chunks(records, size)
            plain = write_plain(Path(directory) / f"plain{size}", batches)
            rows.append(row("plain", size, count, plain, None))
            rows.append(row("bytes", size, count, write_bytes(Path(directory) / f"bytes{size}", batches), sum(plain)))
            chained = write_chained(Path(directory) / f"{size}.jsonl", batches)
            rows.append(row("chained", size, count, chained, sum(plain)))
        rows.append(row("verify", count, count, [_timed(lambda: verify(Path(directory) / "500.jsonl"))], None))
    engine = AlertEngine(session="bench")
    rows.append(row("alerts", count, count, [_timed(lambda: engine.feed(records))], None))
    return rows


def measure_load(count: int, rounds: int = 1) -> list[dict[str, object]]:
    """The fan-out without a sink outside, with one that answers and with one that hangs, in turns; the better run of
    each counts. Ratios are to the first."""
    records = corpus(10_000)
    runs: dict[Outside, Load] = {}
    for _ in range(rounds):
        for outside in get_args(Outside):
            with TemporaryDirectory() as directory:
                load = anyio.run(partial(run_load, Path(directory), records, count, outside=outside))
            best = runs.get(outside)
            runs[outside] = load if best is None or load.p50_us < best.p50_us else best
    base = runs["none"]
    return [
        {**msgspec.to_builtins(load), "outside": outside, "p50_ratio": round(load.p50_us / base.p50_us, 2),
         "p99_ratio": round(load.p99_us / base.p99_us, 2), "records_per_second": round(count / load.seconds)}
        for outside, load in runs.items()
    ]  # fmt: skip


def _timed(call: Callable[[], object]) -> float:
    began = time.perf_counter()
    call()
    return time.perf_counter() - began


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", type=Path, help="write the rows to FILE")
    parser.add_argument("--quick", action="store_true", help="5,000 records instead of 100,000")
    parser.add_argument("--million", action="store_true", help="1,000,000 records through the whole fan-out")
    options = parser.parse_args()
    if options.million:
        loads = measure_load(1_000_000)
        sys.stdout.write("".join(f"{json.dumps(each)}\n" for each in loads))
        if options.json:
            options.json.write_text(json.dumps(loads, indent=2) + "\n")
        return
    rows = measure(5_000 if options.quick else 100_000)
    machine = f"{platform.machine()}, {os.cpu_count()} CPUs, Python {platform.python_version()}"
    sys.stdout.write(f"{machine}\n{'':10}{'batch':>8}{'records/s':>12}{'p50 us':>10}{'p99 us':>10}{'ratio':>8}\n")
    for each in rows:
        figures = (each["batch"], each["records_per_second"], each["p50_us"], each["p99_us"], each["ratio"])
        sys.stdout.write(
            f"{each['name']:10}{figures[0]:>8}{figures[1]:>12}{figures[2]:>10}{figures[3]:>10}{figures[4]:>8}\n"
        )
    if options.json:
        options.json.write_text(json.dumps({"machine": machine, "rows": rows}, indent=2) + "\n")


if __name__ == "__main__":
    main()
