"""Connections that are not intercepted: allowed or refused as a whole, and counted."""

import time
from collections.abc import Awaitable, Callable

from mitmproxy import flow as mitmproxy_flow
from mitmproxy import http, tcp

from pipeline.capture import exchange
from pipeline.events import Captured, Judged, Reason, RequestHead, Step, Target
from pipeline.flow_state import FlowState

STATE = "vibedom"
"""Key of a flow's `FlowState` in its metadata."""


class Relays:
    """The hooks `tcp_*` of relayed connections."""

    def __init__(self, judge: Callable[[Captured], Awaitable[Judged]]) -> None:
        self._judge = judge
        self.spend: Callable[[Target, int], bool] = lambda target, count: True
        """Counts bytes that are about to be sent, and says whether they may go."""

    async def passes_through(self, flow: tcp.TCPFlow, target: Target) -> bool:
        """Whether a connection may go to `target` uninterpreted; recorded before a byte of it has passed."""
        flow.metadata[STATE] = FlowState(flow_id=flow.id, target=target, started_at=time.time(), method="CONNECT")
        judged = await self._judge(self._relayed(flow, "connect"))
        return judged.decision.verdict == "allow"

    async def tcp_message(self, flow: tcp.TCPFlow) -> None:
        state = state_of(flow)
        for message in flow.messages:
            if message.from_client and not self.spend(state.target, len(message.content)):
                message.content = b""
                flow.error = mitmproxy_flow.Error(f"{exchange.KILLED}upload-budget")
            elif message.from_client:
                state.request_bytes += len(message.content)
            else:
                state.response_bytes += len(message.content)
        flow.messages.clear()

    async def tcp_end(self, flow: tcp.TCPFlow) -> None:
        await self._judge(self._relayed(flow, "end"))

    async def tcp_error(self, flow: tcp.TCPFlow) -> None:
        await self._judge(self._relayed(flow, "end", trouble=exchange.reason_of(flow)))

    def _relayed(self, flow: tcp.TCPFlow, step: Step, trouble: Reason | None = None) -> Captured:
        state, now = state_of(flow), time.time()
        return Captured(
            flow_id=flow.id,
            step=step,
            at=now,
            target=state.target,
            request=RequestHead(method="CONNECT", path=b"", headers=()),
            direction="request" if step == "connect" else "response",
            counts=state.counts(now),
            trouble=trouble,
            unscanned="passthrough",
        )


def state_of(flow: http.HTTPFlow | tcp.TCPFlow) -> FlowState:
    """What capture remembers of this flow."""
    state = flow.metadata[STATE]
    assert isinstance(state, FlowState)  # noqa: S101
    return state
