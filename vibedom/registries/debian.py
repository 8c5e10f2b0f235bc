"""apt: the repositories of its sources, as apt itself reads them."""

from vibedom.registries.client import ask


def urls() -> list[str]:
    """URLs of all enabled repositories. `mirror+https:` and the like count as what follows the `+`."""
    listing = ask(["apt-get", "indextargets", "--format", "$(SITE)"]) or ""
    return [line.rpartition("+")[2] if line.startswith("mirror+") else line for line in set(listing.splitlines())]
