"""Alerts to an HTTP endpoint, signed so that it can tell who sent them."""

import hashlib
import hmac
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import anyio
import anyio.to_thread
import msgspec

from pipeline.events import Severity
from sinks.alert import Alert
from sinks.append_file import AppendFile
from sinks.delivery_error import DeliveryError
from sinks.line import printable_json

if TYPE_CHECKING:
    import aiohttp

RETRIED = frozenset((408, 425, 429))
"""Client errors that may pass; every other one is for ever."""


class WebhookSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag="webhook"):
    """`[[sinks]] type = "webhook"`."""

    url: str
    min_severity: Severity = "medium"
    secret_file: str | None = None
    """File with the key of the signature. Without it requests are not signed."""
    timeout_seconds: float = 10.0

    def __post_init__(self) -> None:
        parts = urlsplit(self.url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError("url must be http://... or https://...")
        if self.timeout_seconds <= 0:
            raise ValueError("timeout_seconds must be greater than 0")


class Webhook:
    """One POST for each batch: `{"alerts": [...]}`.

    `X-Vibedom-Signature: sha256=HEX` is HMAC-SHA256 over `TIMESTAMP.BODY`; `X-Vibedom-Timestamp` is that TIMESTAMP.
    What the endpoint refuses for ever goes to the dead-letter file, so that it does not hold up what follows.
    """

    def __init__(self, settings: WebhookSettings, *, key: bytes | None, dead_letters: Path) -> None:
        self._settings = settings
        self._key = key
        self._dead_letters = dead_letters
        self._session: aiohttp.ClientSession | None = None

    async def deliver(self, alerts: Sequence[Alert], /) -> None:
        """Raises `DeliveryError` for no answer, 408, 425, 429 and 5xx."""
        body = b'{"alerts":[' + b",".join(printable_json(alert) for alert in alerts) + b"]}"
        status = await self._post(body)
        if 200 <= status < 300:
            return
        if status >= 500 or status in RETRIED:
            raise DeliveryError(f"webhook: the endpoint answered {status}")
        await anyio.to_thread.run_sync(self._bury, alerts)

    async def aclose(self) -> None:
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def _post(self, body: bytes) -> int:
        import aiohttp

        if self._session is None:
            timeout = aiohttp.ClientTimeout(total=self._settings.timeout_seconds)
            self._session = aiohttp.ClientSession(timeout=timeout, trust_env=True)
        try:
            async with self._session.post(
                self._settings.url, data=body, headers=self._headers(body), allow_redirects=False
            ) as answer:
                return answer.status
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise DeliveryError(f"webhook: no answer ({type(error).__name__})") from None

    def _headers(self, body: bytes) -> dict[str, str]:
        headers = {"Content-Type": "application/json", "User-Agent": "vibedom"}
        if self._key is not None:
            stamp = str(int(time.time()))
            headers["X-Vibedom-Timestamp"] = stamp
            headers["X-Vibedom-Signature"] = "sha256=" + sign(self._key, stamp, body)
        return headers

    def _bury(self, alerts: Sequence[Alert]) -> None:
        file = AppendFile(self._dead_letters)
        try:
            file.cut_unfinished_line()
            file.append(b"".join(printable_json(alert) + b"\n" for alert in alerts))
        finally:
            file.close()


def sign(key: bytes, stamp: str, body: bytes) -> str:
    """What a receiver compares the signature with: HMAC-SHA256 in hex over the timestamp, a dot and the body."""
    return hmac.new(key, stamp.encode() + b"." + body, hashlib.sha256).hexdigest()
