"""Fuzz one part of the scrubber: `python -m tests.fuzz bodies|splits|rules [seconds] [seed] [runs]`.

Ends with status 0 after that many seconds (60 where none are named) or runs, and prints how many inputs were tried. The
first input that breaks what is claimed is printed, and the status is 1; pin it in tests/fuzz/test_found.py.
"""

import os
import sys
import tempfile
import time
from pathlib import Path

NAMES = ("bodies", "splits", "rules")
SECONDS = 60.0


def main(arguments: list[str]) -> int:
    """The exit status."""
    if not arguments or arguments[0] not in NAMES:
        print(f"usage: python -m tests.fuzz {'|'.join(NAMES)} [seconds] [seed] [runs]", file=sys.stderr)
        return 2
    name = arguments[0]
    seconds = float(arguments[1]) if len(arguments) > 1 else SECONDS
    seed = int(arguments[2]) if len(arguments) > 2 else 1
    return fuzz(name, seconds, seed, int(arguments[3]) if len(arguments) > 3 else None)


def fuzz(name: str, seconds: float, seed: int, runs: int | None) -> int:
    """Never returns where libFuzzer ends the process itself."""
    import atheris  # type: ignore[import-untyped]

    with atheris.instrument_imports(include=["pipeline.scrubber"]):
        from tests.fuzz.targets import TARGETS, seeds
    target = TARGETS[name]()
    began = time.monotonic()
    count = 0

    def try_one(data: bytes) -> None:
        nonlocal count
        took = time.monotonic() - began
        if took > seconds or count == runs:
            print(f"{name}: {count} executions in {took:.0f} s, nothing found", flush=True)
            os._exit(0)  # libFuzzer takes any other end for a crash
        count += 1
        try:
            target(data)
        except Exception:
            print(f"{name}: after {count} executions found {data!r}", flush=True)
            raise

    corpus = Path(tempfile.mkdtemp(prefix="vibedom-fuzz-"))
    for number, text in enumerate(seeds(name)):
        (corpus / f"{number:03d}").write_bytes(text)
    atheris.Setup(
        [sys.argv[0], f"-seed={seed}", "-max_len=2048", "-artifact_prefix=" + f"{corpus}/", str(corpus)], try_one
    )
    atheris.Fuzz()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
