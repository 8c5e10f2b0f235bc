"""Whether a piece of text looks like encoded data and not like anybody's words."""

import re

SHORTEST = 16
"""Pieces below this length say nothing: ids, versions and words look alike."""
_PIECE = re.compile(r"[A-Za-z0-9]+")
_LONG_NUMBER = 32
"""Digits up to here are ids and times."""
_WORDLIKE_SHARE = 0.25
"""Identifiers of program text have on average 68 % of their pairs among the common ones, letters drawn by lot 16 %,
base64 12 % and hexadecimal 5 %."""
_FEWEST_VALUES = 7
"""Characters that are repeated carry little: a rule of dashes, a row of x."""
_COMMON_PAIRS = frozenset(
    re.findall(
        r"\w+",
        "th he in er an re nd at on nt ha es st en ed to it ou ea hi is or ti as te et ng of al de se le sa si ar ve"
        " ra ld ur ri ro ic ne me li la ec io ta el ce co ch ll be ma pa ac tr ca us om ot no wi il ai un di lo ge"
        " ie po ad ho pe mo ut ee ss em am pl mi vi ke fo ab ag id ns rs ts ct rt ck ow ap op im su so da do pr sh"
        " ul qu iv tu gr bl",
    )
)


def random_chars(text: str, *, shortest: int = SHORTEST) -> int:
    """How many characters of `text` stand in pieces (letters and digits) that look like encoded data."""
    return sum(len(piece) for piece in _PIECE.findall(text) if len(piece) >= shortest and _is_random(piece))


def _is_random(piece: str) -> bool:
    if piece.isdigit():
        return len(piece) > _LONG_NUMBER
    low = piece.lower()
    if len(set(low)) < _FEWEST_VALUES:
        return False
    pairs = len(low) - 1
    common = sum(low[index : index + 2] in _COMMON_PAIRS for index in range(pairs))
    return common < pairs * _WORDLIKE_SHARE
