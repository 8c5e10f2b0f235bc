"""apt: the repositories of its sources, as apt itself reads them."""

import re

from vibedom.registries.client import ask

_URL = re.compile(r"^'(?:mirror\+)?([^']+)'", re.MULTILINE)


def urls() -> list[str]:
    """One URL of each file an update would fetch; `--print-uris` asks nobody and needs no root. Empty without apt."""
    return _URL.findall(ask(["apt-get", "update", "--print-uris"]) or "")
