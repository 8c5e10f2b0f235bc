"""Alerts to an HTTP endpoint, signed so that it can tell who sent them."""

import hashlib
import hmac
import time
from collections.abc import Sequence
from pathlib import Path

import msgspec

from pipeline.events import Severity
from sinks.alert import Alert
from sinks.dead_letters import DeadLetters
from sinks.http_post import HttpPost, check_http
from sinks.line import printable_json


class WebhookSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag="webhook"):
    """`[[sinks]] type = "webhook"`."""

    url: str
    min_severity: Severity = "medium"
    secret_file: str | None = None
    """File with the key of the signature. Without it requests are not signed."""
    timeout_seconds: float = 10.0

    def __post_init__(self) -> None:
        check_http(self.url, self.timeout_seconds)


class Webhook:
    """One POST for each batch: `{"alerts": [...]}`.

    `X-Vibedom-Signature: sha256=HEX` is HMAC-SHA256 over `TIMESTAMP.BODY`; `X-Vibedom-Timestamp` is that TIMESTAMP.
    What the endpoint refuses for ever goes to the dead-letter file, so that it does not hold up what follows.
    """

    def __init__(self, settings: WebhookSettings, *, key: bytes | None, dead_letters: Path) -> None:
        self._post = HttpPost("webhook", settings.url, timeout_seconds=settings.timeout_seconds)
        self._key = key
        self._dead_letters = DeadLetters(dead_letters)

    async def deliver(self, alerts: Sequence[Alert], /) -> None:
        """Raises `DeliveryError` for no answer, 408, 425, 429 and 5xx."""
        body = b'{"alerts":[' + b",".join(printable_json(alert) for alert in alerts) + b"]}"
        if not await self._post.send(body, self._headers(body)):
            await self._dead_letters.bury(alerts)

    async def aclose(self) -> None:
        await self._post.aclose()

    def _headers(self, body: bytes) -> dict[str, str]:
        if self._key is None:
            return {}
        stamp = str(int(time.time()))
        return {"X-Vibedom-Timestamp": stamp, "X-Vibedom-Signature": "sha256=" + sign(self._key, stamp, body)}


def sign(key: bytes, stamp: str, body: bytes) -> str:
    """What a receiver compares the signature with: HMAC-SHA256 in hex over the timestamp, a dot and the body."""
    return hmac.new(key, stamp.encode() + b"." + body, hashlib.sha256).hexdigest()
