"""A long body is looked at in two ways at the same time, and gives what it gives one after the other."""

import base64
import threading

import pytest

from pipeline.scrubber.beside import LONG_BYTES, Beside
from pipeline.scrubber.model import default_choose
from pipeline.scrubber.scrubber import Scrubber
from tests.support.scrubbing import TOKEN, fingerprint, small_scrubber

LONG = b"x" * LONG_BYTES


def test_work_on_a_long_body_begins_before_its_outcome_is_asked_for() -> None:
    begun = threading.Event()
    outcome = Beside().begin(lambda data: (begun.set(), len(data))[1], LONG)
    assert begun.wait(20)
    assert outcome() == len(LONG)


def test_whoever_comes_while_it_is_busy_works_himself() -> None:
    beside, go_on = Beside(), threading.Event()
    first = beside.begin(lambda data: go_on.wait(20), LONG)
    second = beside.begin(lambda data: threading.current_thread(), LONG)
    assert second() is threading.current_thread()
    go_on.set()
    assert first()
    assert beside.begin(lambda data: threading.current_thread(), LONG)() is not threading.current_thread()


def test_what_the_work_raises_is_raised_and_the_thread_is_free_again() -> None:
    beside = Beside()
    for _ in range(2):
        outcome = beside.begin(lambda data: divmod(1, 0), LONG)
        with pytest.raises(ZeroDivisionError):
            outcome()


@pytest.mark.parametrize(
    "secret", [TOKEN, base64.b64encode(b"key: " + TOKEN), TOKEN.replace(b"_", b"\\u005f"), b"nothing at all"]
)
def test_a_long_body_is_scrubbed_as_it_is_without_it(secret: bytes) -> None:
    plain = small_scrubber()
    beside = Scrubber(plain.engine, fingerprint=fingerprint, beside=Beside())
    data = b'{"a": "' + b"some words " * (LONG_BYTES // 8) + secret + b'"}'
    expected = plain.body(data, "json", choose=default_choose)
    assert beside.body(data, "json", choose=default_choose) == expected
    assert bool(expected.hits) == (secret != b"nothing at all")
