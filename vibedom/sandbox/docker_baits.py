"""Two ports of the gateway where somebody listens whom no sandbox may reach: the self-test knocks at both."""

import select
import socket
from contextlib import ExitStack
from typing import Self

from vibedom.errors import LockdownError
from vibedom.sandbox.docker_network import Bridge, bind, port


class Baits:
    """Bound as the listeners are, and never served."""

    def __init__(self, bridge: Bridge) -> None:
        """Raises what `docker_network.bind` raises."""
        with ExitStack() as undo:
            self._tcp = undo.enter_context(bind(bridge, socket.SOCK_STREAM))
            self._udp = undo.enter_context(bind(bridge, socket.SOCK_DGRAM))
            self._tcp.listen()
            undo.pop_all()

    @property
    def tcp(self) -> int:
        return port(self._tcp)

    @property
    def udp(self) -> int:
        return port(self._udp)

    def check(self) -> None:
        """Raises `LockdownError` where anything has arrived."""
        for bait, what in ((self._tcp, "TCP connection"), (self._udp, "UDP packet")):
            if select.select([bait], [], [], 0)[0]:
                raise LockdownError(f"the lockdown does not hold: a {what} reached another port of the host")

    def close(self) -> None:
        self._tcp.close()
        self._udp.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
