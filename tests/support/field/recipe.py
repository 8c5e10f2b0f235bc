"""Fake secrets out of recipes such as `ghp_<a36>`: no file holds a whole one."""

import random
import re
import string
import uuid
import zlib

LOWER, UPPER, DIGITS = string.ascii_lowercase, string.ascii_uppercase, string.digits
ALPHABETS = {
    "a": LOWER + UPPER + DIGITS,
    "b": LOWER + UPPER + DIGITS + "_-",
    "B": LOWER + UPPER + DIGITS + "+/",
    "c": LOWER + UPPER,
    "d": DIGITS,
    "h": DIGITS + "abcdef",
    "H": DIGITS + "ABCDEF",
    "l": LOWER,
    "u": UPPER,
    "n": LOWER + DIGITS,
    "N": UPPER + DIGITS,
    "t": LOWER + "234567",
    "T": UPPER + "234567",
    "k": "023456789acdefghjklmnpqrstuvwxyz",
    "x": "123456789" + "ABCDEFGHJKLMNPQRSTUVWXYZ" + "abcdefghijkmnopqrstuvwxyz",
    "s": LOWER + UPPER + DIGITS + "!#$%^*.",
}
"""By the letter a recipe has for them: b and B are both kinds of base64, T is base32, k Bech32, x base58, s signs."""
_PART = re.compile(r"<([a-zA-Z])(\d+)>|<(U)>|<(P)>")


def bake(recipe: str, seed: str) -> str:
    """The recipe with each `<letter count>` filled in, `<U>` a UUID, `<P>` a password: the same for the same seed."""
    dice = random.Random(zlib.crc32(f"{recipe} {seed}".encode()))

    def fill(part: re.Match[str]) -> str:
        if part[3]:
            return str(uuid.UUID(int=dice.getrandbits(128), version=4))
        if part[4]:
            return password(dice)
        return "".join(dice.choices(ALPHABETS[part[1]], k=int(part[2])))

    return _PART.sub(fill, recipe)


_WORDS = ("winter", "Falcon", "orange", "Bridge", "thunder", "Copper", "velvet", "Harbor")


def password(dice: random.Random) -> str:
    """One as a person or a generator makes it: of letters and digits, with signs, or of a word."""
    alike = "".join(dice.choices(ALPHABETS["a"], k=dice.randint(12, 20)))
    signs = (
        "".join(dice.choices(ALPHABETS["a"], k=8)) + dice.choice("!#*^") + "".join(dice.choices(ALPHABETS["a"], k=4))
    )
    words = dice.choice(_WORDS) + dice.choice(_WORDS) + dice.choice("!_-.") + str(dice.randint(10, 9999))
    return dice.choice((alike, signs, words))
