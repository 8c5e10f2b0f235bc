"""Lines -> documents with the field names of the Elastic Common Schema; what it has no name for is below `vibedom`."""

from typing import Any

import msgspec

from vibedom.audit.entries import Entry

VERSION = "8.11.0"
Document = dict[str, Any]


def document(entry: Entry) -> Document:
    """One document for one line. Empty fields are left out."""
    path, _, query = entry.path.partition("?")
    found: Document = {
        "@timestamp": entry.time,
        "ecs": {"version": VERSION},
        "message": f"{entry.kind} {entry.method} {entry.host}: {entry.verdict} ({entry.reason})".replace("  ", " "),
        "event": _event(entry),
        "destination": {"domain": entry.host, "port": entry.port},
        "network": {"protocol": entry.scheme, "direction": "egress"},
        "url": {"scheme": entry.scheme, "domain": entry.host, "port": entry.port, "path": path, "query": query}
        if entry.scheme in ("http", "https")
        else {},
        "http": {
            "request": {"method": entry.method, "body": {"bytes": entry.request_bytes}},
            "response": {
                "status_code": entry.status,
                "mime_type": entry.content_type if entry.kind == "response" else "",
                "body": {"bytes": entry.response_bytes},
            },
        },
        "dns": {"type": "query", "question": {"name": entry.host, "type": entry.question}}
        if entry.kind == "dns"
        else {},
        "rule": {"name": entry.rule},
        "vibedom": {
            "session": entry.session,
            "flow": entry.flow,
            "kind": entry.kind,
            "context": entry.context,
            "unscanned": entry.unscanned,
            "note": entry.note,
            "signals": list(entry.signals),
            "findings": msgspec.to_builtins(entry.findings),
        },
    }
    cleaned: Document = _without_empty(found)
    return cleaned


def _event(entry: Entry) -> Document:
    is_denied = entry.verdict == "deny"
    category = ["session"] if entry.kind == "session" else ["network"]
    types = ["info"] if entry.kind == "session" else ["protocol", "denied" if is_denied else "allowed"]
    return {
        "kind": "alert" if entry.findings else "event",
        "category": ["web", *category] if entry.scheme in ("http", "https") else category,
        "type": types,
        "action": f"{entry.kind}-{entry.verdict}",
        "outcome": "failure" if is_denied else "success",
        "reason": str(entry.reason),
        "provider": "vibedom",
        "dataset": "vibedom.network",
        "id": f"{entry.session}:{entry.seq}",
        "sequence": entry.seq,
        "hash": entry.hash,
        "duration": int(entry.duration_ms * 1_000_000),
    }


def _without_empty(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    cleaned = {key: _without_empty(inner) for key, inner in value.items()}
    return {key: inner for key, inner in cleaned.items() if inner not in ("", None, {}, [], 0) or inner is False}
