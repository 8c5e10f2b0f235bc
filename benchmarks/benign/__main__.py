"""What the shipped rules find in text without secrets: `python -m benchmarks.benign [--mb 150] [--show 5]`.

E-mail addresses, phone numbers and private addresses in packages are what they look like and are counted apart.
"""

import argparse
import json
import time
from collections import Counter, defaultdict
from pathlib import Path

from benchmarks.benign.corpus import bodies
from pipeline.scrubber.engine import build_engine
from vibedom.rule_files import load_shipped


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--mb", type=int, default=150, help="size of the corpus (default 150)")
    parser.add_argument("--show", type=int, default=5, help="findings shown for each rule (default 5)")
    parser.add_argument("--json", type=Path, help="write the figures to this file")
    args = parser.parse_args()
    engine = build_engine(load_shipped())
    size, began = 0, time.perf_counter()
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    for name, body in bodies(args.mb * 1_000_000):
        size += len(body)
        for span in engine.find(body):
            rule = engine.rules[span.rule]
            counts[rule.secret_class][rule.id] += 1
            if rule.secret_class in ("secret", "credential") and counts[rule.secret_class][rule.id] <= args.show:
                front = body[max(0, span.start - 40) : span.start].decode("utf-8", "replace")
                found = body[span.start : span.end][:60].decode("utf-8", "replace")
                print(f"{rule.id}  {name}  {front!r} >> {found!r}")
    seconds = time.perf_counter() - began
    report(size, seconds, counts, args.json)


def report(size: int, seconds: float, counts: dict[str, Counter[str]], file: Path | None) -> None:
    megabytes = size / 1e6
    secrets = sum(counts["secret"].values()) + sum(counts["credential"].values())
    print(f"{megabytes:.1f} MB in {seconds:.1f} s")
    for kind, rules in sorted(counts.items()):
        print(f"{kind}: {sum(rules.values())}  " + ", ".join(f"{rule} {n}" for rule, n in rules.most_common()))
    print(f"secrets and credentials: {10 * secrets / megabytes:.2f} per 10 MB")
    if file:
        figures = {"mb": megabytes, "secrets_per_10_mb": 10 * secrets / megabytes, "findings": counts}
        file.write_text(json.dumps(figures, indent=2) + "\n")


if __name__ == "__main__":
    main()
