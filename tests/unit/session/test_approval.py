"""Live approval against a real topology: who is asked, what an answer does, and that nothing passes without one."""

import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import anyio
import msgspec
import pytest

from pipeline.content_filter import ContentFilter, FilterSettings
from pipeline.context import ContextTable
from pipeline.events import Captured, Judged, RequestHead, Target
from pipeline.host_policy import HostPolicy
from pipeline.patterns import parse_pattern
from pipeline.record import Recorder
from pipeline.scrubber.stage import ScrubberStage
from pipeline.topology import Stages, Topology
from pipeline.whitelist import Whitelist
from tests.support.detection import small_detection
from vibedom.approval import MAX_QUESTIONS, Approvals, AskingJudge
from vibedom.control.messages import Answer
from vibedom.errors import UsageError
from vibedom.grants import GrantingJudge, Grants

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


class Border:
    """Topology and approvals wired as in a session."""

    def __init__(self, *, wait_seconds: float, is_watched: bool = True) -> None:
        self.policy = HostPolicy(
            allow=[parse_pattern("listed.test"), parse_pattern("GET paths.test/only/")],
            deny=[parse_pattern("denied.test")],
        )
        self.grants = Grants(self.renew)
        self.approvals = Approvals(self.grants, wait_seconds=wait_seconds, is_watched=lambda: is_watched)
        table = ContextTable()
        self.hosts = self.policy
        self.topology = Topology(
            Stages(
                content_filter=ContentFilter(FilterSettings(), table),
                scrubber=ScrubberStage(small_detection().scrubber(), table),
                whitelist=Whitelist(self.hosts),
                record=Recorder(),
            ),
            [],
        )
        granting = GrantingJudge(self.topology.judge, self.grants, self.approvals.asks)
        self.judge = AskingJudge(granting, self.approvals, lambda: self.hosts)

    def renew(self) -> None:
        self.hosts = self.grants.apply(self.policy)
        self.topology.stages = msgspec.structs.replace(self.topology.stages, whitelist=Whitelist(self.hosts))
        self.approvals.renew(self.hosts)

    async def question(self) -> int:
        """The id of the only question, as soon as it is open and waited for."""
        with anyio.fail_after(20):
            while True:
                changed = self.approvals.next_change()
                if open_ones := [q for q in self.approvals.questions() if q.waiting]:
                    (found,) = open_ones
                    return found.id
                await changed.wait()


@asynccontextmanager
async def border(**options: float | bool) -> AsyncIterator[Border]:
    made = Border(wait_seconds=float(options.pop("wait_seconds", 30)), **options)  # type: ignore[arg-type]
    async with anyio.create_task_group() as group:
        await group.start(made.topology.run)
        yield made
        made.topology.close()


def captured(host: str, step: str = "request", *, flow: str | None = None, port: int = 443) -> Captured:
    request = RequestHead(method="GET", path=b"/", headers=())
    return Captured(
        flow_id=flow or uuid.uuid4().hex,
        step=step,  # type: ignore[arg-type]
        at=0.0,
        target=Target(scheme="dns" if step == "dns" else "https", host=host, port=port),
        request=None if step == "dns" else request,
        question="A" if step == "dns" else None,
    )


async def answered(made: Border, event: Captured, answer: Answer) -> Judged:
    """The verdict on an event for which the user gives `answer`."""
    outcome: list[Judged] = []

    async def ask() -> None:
        outcome.append(await made.judge(event))

    async with anyio.create_task_group() as group:
        group.start_soon(ask)
        made.approvals.decide(await made.question(), answer)
    return outcome[0]


@pytest.mark.parametrize("answer", ["session", "once", "no"])
async def test_a_held_request_goes_as_the_user_says(answer: Answer) -> None:
    async with border() as made:
        judged = await answered(made, captured("new.test"), answer)
        assert judged.decision.verdict == ("deny" if answer == "no" else "allow")


async def test_once_is_for_one_request_and_its_later_steps_and_for_no_other() -> None:
    async with border(wait_seconds=30) as made:
        assert (await answered(made, captured("new.test", flow="one"), "once")).decision.verdict == "allow"
        later = await made.judge(captured("new.test", "response", flow="one"))
        assert later.decision.verdict == "allow"
        async with anyio.create_task_group() as group:
            outcome: list[Judged] = []

            async def again() -> None:
                outcome.append(await made.judge(captured("new.test", flow="two")))

            group.start_soon(again)
            await made.question()
            made.approvals.close()
        assert outcome[0].decision.reason == "not-listed"


async def test_once_covers_the_tunnel_and_the_request_in_it() -> None:
    async with border() as made:
        assert (await answered(made, captured("new.test", "connect"), "once")).decision.verdict == "allow"
        with anyio.fail_after(10):
            inner = await made.judge(captured("new.test", flow="inner"))
        assert inner.decision.verdict == "allow"
        made.approvals.close()
        assert (await made.judge(captured("new.test"))).decision.verdict == "deny"


@pytest.mark.parametrize(
    ("host", "reason"), [("paths.test", "method-or-path-not-listed"), ("denied.test", "denied-by-rule")]
)
async def test_once_opens_a_path_that_no_rule_names_and_not_what_a_rule_denies(host: str, reason: str) -> None:
    async with border() as made:
        assert (await made.judge(captured(host))).decision.reason == reason
        made.grants.allow_once(parse_pattern(host))
        verdicts = [(await made.judge(captured(host))).decision.verdict for _ in range(2)]
        assert verdicts == (["allow", "deny"] if host == "paths.test" else ["deny", "deny"])


