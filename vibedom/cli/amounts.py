"""Sizes and times as people write them."""

import re

from vibedom.errors import UsageError

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}


def size(count: int) -> str:
    """`1.5 MB`."""
    amount = float(count)
    for unit in ("B", "KB", "MB"):
        if amount < 1000:
            return f"{amount:.0f} {unit}" if unit == "B" else f"{amount:.1f} {unit}"
        amount /= 1000
    return f"{amount:.1f} GB"


def parse_seconds(text: str, option: str) -> float:
    """Seconds of `90`, `30s`, `15m`, `1h`, `2d`, `1h30m`. Raises `UsageError` naming the option."""
    if re.fullmatch(r"\d+", text):
        return float(text)
    if not re.fullmatch(r"(?:\d+[smhd])+", text):
        raise UsageError(f"{option} {text!r}: write a time such as 30s, 15m, 1h or 2d")
    return float(sum(int(number) * _UNITS[unit] for number, unit in re.findall(r"(\d+)([smhd])", text)))
