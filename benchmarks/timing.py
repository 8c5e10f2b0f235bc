"""Times of repeated calls, and what they were measured on."""

import os
import platform
import time
from collections.abc import Callable
from pathlib import Path


def times(call: Callable[[bytes], object], data: bytes, budget: float = 0.5, most: int = 200) -> list[float]:
    """Seconds of this thread's work in each of up to `most` calls over `data`, ascending.

    Two calls at least, none begun after `budget` seconds, and one before them that is not counted: patterns are made
    when they are first needed. What other programs do on the machine does not count.
    """
    call(data)
    taken: list[float] = []
    began = time.perf_counter()
    while len(taken) < 2 or (len(taken) < most and time.perf_counter() - began < budget):
        start = time.thread_time()
        call(data)
        taken.append(time.thread_time() - start)
    return sorted(taken)


def median(taken: list[float]) -> float:
    return taken[len(taken) // 2]


def percentile99(taken: list[float]) -> float:
    """The 99th percentile; of fewer than a hundred times it is the greatest."""
    return taken[min(len(taken) - 1, int(len(taken) * 0.99))]


def machine() -> dict[str, object]:
    cpu = next((line for line in _lines("/proc/cpuinfo") if line.startswith("model name")), "").partition(": ")[2]
    return {
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.machine()}",
        "cpu": cpu,
        "cores": os.cpu_count(),
        "load": round(os.getloadavg()[0], 2),
    }


def resident_bytes() -> int:
    """Memory of this process, 0 where it cannot be told."""
    fields = [line for line in _lines("/proc/self/status") if line.startswith("VmRSS")]
    return int(fields[0].split()[1]) * 1024 if fields else 0


def _lines(path: str) -> list[str]:
    try:
        return Path(path).read_text().splitlines()
    except OSError:
        return []
