"""How fast secrets are found: the engine against the loops other tools run, and against one pass over the same buffer.

python -m benchmarks.bench_scrubber [--json FILE] [--quick] [--rules FILE ...]

Everything is a ratio taken in one run; the rules are the shipped ones unless files are named.
"""

import argparse
import json
import random
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from benchmarks import corpus
from benchmarks.adversarial import ADVERSARIAL
from benchmarks.baselines import acceptors_of, keyword_loop, naive_loop, re2_set
from benchmarks.timing import machine, median, percentile99, resident_bytes, times
from pipeline.scrubber.engine import MatchEngine, build_engine
from pipeline.scrubber.rules import RuleSet, merge, parse_rules
from vibedom.rule_files import load_shipped

SEED = 4
KB = 1024
FULL = 512 * KB
SIZES = (1 * KB, 16 * KB, 64 * KB, 256 * KB, FULL)
COUNTS = (0, 1, 50)
Row = dict[str, Any]


def body(kind: str, size: int, secrets: int) -> bytes:
    rng = random.Random(f"{SEED} {kind} {size} {secrets}")
    made = corpus.BODIES[kind](random.Random(f"{SEED} {kind}"), size)
    fitting = min(secrets, max(1, size // 40)) if secrets else 0
    return corpus.planted(made, corpus.secrets(rng, fitting), rng)


def by_size(engine: MatchEngine, sizes: Sequence[int], budget: float) -> list[Row]:
    """The engine alone, for every kind of body, size and number of secrets."""
    rows = []
    for kind in corpus.BODIES:
        for size in sizes:
            for secrets in COUNTS:
                data = body(kind, size, secrets)
                taken = times(engine.find, data, budget)
                rows.append(
                    {
                        "body": kind,
                        "bytes": len(data),
                        "secrets": secrets,
                        "found": len(engine.find(data)),
                        "p50_ms": median(taken) * 1e3,
                        "p99_ms": percentile99(taken) * 1e3,
                        "MB_per_s": len(data) / median(taken) / 1e6,
                    }
                )
    return rows


def against(engine: MatchEngine, portable: MatchEngine, rules: RuleSet, budget: float, *, quick: bool) -> list[Row]:
    """One pass of `bytes.count`, the engine, the portable one, and the loops, on clean bodies."""
    acceptors = acceptors_of(rules)
    naive, keyword, re2_engine = naive_loop(acceptors), keyword_loop(acceptors), re2_set(acceptors)
    rows = []
    for kind in corpus.BODIES:
        size = 64 * KB if quick else FULL
        data = body(kind, size, 0)
        own = median(times(engine.find, data, budget))
        row: Row = {"body": kind, "bytes": len(data), "engine_ms": own * 1e3}
        row["count"] = own / median(times(one_pass, data, budget))
        row["portable"] = median(times(portable.find, data, budget, most=20)) / own
        row["re2_set"] = median(times(re2_engine, data, budget, most=5)) / own
        # The loops take seconds for a body: one call on the chat, and on a piece of the others.
        part = data if kind == "chat" and not quick else data[: 16 * KB]
        small = own if part is data else median(times(engine.find, part, budget))
        row["keyword_loop"] = _once(keyword, part) / small
        row["naive_loop"] = _once(naive, part) / small
        row["loop_bytes"] = len(part)
        rows.append(row)
    return rows


def one_pass(data: bytes) -> int:
    """What nothing that reads every byte can be faster than."""
    return data.count(b"\x01")


def _once(search: Callable[[bytes], object], data: bytes) -> float:
    start = time.thread_time()
    search(data)
    return time.thread_time() - start


def adversarial(engine: MatchEngine, rules: RuleSet, budget: float, *, quick: bool) -> list[Row]:
    """Linear or not: 512 KB against 64 KB, and the RE2 set on the same bodies."""
    large = 128 * KB if quick else FULL
    re2_engine = re2_set(acceptors_of(rules))
    rows = []
    for name, make in ADVERSARIAL.items():
        small_body, large_body = make(large // 8), make(large)
        taken = times(engine.find, large_body, budget, most=20)
        small = median(times(engine.find, small_body, budget, most=20))
        rows.append(
            {
                "body": name,
                "bytes": large,
                "found": len(engine.find(large_body)),
                "p50_ms": median(taken) * 1e3,
                "p99_ms": percentile99(taken) * 1e3,
                "times_an_eighth": median(taken) / small,
                "re2_set": _once(re2_engine, large_body) / median(taken),
            }
        )
    return rows


def gil(engine: MatchEngine) -> Row:
    """How long another thread is kept waiting while bodies are searched, and how much of the time it gets to run."""
    stalls: list[float] = []
    stop = threading.Event()
    bodies = [body("chat", FULL, 50), ADVERSARIAL["assignments"](FULL)]

    def search() -> None:
        while not stop.is_set():
            for data in bodies:
                engine.find(data)

    thread = threading.Thread(target=search)
    thread.start()
    ticks, began, last = 0, time.perf_counter(), time.perf_counter()
    while last - began < 2.0:
        now = time.perf_counter()
        stalls.append(now - last)
        last = now
        ticks += 1
    stop.set()
    thread.join()
    ordered = sorted(stalls)
    held = sum(stall for stall in ordered if stall > 1e-4)
    return {"held_share": held / (last - began), "longest_stall_ms": ordered[-1] * 1e3, "ticks": ticks}


_START = """
import sys, time
from pathlib import Path
import hyperscan, re2, msgspec
from pipeline.scrubber.engine import build_engine
from vibedom.rule_files import load_rules
from vibedom.rule_cache import RuleCache
began = time.perf_counter()
cache = RuleCache(Path(sys.argv[1]))
engine = build_engine(load_rules(cache=cache), cache=cache)
built = time.perf_counter()
engine.find(b"password = 'x'")
print(built - began, time.perf_counter() - began)
"""


def start(budget: float) -> Row:
    """Seconds from imported modules to the first answer of the shipped rules: nothing cached, and all of it."""
    with tempfile.TemporaryDirectory() as directory:
        cold = _started(directory)
        warm = min(_started(directory) for _ in range(3 if budget < 0.3 else 7))
    return {"cold_s": cold, "cached_s": warm}


def _started(directory: str) -> float:
    done = subprocess.run([sys.executable, "-c", _START, directory], capture_output=True, text=True, check=True)
    return float(done.stdout.split()[1])


def measure(rules: RuleSet, *, quick: bool) -> Row:
    budget = 0.1 if quick else 0.4
    before, began = resident_bytes(), time.perf_counter()
    engine = build_engine(rules)
    compiled = time.perf_counter() - began
    portable = build_engine(rules, native=False)
    return {
        "machine": machine(),
        "rules": len(engine.rules),
        "engine": type(engine).__name__,
        "compile_s": compiled,
        "memory_mb": (resident_bytes() - before) / 1e6,
        "against": against(engine, portable, rules, budget, quick=quick),
        "by_size": by_size(engine, SIZES[::2] if quick else SIZES, budget / 4),
        "adversarial": adversarial(engine, rules, budget / 2, quick=quick),
        "gil": gil(engine),
        "start": start(budget),
    }


def shown(result: Row) -> str:
    lines = [
        f"{result['rules']} rules, {result['engine']}, {result['machine']}",
        f"compiled in {result['compile_s']:.1f} s, {result['memory_mb']:.0f} MB; start: nothing cached "
        f"{result['start']['cold_s']:.2f} s, cached {result['start']['cached_s']:.3f} s",
        f"GIL held {100 * result['gil']['held_share']:.0f} % of the time, never longer than "
        f"{result['gil']['longest_stall_ms']:.1f} ms",
        "",
        "clean body        KB       ms  x count  re2 set   keyword      naive portable",
    ]
    for row in result["against"]:
        lines.append(
            f"{row['body']:14} {row['bytes'] // KB:5} {row['engine_ms']:8.3f} {row['count']:8.1f} "
            f"{row['re2_set']:7.0f}x {row['keyword_loop']:8.0f}x {row['naive_loop']:9.0f}x {row['portable']:7.1f}x"
        )
    lines += ["", f"{'body':14} {'KB':>5} {'secrets':>8} {'found':>6} {'p50 ms':>9} {'p99 ms':>9} {'MB/s':>7}"]
    for row in result["by_size"]:
        lines.append(
            f"{row['body']:14} {row['bytes'] // KB:5} {row['secrets']:8} {row['found']:6} {row['p50_ms']:9.3f} "
            f"{row['p99_ms']:9.3f} {row['MB_per_s']:7.0f}"
        )
    lines += ["", f"{'adversarial':22} {'found':>6} {'p50 ms':>8} {'p99 ms':>8} {'x 1/8':>6} {'re2 set':>8}"]
    for row in result["adversarial"]:
        lines.append(
            f"{row['body']:22} {row['found']:6} {row['p50_ms']:8.1f} {row['p99_ms']:8.1f} "
            f"{row['times_an_eighth']:6.1f} {row['re2_set']:7.1f}x"
        )
    return "\n".join(lines)


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", type=Path, metavar="FILE")
    parser.add_argument("--quick", action="store_true", help="smaller bodies, under a minute")
    parser.add_argument("--rules", type=Path, nargs="*", metavar="FILE", help="rule files instead of the shipped ones")
    options = parser.parse_args(arguments)
    if options.rules:
        rules = merge(*(parse_rules(path.read_text(), source=str(path)) for path in options.rules))
    else:
        rules = load_shipped()
    result = measure(rules, quick=options.quick)
    print(shown(result))
    if options.json:
        options.json.write_text(json.dumps(result, indent=1))


if __name__ == "__main__":
    main()
