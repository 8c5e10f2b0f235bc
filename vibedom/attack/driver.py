"""Runs inside the sandbox, on its own interpreter: every program of a file, one after the other, a line for each."""

import json
import os
import subprocess
import sys

ROW_SECONDS = 60


def main() -> None:
    """`argv`: the file with `[[name, program], ...]` and the facts for them."""
    with open(sys.argv[1]) as file:
        orders = json.load(file)
    environment = {**os.environ, "FAR": json.dumps(orders["far"])}
    for name, program in orders["rows"]:
        try:
            done = subprocess.run(
                [sys.executable, "-c", program],
                env=environment,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                errors="replace",
                timeout=ROW_SECONDS,
            )
            seen = done.stdout or done.stderr[-300:]
        except (OSError, subprocess.TimeoutExpired) as exc:
            seen = type(exc).__name__
        sys.stdout.write(json.dumps([name, seen]) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
