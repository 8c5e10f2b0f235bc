"""The rows of the field: texts with what must be gone from them, and texts that must stay."""

import re
from collections.abc import Iterator
from importlib.resources import files
from typing import NamedTuple

from tests.support.field import keyed_tokens, named_tokens, personal_data, private_keys
from tests.support.field.recipe import bake

PLACES_A_TOKEN = 6
"""In how many of its places each token is tried."""
_SECRET = re.compile(r"@\{((?:[^{}<>]|<[^<>]*>)*)\}")


class Row(NamedTuple):
    """`secrets` are what of `text` must be gone."""

    family: str
    text: str
    secrets: tuple[str, ...]


def named() -> Iterator[Row]:
    """Tokens that say themselves what they are, each in several places."""
    for number, line in enumerate(named_tokens.TABLE.split("\n")[1:-1]):
        family, recipe = line.split(" ", 1)
        for step in range(PLACES_A_TOKEN):
            place = named_tokens.PLACES[(number * 5 + step * 7) % len(named_tokens.PLACES)]
            token = bake(recipe, f"{family}{step}")
            yield Row(family, place.replace("@@", token), (token,))


def keyed() -> Iterator[Row]:
    """Keys beside their vendor's name, each in several places."""
    for number, line in enumerate(keyed_tokens.TABLE.split("\n")[1:-1]):
        vendor, recipe = line.split(" ", 1)
        for step in range(PLACES_A_TOKEN):
            place = keyed_tokens.PLACES[(number * 7 + step * 5) % len(keyed_tokens.PLACES)]
            token = bake(recipe, f"{vendor}{step}")
            text = place.format(U=vendor.upper(), l=vendor, C=vendor.capitalize()).replace("@@", token)
            yield Row("keyed " + vendor, text, (token,))


def written(name: str, times: int = 1) -> Iterator[Row]:
    """The rows of one of the text files, each `times` times with other secrets."""
    for family, template in _blocks(name):
        for turn in range(times):
            yield _filled(family, template, f"{turn}")


def _filled(family: str, template: str, seed: str) -> Row:
    secrets: list[str] = []

    def put(part: re.Match[str]) -> str:
        secrets.append(bake(part[1], f"{template}{seed}{len(secrets)}"))
        return secrets[-1]

    text = _SECRET.sub(put, template)
    return Row(family, bake(text, seed), tuple(secrets))


def _blocks(name: str) -> Iterator[tuple[str, str]]:
    text = files("tests.support.field").joinpath(name).read_text()
    for part in re.split(r"^== ", text, flags=re.MULTILINE)[1:]:
        family, rows = part.split("\n", 1)
        for row in re.split(r"^--\n", rows, flags=re.MULTILINE):
            yield family, row.removesuffix("\n")


def keys() -> Iterator[Row]:
    """Private keys, as files and as people paste them."""
    for kind, text, lines in private_keys.texts():
        yield Row("armoured " + kind.rsplit(" key", 1)[0], text, tuple(lines))
    for kind, template in private_keys.OTHERS:
        for turn in range(2):
            row = _filled("key " + kind, template, f"{turn}")
            yield row


def personal() -> Iterator[Row]:
    """E-mails, cards, social security numbers, phones and private addresses."""
    for kind, place, datum in personal_data.everything():
        yield Row(kind, place.replace("@@", datum), (datum,))


def clean() -> Iterator[Row]:
    """Texts of which nothing may go."""
    text = files("tests.support.field").joinpath("clean_text.txt").read_text()
    for template in re.split(r"^--\n", text, flags=re.MULTILINE):
        for turn in range(3 if "<" in template else 1):
            yield Row("clean", bake(template.removesuffix("\n"), f"{turn}"), ())
