"""Lines -> rows of a CSV file."""

from vibedom.audit.entries import Entry

COLUMNS = (
    "session", "seq", "time", "kind", "verdict", "reason", "rule", "scheme", "host", "port", "method", "path", "status",
    "content_type", "context", "question", "findings", "unscanned", "signals", "request_bytes", "response_bytes",
    "duration_ms", "note", "flow", "hash",
)  # fmt: skip


def row(entry: Entry) -> list[str]:
    """The cells of `COLUMNS`. Findings are `rule action location`, separated by `; `."""
    return [_cell(entry, column) for column in COLUMNS]


def _cell(entry: Entry, column: str) -> str:
    if column == "findings":
        return "; ".join(f"{f.rule} {f.action} {f.location}" for f in entry.findings)
    value = " ".join(entry.signals) if column == "signals" else getattr(entry, column)
    return "" if value is None else str(value)
