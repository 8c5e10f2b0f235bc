"""No planted secret is in the output of any sink, in any encoding: not where it was sent, not in a file beside it."""

import base64
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from urllib.parse import quote

import anyio
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipeline.events import Captured, Record, ResponseHead
from tests.support.detection import ANTHROPIC_KEY, GITHUB_TOKEN
from tests.support.events import answered, captured, real_stages, run
from tests.unit.sinks.places import PLACES, Place
from vibedom.testing import record as harmless_record

SECRETS = (GITHUB_TOKEN, ANTHROPIC_KEY)
STAGES = real_stages()


def escaped(secret: str) -> str:
    """As JSON may spell it: the first letter as an escape."""
    return f"\\u{ord(secret[0]):04x}{secret[1:]}"


SPELLINGS = (str, quote, escaped, lambda secret: "".join(f"%{byte:02X}" for byte in secret.encode()))
PLACEMENTS = ("json", "json-key", "form", "query", "path", "header", "cookie", "answer-header", "answer-body")


def event(where: str, spelled: str, number: int) -> Captured:
    raw = spelled.encode()
    name = f"flow-{number}"
    kinds = {
        "json": (b"application/json", b'{"a":{"b":["x %b y"]}}' % raw),
        "json-key": (b"application/json", b'{"%b":1}' % raw),
        "form": (b"application/x-www-form-urlencoded", b"a=1&token=%b" % raw),
    }
    if where in kinds:
        kind, body = kinds[where]
        headers = ((b"host", b"good.test"), (b"content-type", kind), (b"content-length", b"%d" % len(body)))
        return captured(flow_id=name, body=body, headers=headers)
    if where == "query":
        return captured(flow_id=name, path=b"/x?token=" + raw)
    if where == "path":
        return captured(flow_id=name, path=b"/x/" + raw + b"/y")
    if where in ("header", "cookie"):
        return captured(flow_id=name, headers=((b"host", b"good.test"), (where.encode(), raw)))
    if where == "answer-header":
        return answered(flow_id=name, headers=((b"location", b"https://good.test/?k=" + raw),))
    body = b'{"a":"%b"}' % raw
    response = ResponseHead(status=200, headers=((b"content-type", b"application/json"),))
    return captured(flow_id=name, step="response_body", direction="response", response=response, body=body)


PLANTED = st.lists(
    st.tuples(st.sampled_from(PLACEMENTS), st.sampled_from(SECRETS), st.sampled_from(SPELLINGS)),
    min_size=1,
    max_size=12,
)


def encodings(secret: str) -> Iterator[bytes]:
    """Every way the secret could be read from an output, all but the first and last few characters of it."""
    data = secret.encode()
    yield data[4:-4]
    yield data[4:-4].hex().encode()
    yield quote(secret[4:-4], safe="").encode()
    for shift in range(3):
        yield base64.b64encode(data[shift:])[4:-8]


@contextmanager
def every_place(directory: Path) -> Iterator[list[Place]]:
    with ExitStack() as stack:
        places = []
        for make in PLACES:
            own = directory / make.__name__
            own.mkdir()
            places.append(stack.enter_context(contextmanager(make)(own)))
        yield places


@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(planted=PLANTED)
def test_no_planted_secret_is_in_any_output_or_file_of_any_sink(
    tmp_path_factory: pytest.TempPathFactory, planted: list[tuple[str, str, "type[str]"]]
) -> None:
    records: list[Record] = []
    for number, (where, secret, spell) in enumerate(planted):
        records.append(STAGES.record(run(STAGES, event(where, spell(secret), number))))
    directory = tmp_path_factory.mktemp("sinks")

    async def write(place: Place) -> None:
        sink = place.open_sink()
        await sink.write([*records, harmless_record(7)])
        await sink.aclose()

    with every_place(directory) as places:
        for place in places:
            anyio.run(write, place)
        outputs = [place.read() for place in places]
    files = [file.read_bytes() for file in directory.rglob("*") if file.is_file()]
    assert all(b"h007.test" in output for output in outputs)
    for secret in SECRETS:
        for spelled in encodings(secret):
            assert not any(spelled in output for output in (*outputs, *files))


def test_the_property_would_see_a_secret_that_got_through(tmp_path: Path) -> None:
    from msgspec.structs import replace

    leaking = replace(harmless_record(1), host=f"{GITHUB_TOKEN}.test")
    with every_place(tmp_path) as places:
        place = places[0]

        async def write() -> None:
            sink = place.open_sink()
            await sink.write([leaking])
            await sink.aclose()

        anyio.run(write)
        assert any(spelled in place.read() for spelled in encodings(GITHUB_TOKEN))
