"""Canary tokens: new for each session, known to the proxy, and found in what an agent would send."""

from pipeline.scrubber.exact_values import ExactValues
from vibedom.preflight.canary import canary_file, canary_values, new_canaries


def test_canaries_are_new_each_time_and_all_of_them_are_looked_for() -> None:
    one, other = new_canaries(), new_canaries()
    assert {canary.value for canary in one}.isdisjoint(canary.value for canary in other)
    values = ExactValues(canary_values(one))
    assert len(values) == len(one) == 3
    assert all(value.decode() in canary_file(one) for _, value in values.reveal())


def test_representation_does_not_look_like_a_leak() -> None:
    canaries = new_canaries()
    assert not any(canary.value in repr(canaries) for canary in canaries)
