"""`make bench`: every benchmark, one after the other. `--json FILE` gathers their figures in one file."""

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path

BENCHMARKS = (
    "bench_scrubber",
    "bench_stream",
    "bench_scan",
    "bench_sinks",
    "bench_proxy",
    "bench_startup",
    "bench_diff",
)
HAS_QUICK = frozenset({"bench_scrubber", "bench_stream", "bench_scan", "bench_sinks", "bench_proxy"})


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"only these of {', '.join(BENCHMARKS)}")
    parser.add_argument("--quick", action="store_true", help="smaller bodies and fewer rounds")
    parser.add_argument("--json", metavar="FILE", help="write all figures to FILE")
    args = parser.parse_args()
    unknown = set(args.names) - set(BENCHMARKS)
    if unknown:
        parser.error(f"no benchmark {', '.join(sorted(unknown))}; there are {', '.join(BENCHMARKS)}")
    gathered: dict[str, object] = {}
    with tempfile.TemporaryDirectory() as directory:
        for name in args.names or BENCHMARKS:
            print(f"\n== {name} ==", flush=True)
            figures = Path(directory) / f"{name}.json"
            quick = ["--quick"] if args.quick and name in HAS_QUICK else []
            subprocess.run([sys.executable, "-m", f"benchmarks.{name}", *quick, "--json", str(figures)], check=True)
            gathered[name] = json.loads(figures.read_text())
    if args.json:
        Path(args.json).write_text(json.dumps(gathered, indent=1) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
