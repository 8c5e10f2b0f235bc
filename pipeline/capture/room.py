"""Memory for request bodies that are gathered until they are whole: all that wait, of all connections, have a limit."""

from collections import defaultdict

MAX_GATHERED_BYTES = 256 * 1024 * 1024
"""Five hundred of the largest."""


class Room:
    """Bytes reserved by connection and flow."""

    def __init__(self) -> None:
        self._reserved: defaultdict[str, dict[str, int]] = defaultdict(dict)

    def reserve(self, connection: str, flow: str, count: int) -> bool:
        """Set `count` bytes aside until `free`; False where that many are not to be had."""
        if sum(sum(flows.values()) for flows in self._reserved.values()) + count > MAX_GATHERED_BYTES:
            return False
        self._reserved[connection][flow] = count
        return True

    def free(self, connection: str, flow: str | None = None) -> None:
        """What the flow, or all of the connection, had reserved. Safe more than once."""
        flows = self._reserved.get(connection, {})
        flows.pop(flow or "", None)
        if flow is None or not flows:
            self._reserved.pop(connection, None)
