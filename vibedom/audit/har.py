"""Lines -> HAR 1.2: requests with their answers, without bodies and headers, which no log has."""

from collections.abc import Iterable, Iterator
from typing import Any
from urllib.parse import parse_qsl

from vibedom import __version__
from vibedom.audit.entries import Entry

MAX_WAITING = 100_000
"""Requests that wait for their answer; beyond that the oldest is written as one that had none."""
_UNKNOWN = -1

Json = dict[str, Any]


def head() -> Json:
    """The log object without its entries."""
    return {"version": "1.2", "creator": {"name": "vibedom", "version": __version__}, "pages": []}


def har_entries(lines: Iterable[Entry]) -> Iterator[Json]:
    """One entry for each HTTP exchange; denied and unanswered ones have the status 0."""
    waiting: dict[tuple[str, str], Entry] = {}
    for line in lines:
        if line.scheme not in ("http", "https"):
            continue
        key = (line.session, line.flow)
        if line.kind == "request":
            if (earlier := waiting.pop(key, None)) is not None:
                yield _entry(earlier, None)
            waiting[key] = line
            if len(waiting) > MAX_WAITING:
                yield _entry(waiting.pop(next(iter(waiting))), None)
        elif line.kind == "response":
            yield _entry(waiting.pop(key, line), line)
    for unanswered in waiting.values():
        yield _entry(unanswered, None)


def _entry(request: Entry, answer: Entry | None) -> Json:
    sent = max(request.request_bytes, answer.request_bytes if answer else 0)
    duration = answer.duration_ms if answer else 0.0
    return {
        "startedDateTime": request.time,
        "time": duration,
        "request": {
            "method": request.method or (answer.method if answer else ""),
            "url": _url(request),
            "httpVersion": "",
            "cookies": [],
            "headers": [],
            "queryString": _query(request.path),
            "headersSize": _UNKNOWN,
            "bodySize": sent,
        },
        "response": _response(answer),
        "cache": {},
        "timings": {"send": 0, "wait": duration, "receive": 0},
        "comment": f"{request.verdict}: {request.reason}",
        "_vibedom": {
            "session": request.session,
            "flow": request.flow,
            "verdict": request.verdict,
            "reason": str(request.reason),
            "findings": [f"{f.rule} {f.action} {f.direction} {f.location}" for f in _findings(request, answer)],
        },
    }


def _response(answer: Entry | None) -> Json:
    size = answer.response_bytes if answer else 0
    return {
        "status": answer.status if answer else 0,
        "statusText": "",
        "httpVersion": "",
        "cookies": [],
        "headers": [],
        "content": {"size": size, "mimeType": answer.content_type if answer else ""},
        "redirectURL": "",
        "headersSize": _UNKNOWN,
        "bodySize": size if answer else _UNKNOWN,
    }


def _url(entry: Entry) -> str:
    default = {"http": 80, "https": 443}[entry.scheme]
    port = "" if entry.port in (0, default) else f":{entry.port}"
    return f"{entry.scheme}://{entry.host}{port}{entry.path or '/'}"


def _query(path: str) -> list[Json]:
    pairs = parse_qsl(path.partition("?")[2], keep_blank_values=True)
    return [{"name": name, "value": value} for name, value in pairs]


def _findings(request: Entry, answer: Entry | None) -> list[Any]:
    return [*request.findings, *(answer.findings if answer and answer is not request else ())]
