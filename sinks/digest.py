"""A batch of alerts as one message for people: a title and a few lines."""

from collections.abc import Sequence

from sinks.alert import Alert
from sinks.alert_rules import SEVERITIES

SHOWN = 4
"""Messages in one digest; the others are counted."""


def digest(alerts: Sequence[Alert], *, shown: int = SHOWN) -> tuple[str, str]:
    """Title and body of at least one alert, the gravest first. Every character is printable."""
    ordered = sorted(alerts, key=lambda alert: SEVERITIES.index(alert.severity), reverse=True)
    lines = [f"[{alert.severity}] {_printable(alert.message)}" for alert in ordered[:shown]]
    if len(ordered) > shown:
        lines.append(f"and {len(ordered) - shown} more; vibedom logs shows them")
    word = "alert" if len(alerts) == 1 else "alerts"
    sessions = ", ".join(sorted({alert.session for alert in alerts}))
    return f"vibedom: {len(alerts)} {word} in {sessions}", "\n".join(lines)


def _printable(text: str) -> str:
    return "".join(character if character.isprintable() else "?" for character in text)
