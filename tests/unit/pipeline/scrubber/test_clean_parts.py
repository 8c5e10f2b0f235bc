"""What is known to be clean is not looked at again; what is not clean is not kept."""

import sys

from pipeline.scrubber.clean_parts import MAX_REMEMBERED, CleanParts
from tests.support.scrubbing import TOKEN, small_scrubber


def copied(data: bytes) -> bytes:
    """An object of its own, so that who holds it can be counted."""
    return bytes(bytearray(data))


def test_clean_parts_of_every_kind_are_told_from_those_that_hold_a_secret() -> None:
    parts = CleanParts(small_scrubber())
    for _ in range(2):
        assert parts.text(b"gzip, br")
        assert parts.target(b"/v1/messages?beta=true")
        assert parts.value(b"user-agent", b"curl/8.5")
        assert not parts.text(b"see " + TOKEN)
        assert not parts.target(b"/v1?key=" + TOKEN)
        assert not parts.value(b"authorization", b"Bearer " + TOKEN)


def test_a_value_with_a_secret_is_not_kept_in_memory() -> None:
    parts, clean, secret = CleanParts(small_scrubber()), copied(b"Bearer of news"), copied(b"Bearer " + TOKEN)
    before = sys.getrefcount(clean), sys.getrefcount(secret)
    assert parts.value(b"authorization", clean)
    assert not parts.value(b"authorization", secret)
    assert (sys.getrefcount(clean), sys.getrefcount(secret)) == (before[0] + 1, before[1])


def test_many_parts_are_forgotten_in_the_order_they_came() -> None:
    parts, first = CleanParts(small_scrubber()), copied(b"/first")
    before = sys.getrefcount(first)
    assert parts.target(first)
    for number in range(MAX_REMEMBERED):
        assert parts.target(b"/page/%d" % number)
    assert sys.getrefcount(first) == before
