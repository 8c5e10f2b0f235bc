"""Keeps mitmproxy's QUIC and HTTP/3 out: no UDP gets to the proxy, and their libraries cost every start 75 ms.

mitmproxy imports them wherever it imports HTTP. Placeholders take their places first; whoever made one of them would
get an error, which cuts the connection.
"""

import sys
from types import ModuleType
from typing import NoReturn

PLACEHOLDERS = {
    "mitmproxy.proxy.layers.quic": (
        "ClientQuicLayer",
        "QuicStreamEvent",
        "QuicStreamLayer",
        "RawQuicLayer",
        "ServerQuicLayer",
    ),
    "mitmproxy.proxy.layers.http._http3": ("Http3Client", "Http3Server"),
}
"""Module -> the names in it that mitmproxy's other modules import."""


class NotSpokenError(RuntimeError):
    """Something asked for QUIC, which no listener of vibedom offers."""


def leave_out() -> None:
    """Put the placeholders where the modules have not been imported yet."""
    for module, names in PLACEHOLDERS.items():
        sys.modules.setdefault(module, _placeholder(module, names))


def _placeholder(name: str, classes: tuple[str, ...]) -> ModuleType:
    module = ModuleType(name, f"Left out by {__name__}.")
    for each in classes:
        setattr(module, each, type(each, (), {"__init__": _refuse, "__module__": name}))
    return module


def _refuse(*_: object, **__: object) -> NoReturn:
    raise NotSpokenError("vibedom speaks no QUIC and no HTTP/3")
