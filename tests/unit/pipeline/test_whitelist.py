"""The whitelist stage: the order in which reasons are looked for, and which steps are final."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.events import Decision, Edits, Finding, Plan, Reason, Scan, Scrubbed, Step, Target
from pipeline.host_policy import HostPolicy
from pipeline.patterns import parse_pattern
from pipeline.whitelist import Whitelist

FINDING = Finding(
    rule="a-key",
    secret_class="credential",
    action="scrub",
    direction="request",
    location="body",
    length=20,
    fingerprint="0" * 16,
)
CLEAN = Scrubbed(
    flow_id="1",
    step="request",
    at=1.0,
    target=Target(scheme="https", host="good.test", port=443),
    context="external",
    direction="request",
    method="GET",
    path="/",
    scan=Scan(plan="none"),
    edits=Edits(),
)


def rules(*allow: str, deny: tuple[str, ...] = ()) -> Whitelist:
    return Whitelist(HostPolicy(allow=[parse_pattern(t) for t in allow], deny=[parse_pattern(t) for t in deny]))


def judge(event: Scrubbed, whitelist: Whitelist | None = None) -> Decision:
    return (whitelist or rules("good.test"))(event).decision


def to(host: str, port: int = 443, mismatch: Reason | None = None) -> Scrubbed:
    return msgspec.structs.replace(CLEAN, target=Target(scheme="https", host=host, port=port, mismatch=mismatch))


def test_listed_host_with_a_clean_body_is_allowed() -> None:
    assert judge(CLEAN) == Decision(verdict="allow", reason="listed", rule="good.test")


def test_unlisted_host_is_denied_even_with_a_clean_body() -> None:
    assert judge(to("evil.test")) == Decision(verdict="deny", reason="not-listed")


def test_host_that_could_not_be_parsed_is_denied() -> None:
    assert judge(to("")).reason == "bad-host"


def test_trouble_denies_a_listed_host() -> None:
    event = msgspec.structs.replace(CLEAN, trouble="stage-raised")
    assert judge(event) == Decision(verdict="deny", reason="stage-raised")


def test_names_that_do_not_agree_deny_a_listed_host() -> None:
    assert judge(to("good.test", mismatch="sni-mismatch")).reason == "sni-mismatch"


def test_body_that_must_not_pass_denies_with_why() -> None:
    blocked = msgspec.structs.replace(CLEAN, scan=Scan(plan="block", unscanned="oversize"))
    assert judge(blocked).reason == "oversize"
    assert judge(msgspec.structs.replace(CLEAN, scan=Scan(plan="block"))).reason == "undecodable-body"


@pytest.mark.parametrize(("action", "verdict"), [("block", "deny"), ("scrub", "allow"), ("allow", "allow")])
def test_finding_denies_only_where_the_policy_blocks_it(action: str, verdict: str) -> None:
    finding = msgspec.structs.replace(FINDING, action=action)
    decision = judge(msgspec.structs.replace(CLEAN, findings=(FINDING, finding)))
    assert decision.verdict == verdict
    assert (decision.reason == "finding-blocked") is (action == "block")


def test_refused_connection_stays_refused_whatever_the_list_says() -> None:
    refused = msgspec.structs.replace(CLEAN, step="refused", trouble="non-http")
    assert judge(refused).reason == "non-http"
    assert judge(msgspec.structs.replace(CLEAN, step="refused")).verdict == "deny"


def test_method_and_path_are_decided_on_for_requests() -> None:
    whitelist = rules("GET good.test/mine/")
    for method, path, verdict in [
        ("GET", "/mine/a", "allow"),
        ("POST", "/mine/a", "deny"),
        ("GET", "/mine/../b", "deny"),
    ]:
        assert judge(msgspec.structs.replace(CLEAN, method=method, path=path), whitelist).verdict == verdict


def test_tunnel_to_a_host_with_path_rules_may_be_opened() -> None:
    connect = msgspec.structs.replace(CLEAN, step="connect", method="", path="")
    assert judge(connect, rules("GET good.test/mine/")).verdict == "allow"
    assert judge(msgspec.structs.replace(connect, target=to("evil.test").target)).verdict == "deny"


def test_names_resolve_where_any_port_is_listed() -> None:
    question = msgspec.structs.replace(CLEAN, step="dns", target=Target(scheme="dns", host="good.test", port=53))
    assert judge(question, rules("good.test:8443")).verdict == "allow"
    assert judge(question, rules("other.test")).verdict == "deny"


def test_path_that_a_finding_was_let_through_in_is_not_relied_on() -> None:
    passed = msgspec.structs.replace(FINDING, action="allow", location="url path")
    event = msgspec.structs.replace(CLEAN, path="/mine/[REDACTED_A_KEY]/x", findings=(passed,))
    assert judge(event, rules("good.test/mine/")).verdict == "deny"
    assert judge(event, rules("good.test")).verdict == "allow"
    scrubbed = msgspec.structs.replace(event, findings=(msgspec.structs.replace(passed, action="scrub"),))
    assert judge(scrubbed, rules("good.test/mine/")).verdict == "allow"


@pytest.mark.parametrize(
    ("step", "plan", "is_final"),
    [
        ("request", "none", True),
        ("request", "buffer", False),
        ("request", "gather", False),
        ("request", "stream", True),
        ("request_body", "buffer", True),
        ("response", "none", False),
        ("response", "buffer", False),
        ("response", "stream", False),
        ("response_body", "buffer", True),
        ("end", "none", True),
        ("message", "buffer", True),
        ("dns", "none", True),
        ("refused", "none", True),
    ],
)
def test_a_record_is_written_once_for_each_half_of_an_exchange(step: Step, plan: Plan, is_final: bool) -> None:
    event = msgspec.structs.replace(CLEAN, step=step, scan=Scan(plan=plan))
    assert rules("good.test")(event).is_final is is_final


@given(
    host=st.text(max_size=20),
    port=st.integers(-1, 70000),
    method=st.text(max_size=8),
    path=st.text(max_size=30),
    step=st.sampled_from(["connect", "request", "request_body", "response", "message", "end", "dns", "refused"]),
)
def test_stage_never_raises_and_never_allows_what_is_not_listed(
    host: str, port: int, method: str, path: str, step: Step
) -> None:
    target = Target(scheme="https", host=host, port=port)
    event = msgspec.structs.replace(CLEAN, target=target, method=method, path=path, step=step)
    judged = rules("good.test", "*.x.test", deny=("*",))(event)
    assert judged.scrubbed is event
    assert judged.decision.verdict == ("allow" if host == "good.test" or host.endswith(".x.test") else "deny") or (
        port not in (80, 443)
    )
