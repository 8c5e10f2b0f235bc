"""`vibedom fleet` as its user calls it."""

import os
import subprocess
import sys
from pathlib import Path


def fleet(home: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
    environment = os.environ | {"VIBEDOM_HOME": str(home)}
    command = [sys.executable, "-m", "vibedom", "fleet", *arguments]
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=100, check=False)
