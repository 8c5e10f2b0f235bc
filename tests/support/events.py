"""Builders for the events of the pipeline."""

from typing import Any

import msgspec

from pipeline.events import Captured, Judged, Payload, RequestHead, ResponseHead, Target
from pipeline.topology import Stages
from tests.support.detection import small_detection
from vibedom.settings import compose
from vibedom.wiring import stages

GOOD = "good.test"


def captured(**changes: Any) -> Captured:
    """A GET of https://good.test/ at its head; `body=b"..."` makes it a POST's body."""
    body = changes.pop("body", None)
    headers = changes.pop("headers", ((b"host", b"good.test"),))
    method = changes.pop("method", "POST" if body is not None else "GET")
    fields: dict[str, Any] = {
        "flow_id": "flow-1",
        "step": "request_body" if body is not None else "request",
        "at": 1.0,
        "target": Target(scheme="https", host=GOOD, port=443, sni=GOOD, authority=GOOD),
        "request": RequestHead(method=method, path=changes.pop("path", b"/"), headers=headers),
        "body": Payload(body) if body is not None else None,
    }
    return Captured(**(fields | changes))


def answered(status: int = 200, headers: tuple[tuple[bytes, bytes], ...] = (), **changes: Any) -> Captured:
    """The head of a response."""
    return captured(
        step="response", direction="response", response=ResponseHead(status=status, headers=headers), **changes
    )


def real_stages(domains: str = GOOD, policy: str = "") -> Stages:
    """The real stages with a small rule set."""
    from pathlib import Path

    made = compose(domains, policy, config=Path("/"), clients=lambda: ())
    return stages(made, made.hosts, small_detection().scrubber())


def run(made: Stages, event: Captured) -> Judged:
    """One event through the stages, without a topology."""
    return made.whitelist(made.scrubber(made.content_filter(event)))


def with_target(event: Captured, **changes: Any) -> Captured:
    return msgspec.structs.replace(event, target=msgspec.structs.replace(event.target, **changes))
