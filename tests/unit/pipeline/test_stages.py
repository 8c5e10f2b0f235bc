"""Every stage keeps the contract: one in, one out, same flow, same answer, and nothing raised for any bytes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.events import Captured
from tests.support.detection import GITHUB_TOKEN
from tests.support.events import answered, captured, real_stages, run, with_target

STAGES = real_stages()
names = st.sampled_from(
    [b"content-type", b"content-length", b"transfer-encoding", b"content-encoding", b"authorization", b"cookie",
     b"referer", b"host", b"x-any"]
)  # fmt: skip
headers = st.lists(st.tuples(names, st.binary(max_size=60)), max_size=6).map(tuple)


@st.composite
def events(draw: st.DrawFn) -> Captured:
    body = draw(st.none() | st.binary(max_size=300))
    event = captured(headers=draw(headers), path=draw(st.binary(max_size=60)), body=body)
    return draw(st.sampled_from([event, answered(draw(st.integers(100, 599)), draw(headers))]))


@given(events())
def test_no_stage_raises_and_each_gives_the_same_answer_twice(event: Captured) -> None:
    first, second = run(STAGES, event), run(STAGES, event)
    assert first == second
    assert first.scrubbed.flow_id == event.flow_id
    assert STAGES.record(first).flow == event.flow_id


@given(
    st.binary(max_size=200), st.binary(max_size=200), st.sampled_from([b"application/json", b"text/plain", b"a/b", b""])
)
def test_no_planted_secret_survives_in_a_record_or_in_a_body(before: bytes, after: bytes, content_type: bytes) -> None:
    secret = GITHUB_TOKEN.encode()
    event = captured(body=before + b" " + secret + b" " + after, headers=((b"content-type", content_type),))
    judged = run(STAGES, event)
    assert GITHUB_TOKEN not in repr(STAGES.record(judged))
    edited = judged.scrubbed.edits.body
    is_binary = judged.scrubbed.scan.media == "binary"
    assert is_binary or judged.decision.verdict == "deny" or (edited is not None and secret not in edited.data)


@given(st.text(alphabet="abcdefghijklmnopqrstuvwxyz.-", min_size=1, max_size=40))
def test_a_host_that_is_not_listed_is_never_allowed(host: str) -> None:
    judged = run(STAGES, with_target(captured(), host=host))
    assert (judged.decision.verdict == "allow") == (host == "good.test")


@pytest.mark.parametrize(
    ("headers", "plan"),
    [
        ({}, "none"),
        ({"content-length": "0"}, "none"),
        ({"content-length": "10", "content-type": "application/json"}, "buffer"),
        ({"content-length": "600000", "content-type": "application/json"}, "stream"),
        ({"transfer-encoding": "chunked", "content-type": "text/plain"}, "stream"),
        ({"transfer-encoding": "chunked", "content-type": "application/json"}, "gather"),
        ({"content-length": "10", "content-type": "application/grpc"}, "watch"),
        ({"transfer-encoding": "chunked", "content-type": "application/x-git-receive-pack-request"}, "watch"),
        ({"transfer-encoding": "chunked", "content-encoding": "x-odd", "content-type": "text/plain"}, "block"),
    ],
)
def test_the_plan_for_a_request_body(headers: dict[str, str], plan: str) -> None:
    raw = tuple((name.encode(), value.encode()) for name, value in headers.items())
    assert STAGES.content_filter(captured(headers=raw)).scan.plan == plan


@pytest.mark.parametrize("length", ["content-length", "transfer-encoding"])
def test_a_form_with_parts_that_streams_is_marked_because_its_files_cannot_all_be_read(length: str) -> None:
    value = b"600000" if length == "content-length" else b"chunked"
    headers = ((length.encode(), value), (b"content-type", b"multipart/form-data; boundary=x"))
    scan = STAGES.content_filter(captured(headers=headers)).scan
    assert (scan.plan, scan.unscanned) == ("stream", "binary-body")


@pytest.mark.parametrize(
    ("status", "headers", "plan"),
    [
        (200, {"content-type": "text/event-stream"}, "stream"),
        (200, {"content-length": "5", "content-type": "application/json"}, "buffer"),
        (200, {"content-type": "application/json"}, "gather"),
        (200, {"content-type": "application/x-ndjson"}, "stream"),
        (200, {"content-length": "5", "content-type": "image/png"}, "stream-raw"),
        (204, {"content-type": "application/json"}, "none"),
        (304, {"content-length": "500"}, "none"),
        (101, {}, "none"),
    ],
)
def test_the_plan_for_a_response_body(status: int, headers: dict[str, str], plan: str) -> None:
    raw = tuple((name.encode(), value.encode()) for name, value in headers.items())
    assert STAGES.content_filter(answered(status, raw)).scan.plan == plan


@pytest.mark.parametrize(("oversize", "plan"), [("scan", "stream"), ("skip", "stream-raw"), ("block", "block")])
def test_a_body_over_the_limit_is_scanned_skipped_and_marked_or_blocked(oversize: str, plan: str) -> None:
    stages = real_stages(policy=f'[dlp]\noversize = "{oversize}"\n')
    headers = ((b"content-length", b"600000"), (b"content-type", b"application/json"))
    judged = run(stages, captured(headers=headers))
    assert judged.scrubbed.scan.plan == plan
    assert judged.scrubbed.scan.unscanned == (None if oversize == "scan" else "oversize")
    assert judged.decision.verdict == ("deny" if oversize == "block" else "allow")


def test_answers_of_a_registry_pass_byte_exact() -> None:
    stages = real_stages(policy='[[hosts]]\npattern = "good.test"\ncontext = "registry"\n')
    headers = ((b"content-length", b"5"), (b"content-type", b"application/json"))
    assert stages.content_filter(answered(200, headers)).scan.plan == "stream-raw"
