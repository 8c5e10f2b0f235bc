"""Hands each decision back to the flow that waits for it. Whatever goes wrong, the flow gets a denial."""

import anyio

from pipeline.events import Judged


class Ticket:
    """One waiting flow. `judged` stays None where nobody answered: that is a denial."""

    def __init__(self) -> None:
        self._answered = anyio.Event()
        self.judged: Judged | None = None

    async def wait(self, seconds: float) -> Judged | None:
        """The decision, or None after `seconds` or when the gate closed."""
        with anyio.move_on_after(seconds):
            await self._answered.wait()
        return self.judged

    def answer(self, judged: Judged | None) -> None:
        """Only the first answer counts."""
        if not self._answered.is_set():
            self.judged = judged
            self._answered.set()


class Gate:
    """The flows that wait, by flow id; a flow has one question open at a time."""

    def __init__(self) -> None:
        self._waiting: dict[str, Ticket] = {}
        self._is_closed = False

    def expect(self, flow_id: str) -> Ticket:
        """A ticket for a flow's next decision. A second one for the same flow voids the first."""
        ticket = Ticket()
        self.forget(flow_id)
        if self._is_closed:
            ticket.answer(None)
        else:
            self._waiting[flow_id] = ticket
        return ticket

    def resolve(self, flow_id: str, judged: Judged | None) -> None:
        """Answer the flow; a flow that has given up is ignored."""
        ticket = self._waiting.pop(flow_id, None)
        if ticket is not None:
            ticket.answer(judged)

    def forget(self, flow_id: str) -> None:
        """The flow waits no longer."""
        self.resolve(flow_id, None)

    def close(self) -> None:
        """Deny everything that waits, now and later."""
        self._is_closed = True
        for flow_id in list(self._waiting):
            self.forget(flow_id)
