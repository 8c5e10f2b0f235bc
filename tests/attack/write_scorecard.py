"""Writes the scorecard of docs/security.md: `vibedom doctor` by root and by an ordinary user who may use the engine.

    python -m tests.attack.write_scorecard

Needs root, which becomes the ordinary user.
"""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec

from tests.integration.local.test_ordinary_user import USER, copy_interpreter
from vibedom.attack.scorecard import markdown
from vibedom.attack.siege import Score

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "security.md"
SOCKET = Path("/var/run/docker.sock")
HEADING = "\n## Scorecard\n"


def cards(who: str, argv: Sequence[str], **options: object) -> dict[str, list[Score]]:
    """What doctor found, by runtime and user."""
    done = subprocess.run([*argv, "-m", "vibedom", "doctor", "--json"], capture_output=True, text=True, **options)  # type: ignore[call-overload]
    found = [f for f in json.loads(done.stdout) if f["name"].startswith("attacks ")]
    if len(found) != 2:
        raise SystemExit(f"doctor did not attack both runtimes as {who}: {done.stdout} {done.stderr}")
    return {f"{f['name'].removeprefix('attacks ')}, {who}": msgspec.convert(f["scores"], list[Score]) for f in found}


def ordinary(place: Path) -> dict[str, list[Score]]:
    """As somebody whom nobody on this machine is, in the group of the engine's socket."""
    environment: Mapping[str, str] = copy_interpreter(place / "python")
    home = place / "home"
    home.mkdir()
    os.chown(home, USER, USER)
    return cards(
        "user",
        [environment["INTERPRETER"]],
        env={**environment, "HOME": str(home)},
        cwd=ROOT,
        user=USER,
        group=USER,
        extra_groups=[SOCKET.stat().st_gid],
    )


def main() -> None:
    with tempfile.TemporaryDirectory(prefix="vibedom-scorecard-") as directory:
        place = Path(directory)
        place.chmod(0o755)
        found = cards("root", [sys.executable], env={**os.environ, "VIBEDOM_HOME": str(place / "root")})
        found |= ordinary(place)
    text = PAGE.read_text().partition(HEADING)[0]
    PAGE.write_text(f"{text}{HEADING}\n{markdown(dict(sorted(found.items())))}")


if __name__ == "__main__":
    main()
