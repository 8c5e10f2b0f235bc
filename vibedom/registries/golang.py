"""go: its module proxies and its checksum database."""

from vibedom.registries.client import ask

_NO_URLS = ("direct", "off", "")


def urls() -> list[str]:
    """URLs of GOPROXY and GOSUMDB as `go env` resolves them. Empty without go."""
    return go_urls(ask(["go", "env", "GOPROXY", "GOSUMDB"]) or "")


def go_urls(answer: str) -> list[str]:
    """GOPROXY separates its proxies by `,` or `|`; GOSUMDB is `name`, `name+key` or `name+key url`."""
    proxies, _, database = answer.partition("\n")
    found = [word for word in proxies.strip().replace("|", ",").split(",") if word not in _NO_URLS]
    words = database.split()
    if words and words[0] not in _NO_URLS:
        found.append(words[1] if len(words) > 1 else "https://" + words[0].partition("+")[0])
    return found
