"""npm, pnpm and yarn: the default registry and those of scopes, as the client itself resolves them."""

import msgspec

from vibedom.registries.client import ask


def urls() -> list[str]:
    """URLs of all registries of the clients that are there."""
    return [*npm_urls(ask(["npm", "config", "list", "--json"]) or "{}"), *_others()]


def npm_urls(listing: str) -> list[str]:
    """`registry` and `@scope:registry` of `npm config list --json`."""
    try:
        settings = msgspec.json.decode(listing, type=dict[str, object])
    except msgspec.DecodeError:
        return []
    return [
        value
        for key, value in settings.items()
        if (key == "registry" or key.endswith(":registry")) and isinstance(value, str)
    ]


def _others() -> list[str]:
    questions = (
        ["pnpm", "config", "get", "registry"],
        ["yarn", "config", "get", "registry"],
        ["yarn", "config", "get", "npmRegistryServer"],
    )
    return [answer.strip() for question in questions if (answer := ask(question))]