async def test_once_is_not_used_up_by_what_needs_no_grant_or_gets_nowhere() -> None:
    async with border() as made:
        for host in ("listed.test", "denied.test"):
            made.grants.allow_once(parse_pattern(host))
            await made.judge(captured(host))
        malformed = msgspec.structs.replace(captured("new.test"), trouble="malformed")
        made.grants.allow_once(parse_pattern("new.test"))
        assert (await made.judge(malformed)).decision.reason == "malformed"
        assert [grant.pattern for grant in made.grants.waiting] == ["listed.test", "denied.test", "new.test"]
        assert (await made.judge(captured("new.test"))).decision.verdict == "allow"
        assert [grant.pattern for grant in made.grants.waiting] == ["listed.test", "denied.test"]


async def test_nobody_answers_and_it_is_denied_and_not_asked_again_at_once() -> None:
    async with border(wait_seconds=0.2) as made:
        assert (await made.judge(captured("new.test"))).decision.reason == "not-listed"
        (question,) = made.approvals.questions()
        assert question.waiting == 0
        made.approvals._wait_seconds = 3600
        with anyio.fail_after(10):
            assert (await made.judge(captured("new.test"))).decision.verdict == "deny"
        made.approvals.decide(question.id, "session")
        assert (await made.judge(captured("new.test"))).decision.verdict == "allow", "the retry"


@pytest.mark.parametrize("host", ["denied.test", "paths.test", "169.254.169.254", "127.0.0.1", "10.1.2.3", "::1"])
async def test_what_a_rule_denies_and_what_is_not_public_is_not_asked_about(host: str) -> None:
    async with border(wait_seconds=3600) as made:
        with anyio.fail_after(10):
            assert (await made.judge(captured(host))).decision.verdict == "deny"
        assert made.approvals.questions() == ()


async def test_where_nobody_watches_nothing_waits() -> None:
    async with border(wait_seconds=3600, is_watched=False) as made:
        with anyio.fail_after(10):
            assert (await made.judge(captured("new.test"))).decision.verdict == "deny"
            assert (await made.judge(captured("new.test", "dns", port=53))).decision.verdict == "deny"


async def test_a_name_resolves_where_its_connection_would_be_asked_about() -> None:
    async with border() as made:
        assert (await made.judge(captured("new.test", "dns", port=53))).decision.verdict == "allow"
        assert (await made.judge(captured("denied.test", "dns", port=53))).decision.verdict == "deny"


async def test_requests_to_one_host_share_a_question_and_questions_are_bounded() -> None:
    async with border(wait_seconds=3600) as made, anyio.create_task_group() as group:
        for _ in range(5):
            group.start_soon(made.judge, captured("same.test"))
        for number in range(MAX_QUESTIONS - 1):
            group.start_soon(made.judge, captured(f"host-{number}.test"))
        with anyio.fail_after(20):
            while sum(q.waiting for q in made.approvals.questions()) < MAX_QUESTIONS + 4:
                await made.approvals.next_change().wait()
        assert len(made.approvals.questions()) == MAX_QUESTIONS
        with anyio.fail_after(10):
            assert (await made.judge(captured("one-more.test"))).decision.verdict == "deny"
        made.approvals.close()


async def test_a_policy_that_lists_the_host_answers_the_question() -> None:
    async with border(wait_seconds=3600) as made, anyio.create_task_group() as group:
        outcome: list[Judged] = []

        async def ask() -> None:
            outcome.append(await made.judge(captured("new.test")))
            assert outcome[0].decision.verdict == "allow"

        group.start_soon(ask)
        await made.question()
        made.policy = made.policy.allowing([parse_pattern("new.test")])
        made.renew()


async def test_an_answer_to_nothing_is_an_error() -> None:
    async with border() as made:
        with pytest.raises(UsageError):
            made.approvals.decide(1, "always")


async def test_a_grant_ends_when_its_time_is_over_even_where_the_machine_slept() -> None:
    now, changes = [1000.0], []
    grants = Grants(lambda: changes.append(now[0]), clock=lambda: now[0])
    grants.add(parse_pattern("a.test"), seconds=3600)
    grants.add(parse_pattern("b.test"))
    grants.add(parse_pattern("c.test"), is_denied=True)
    hosts = grants.apply(HostPolicy(allow=[parse_pattern("c.test")]))
    verdicts = [hosts.decide(f"{name}.test", 443).verdict for name in "abc"]
    assert verdicts == ["allow", "allow", "deny"]
    now[0] += 8 * 3600
    grants.expire()
    assert changes[-1] == now[0]
    assert [grant.pattern for grant in grants.grants] == ["b.test", "c.test"]


async def test_grants_of_an_earlier_run_count_from_the_start() -> None:
    judged_by: list[HostPolicy] = []
    earlier = Grants(lambda: None)
    earlier.add(parse_pattern("a.test"))
    grants = Grants(lambda: judged_by.append(grants.apply(HostPolicy(allow=[]))))
    grants.restore(earlier.grants)
    assert judged_by[-1].decide("a.test", 443).verdict == "allow"


async def test_a_grant_for_one_request_waits_for_it_only_so_long() -> None:
    now = [1000.0]
    grants = Grants(lambda: None, clock=lambda: now[0])
    for name, seconds in (("a.test", 60.0), ("b.test", 600.0)):
        grants.allow_once(parse_pattern(name), seconds)
    assert [(grant.pattern, grant.until, grant.is_once) for grant in grants.waiting] == [
        ("a.test", 1060.0, True),
        ("b.test", 1600.0, True),
    ]
    now[0] += 61
    assert not grants.allows_next("a.test", 443)
    assert grants.reserve(captured("a.test", flow="late")) is None
    assert grants.allows_next("b.test", 443)
    grants.expire()
    assert [grant.pattern for grant in grants.waiting] == ["b.test"]
