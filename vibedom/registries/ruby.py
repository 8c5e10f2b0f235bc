"""gem: its sources."""

from vibedom.registries.client import ask


def urls() -> list[str]:
    """URLs `gem sources` lists. Empty without gem."""
    return [line for line in (ask(["gem", "sources", "--list"]) or "").splitlines() if line.startswith("http")]
