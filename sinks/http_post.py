"""POSTs to one endpoint, and what its answers mean for what was sent."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from sinks.address import is_address
from sinks.delivery_error import DeliveryError, cause

if TYPE_CHECKING:
    import aiohttp

RETRIED = frozenset((408, 425, 429))
"""Client errors that may pass; every other one is for ever."""


class HttpPost:
    """One connection pool, opened at the first request. A redirect is a refusal: nothing goes where it was not sent."""

    def __init__(self, name: str, url: str, *, timeout_seconds: float) -> None:
        """`name` is the word that errors begin with."""
        self._name = name
        self._url = url
        self._timeout_seconds = timeout_seconds
        self._session: aiohttp.ClientSession | None = None

    async def send(self, body: bytes, headers: Mapping[str, str]) -> bool:
        """True: taken. False: refused for ever. Raises `DeliveryError` for no answer, 408, 425, 429 and 5xx."""
        status = await self._post(body, headers)
        if status >= 500 or status in RETRIED:
            raise DeliveryError(f"{self._name}: the endpoint answered {status}")
        return 200 <= status < 300

    async def aclose(self) -> None:
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def _post(self, body: bytes, headers: Mapping[str, str]) -> int:
        import aiohttp

        if self._session is None:
            timeout = aiohttp.ClientTimeout(total=self._timeout_seconds)
            self._session = aiohttp.ClientSession(timeout=timeout, trust_env=True)
        own = {"Content-Type": "application/json", "User-Agent": "vibedom"}
        try:
            async with self._session.post(
                self._url, data=body, headers={**own, **headers}, allow_redirects=False
            ) as answer:
                return answer.status
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise DeliveryError(f"{self._name}: no answer ({cause(error)})") from None


def check_http(url: str, timeout_seconds: float) -> None:
    """Raises `ValueError` for settings that no request can be made of."""
    if not is_address(url, ("http", "https")):
        raise ValueError("url must be http://HOST... or https://HOST...")
    if timeout_seconds <= 0:
        raise ValueError("timeout_seconds must be greater than 0")
