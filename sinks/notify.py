"""Alerts to people by e-mail, Slack, Discord, Teams, Telegram and the hundred other services that Apprise knows."""

import logging
import warnings
from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING

import anyio
import anyio.to_thread
import msgspec

from pipeline.events import Severity
from sinks.alert import Alert
from sinks.alert_rules import SEVERITIES
from sinks.delivery_error import DeliveryError
from sinks.digest import digest

if TYPE_CHECKING:
    import apprise

_SHOWN = 20
_KIND: dict[Severity, str] = {"low": "info", "medium": "warning", "high": "failure", "critical": "failure"}
_TAME = str.maketrans({"<": "\u2039", ">": "\u203a", "@": "(at)", "`": "'", "[": "(", "]": ")", "*": "\u2217"})
"""An agent's words reach people as words: no mention, link or markup of the service comes of them."""


class NotifySettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag="notify"):
    """`[[sinks]] type = "notify"`. Exactly one of `url` and `url_file`; an Apprise URL mostly holds a password."""

    url: str | None = None
    url_file: str | None = None
    """File with the URL and nothing else."""
    min_severity: Severity = "high"

    def __post_init__(self) -> None:
        if (self.url is None) == (self.url_file is None):
            raise ValueError("give either url or url_file")


class Notify:
    """One message for each batch."""

    def __init__(self, url: str, *, shown: int = _SHOWN) -> None:
        """Raises `ValueError` for a URL that Apprise cannot use, without naming it; `ModuleNotFoundError` where Apprise
        is not installed."""
        self._thread = anyio.CapacityLimiter(1)
        self._service = _service(url)
        self._shown = shown

    async def deliver(self, alerts: Sequence[Alert], /) -> None:
        """Raises `DeliveryError` where the service did not take the message."""
        title, body = (text.translate(_TAME) for text in digest(alerts, shown=self._shown))
        kind = _KIND[max((alert.severity for alert in alerts), key=SEVERITIES.index)]
        send = partial(self._send, title, body, kind)
        if not await anyio.to_thread.run_sync(send, limiter=self._thread, abandon_on_cancel=True):
            raise DeliveryError("notify: the service did not take the message")

    async def aclose(self) -> None:
        """Nothing is open between batches."""

    def _send(self, title: str, body: str, kind: str) -> bool:
        from apprise import NotifyFormat

        return bool(self._service.notify(body, title=title, notify_type=kind, body_format=NotifyFormat.TEXT))


def _service(url: str) -> "apprise.Apprise":
    with warnings.catch_warnings():
        # Apprise loads all of its services at once, and with them modules that Python is about to drop.
        warnings.simplefilter("ignore", DeprecationWarning)
        import apprise

        # Its messages can name URLs, and without a handler Python prints them to the agent's terminal.
        logging.getLogger("apprise").disabled = True
        asset = apprise.AppriseAsset(
            app_id="vibedom",
            app_desc="vibedom",
            image_url_mask="",  # else a picture at somebody else's address, which the service fetches for each message
            image_url_logo="",
            async_mode=False,
            secure_logging=True,
        )
        service = apprise.Apprise(asset=asset)
        if len(url.split()) != 1 or not service.add(url):
            raise ValueError("it is no URL that Apprise knows; its documentation lists them")
    return service
