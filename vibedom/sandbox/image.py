"""The sandbox image: its name, its recipes, and the hash that says whether an image is current."""

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Literal

NAME = "vibedom/sandbox:latest"
"""The holder's image, and the agent's where the user names no other."""
BUILD_COMMAND = "`vibedom image build` (where no image registry can be reached: `vibedom image build --from debian`)"
LABEL_RECIPE = "vibedom.recipe"
LABEL_FROM = "vibedom.from"
LABEL_BASE = "vibedom.base"

Source = Literal["alpine", "debian"]
SOURCES: tuple[Source, ...] = ("alpine", "debian")
DEFAULT_BASE = "alpine:3.23"

FILES = Path(__file__).with_name("image")
"""What images and what runs in a holder are made from."""
_RECIPES: Mapping[Source, tuple[str, ...]] = {"alpine": ("Dockerfile",), "debian": ("debian.packages",)}
_RECIPE_VERSION = "1"
"""Raised when `debian.py` or the image's configuration below changes what an image holds."""


def recipe(name: str) -> bytes:
    """A file of `vibedom/sandbox/image/`."""
    return (FILES / name).read_bytes()


def recipe_hash(source: Source) -> str:
    """Hex digest of everything an image of that source is made from."""
    digest = hashlib.sha256(f"{_RECIPE_VERSION} {source}".encode())
    for name in _RECIPES[source]:
        digest.update(hashlib.sha256(recipe(name)).digest())
    return digest.hexdigest()


def labels(source: Source, base: str = "") -> dict[str, str]:
    """Labels of an image built now; `base` is what the Dockerfile started from."""
    return {LABEL_FROM: source, LABEL_BASE: base, LABEL_RECIPE: recipe_hash(source)}


def is_current(image_labels: Mapping[str, str] | None) -> bool:
    """Whether an image with these labels was made by the recipe of this version of vibedom."""
    found = image_labels or {}
    source = found.get(LABEL_FROM)
    return source in SOURCES and found.get(LABEL_RECIPE) == recipe_hash(source)
