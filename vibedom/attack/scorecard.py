"""The scorecard as people read it: lines for a terminal's doctor, Markdown for docs/security.md."""

from collections.abc import Mapping, Sequence

from vibedom.attack.attempt import Attempt
from vibedom.attack.disk import DISK
from vibedom.attack.files import FILES
from vibedom.attack.fronting import FRONTING
from vibedom.attack.http2 import HTTP2
from vibedom.attack.kernel import KERNEL
from vibedom.attack.neighbours import NEIGHBOURS
from vibedom.attack.network import NETWORK
from vibedom.attack.packets import PACKETS
from vibedom.attack.scrubbing import SCRUBBING
from vibedom.attack.siege import Score
from vibedom.attack.smuggling import SMUGGLING

GROUPS: tuple[tuple[str, tuple[Attempt, ...]], ...] = (
    ("network", NETWORK),
    ("packets", PACKETS),
    ("fronting", FRONTING),
    ("smuggling", SMUGGLING),
    ("HTTP/2", HTTP2),
    ("scrubbing", SCRUBBING),
    ("files", FILES),
    ("kernel", KERNEL),
    ("neighbours", NEIGHBOURS),
    ("disk", DISK),
)


def summary(scores: Sequence[Score]) -> str:
    """One line: how many attacks the border withstood, and the first ones that it did not."""
    lost = [score.name for score in scores if not score.holds]
    text = f"{len(scores) - len(lost)} of {len(scores)} attacks from inside were stopped"
    return text if not lost else f"{text}; not: {', '.join(lost[:5])}{' ...' if len(lost) > 5 else ''}"


def markdown(cards: Mapping[str, Sequence[Score]]) -> str:
    """A table: one row an attempt, one column a runtime."""
    names = list(cards)
    lines = [f"| attempt | {' | '.join(names)} |", f"|---|{'---|' * len(names)}"]
    held = {(runtime, score.name): score.holds for runtime, card in cards.items() for score in card}
    for group, attempts in GROUPS:
        lines.append(f"| **{group}** |{' |' * len(names)}")
        for attempt in attempts:
            marks = " | ".join("stopped" if held.get((runtime, attempt.name)) else "NOT STOPPED" for runtime in names)
            lines.append(f"| `{attempt.name}` | {marks} |")
    return "\n".join(lines) + "\n"
