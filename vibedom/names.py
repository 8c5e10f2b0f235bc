"""Session names that are easy to say: project, adjective, somebody who advanced the craft."""

import re
import secrets
from collections.abc import Container

_ADJECTIVES = [
    "agile",
    "amber",
    "bold",
    "brave",
    "bright",
    "brisk",
    "calm",
    "candid",
    "clear",
    "clever",
    "cosy",
    "crisp",
    "eager",
    "easy",
    "fair",
    "fine",
    "fleet",
    "fond",
    "frank",
    "gentle",
    "glad",
    "golden",
    "happy",
    "hardy",
    "honest",
    "jolly",
    "keen",
    "kind",
    "light",
    "lively",
    "lucid",
    "lucky",
    "merry",
    "mild",
    "neat",
    "noble",
    "patient",
    "polite",
    "prime",
    "proud",
    "quick",
    "quiet",
    "rapid",
    "ready",
    "sharp",
    "shiny",
    "silent",
    "smart",
    "snug",
    "solid",
    "steady",
    "sunny",
    "swift",
    "tidy",
    "vivid",
    "warm",
    "wise",
    "witty",
]
_PEOPLE = [
    "abelson",
    "allen",
    "backus",
    "bartik",
    "berners",
    "boole",
    "borg",
    "church",
    "codd",
    "conway",
    "curry",
    "diffie",
    "dijkstra",
    "engelbart",
    "floyd",
    "gosper",
    "hamilton",
    "hamming",
    "hoare",
    "hopper",
    "iverson",
    "kahn",
    "karp",
    "kay",
    "kernighan",
    "kleene",
    "knuth",
    "lamport",
    "liskov",
    "lovelace",
    "mccarthy",
    "milner",
    "minsky",
    "moore",
    "naur",
    "neumann",
    "noether",
    "pike",
    "postel",
    "ritchie",
    "rivest",
    "shamir",
    "shannon",
    "simon",
    "stallman",
    "sussman",
    "tarjan",
    "thompson",
    "torvalds",
    "turing",
    "ullman",
    "wilkes",
    "wirth",
    "yao",
    "zuse",
]

MAX_LENGTH = 48


def slug(text: str) -> str:
    """`text` as a part of a name: lower-case letters, digits and single hyphens, at most 24 characters."""
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")[:24].strip("-") or "project"


def new_name(project: str, taken: Container[str]) -> str:
    """A name for a session on `project` that is not among `taken`."""
    for _ in range(100):
        name = f"{slug(project)}-{secrets.choice(_ADJECTIVES)}-{secrets.choice(_PEOPLE)}"
        if name not in taken:
            return name
    return f"{slug(project)}-{secrets.token_hex(6)}"


def is_name(text: str) -> bool:
    """Whether a user's `--name` can name a session (and its containers, networks and labels)."""
    return len(text) <= MAX_LENGTH and re.fullmatch(r"[a-z0-9]+(?:-[a-z0-9]+)*", text) is not None
