"""Lines -> OCSF events: HTTP, DNS and network activity, and one detection finding for each finding.

Class, activity and enumeration numbers are those of the public schema, version 1.6.0.
"""

from collections.abc import Iterator
from typing import Any

from pipeline.events import Finding
from vibedom import __version__
from vibedom.audit.entries import Entry

SCHEMA = "1.6.0"
HTTP_ACTIVITY, DNS_ACTIVITY, NETWORK_ACTIVITY = 4002, 4003, 4001
DETECTION_FINDING, APPLICATION_LIFECYCLE = 2004, 6002
METHODS = {"CONNECT": 1, "DELETE": 2, "GET": 3, "HEAD": 4, "OPTIONS": 5, "POST": 6, "PUT": 7, "TRACE": 8, "PATCH": 9}
OTHER = 99
SEVERITIES = {"low": 2, "medium": 3, "high": 4, "critical": 5}
INFORMATIONAL = 1
_REFUSE, _QUERY, _TRAFFIC, _CREATE = 5, 1, 6, 1
_LIFECYCLE = {"started": 3, "stopped": 4}

Event = dict[str, Any]


def events(entry: Entry) -> Iterator[Event]:
    """The events of one line: the activity first, then its findings."""
    yield _activity(entry)
    for number, finding in enumerate(entry.findings, start=1):
        yield _finding(entry, finding, number)


def _activity(entry: Entry) -> Event:
    if entry.kind == "session":
        name = {"name": "vibedom session", "vendor_name": "vibedom", "uid": entry.session}
        return _base(entry, APPLICATION_LIFECYCLE, _LIFECYCLE.get(entry.note, OTHER)) | {"app": name}
    if entry.kind == "dns":
        query = {"hostname": entry.host, "type": entry.question}
        resolver = {"name": "vibedom resolver", "port": entry.port}
        return _base(entry, DNS_ACTIVITY, _QUERY) | _control(entry) | {"query": query, "dst_endpoint": resolver}
    if entry.kind == "refused":
        return _base(entry, NETWORK_ACTIVITY, _REFUSE) | _control(entry) | _where(entry)
    if entry.kind == "message":
        return _base(entry, NETWORK_ACTIVITY, _TRAFFIC) | _control(entry) | _where(entry)
    return (
        _base(entry, HTTP_ACTIVITY, METHODS.get(entry.method, OTHER)) | _control(entry) | _where(entry) | _http(entry)
    )


def _base(entry: Entry, class_uid: int, activity: int) -> Event:
    """What every event has. `time` is in milliseconds."""
    return {
        "class_uid": class_uid,
        "category_uid": class_uid // 1000,
        "activity_id": activity,
        "type_uid": class_uid * 100 + activity,
        "time": int(entry.at * 1000),
        "severity_id": INFORMATIONAL,
        "status_id": 2 if entry.verdict == "deny" else 1,
        "status_detail": str(entry.reason),
        "metadata": _metadata(entry, f"{entry.session}:{entry.seq}"),
        "unmapped": {
            "session": entry.session,
            "kind": entry.kind,
            "context": entry.context or "",
            "method": entry.method,
            "rule": entry.rule,
            "note": entry.note,
            "signals": list(entry.signals),
        },
    }


def _metadata(entry: Entry, uid: str) -> Event:
    return {
        "version": SCHEMA,
        "product": {"name": "vibedom", "vendor_name": "vibedom", "version": __version__},
        "profiles": ["security_control"],
        "log_name": "network.jsonl",
        "uid": uid,
        "sequence": entry.seq,
        "correlation_uid": entry.flow,
    }


def _control(entry: Entry) -> Event:
    """Of the security control profile: action and disposition."""
    is_denied = entry.verdict == "deny"
    return {"action_id": 2 if is_denied else 1, "disposition_id": 2 if is_denied else 1}


def _endpoint(entry: Entry) -> Event:
    """A connection that was refused before it named a host has reached the proxy alone."""
    return ({"hostname": entry.host} if entry.host else {"name": "vibedom proxy"}) | {"port": entry.port}


def _where(entry: Entry) -> Event:
    return {
        "dst_endpoint": _endpoint(entry),
        "connection_info": {"direction_id": 2, "protocol_name": "tcp"},
        "traffic": {"bytes_out": entry.request_bytes, "bytes_in": entry.response_bytes},
    }


def _http(entry: Entry) -> Event:
    path, _, query = entry.path.partition("?")
    url = {
        "scheme": entry.scheme,
        "hostname": entry.host,
        "port": entry.port,
        "path": path,
        "query_string": query,
        "url_string": f"{entry.scheme}://{entry.host}:{entry.port}{entry.path}",
    }
    http: Event = {"http_request": {"url": url, "length": entry.request_bytes}}
    if entry.method in METHODS:
        http["http_request"]["http_method"] = entry.method
    if entry.kind == "response":
        http["http_response"] = {
            "code": entry.status,
            "length": entry.response_bytes,
            "content_type": entry.content_type,
            "latency": int(entry.duration_ms),
        }
        http["duration"] = int(entry.duration_ms)
    return http


def _finding(entry: Entry, finding: Finding, number: int) -> Event:
    """`uid` is the fingerprint: the same secret is the same finding."""
    uid = f"{entry.session}:{entry.seq}:{number}"
    return _base(entry, DETECTION_FINDING, _CREATE) | {
        "severity_id": SEVERITIES[finding.severity],
        "metadata": _metadata(entry, uid),
        "finding_info": {
            "uid": uid,
            "title": f"{finding.rule} in {finding.location}",
            "types": [finding.secret_class],
            "created_time": int(entry.at * 1000),
            "analytic": {"name": finding.rule, "type_id": 1, "uid": finding.rule},
        },
        "action_id": {"scrub": 4, "block": 2, "allow": 1, "alert": 1}[finding.action],
        "action": finding.action,
        "disposition_id": {"scrub": 11, "block": 2, "allow": 1, "alert": 19}[finding.action],
        "message": f"{finding.rule}: {finding.action} on the way {'to' if finding.direction == 'request' else 'from'} "
        f"{entry.host}",
        "evidences": [{"dst_endpoint": _endpoint(entry)}],
        "unmapped": {
            "session": entry.session,
            "direction": finding.direction,
            "location": finding.location,
            "length": finding.length,
            "fingerprint": finding.fingerprint,
            "is_home": finding.is_home,
        },
    }
