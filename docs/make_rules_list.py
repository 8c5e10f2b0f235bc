"""Writes docs/rules-list.md from the shipped rule files: `python docs/make_rules_list.py`."""

from pathlib import Path

from pipeline.scrubber.rule import Rule
from vibedom.rule_files import load_shipped

FILE = Path(__file__).parent / "rules-list.md"
HEAD = """# The shipped rules

{count} rules in `vibedom/config/gitleaks.toml` (secrets) and `vibedom/config/pii.toml` (personal data, private
addresses). Made by `docs/make_rules_list.py`; what the columns mean is in [rules.md](rules.md). What a rule finds is
replaced by `[REDACTED_<RULE ID IN CAPITALS>]`. A credential passes to its homes in a header and is recorded;
`@registries` are the package registries of the whitelist.
"""


def text() -> str:
    """The whole document."""
    rules = load_shipped().rules
    parts = [HEAD.format(count=len(rules))]
    for name, title in (
        ("credential", "Credentials"),
        ("secret", "Secrets"),
        ("pii", "Personal data"),
        ("private-ip", "Private addresses"),
    ):
        rows = sorted((rule for rule in rules if rule.info.secret_class == name), key=lambda rule: rule.id)
        parts.append(f"\n## {title} ({len(rows)})\n\n| rule | finds | severity | homes |\n|---|---|---|---|\n")
        parts += [row(rule) for rule in rows]
    return "".join(parts)


def row(rule: Rule) -> str:
    homes = ", ".join(f"`{home}`" for home in rule.info.homes)
    return f"| `{rule.id}` | {rule.info.description} | {rule.info.severity} | {homes} |\n"


if __name__ == "__main__":
    FILE.write_text(text())
