"""Overlaps: leftmost, then longest, and no tail is lost."""

from pipeline.scrubber.escape import clear_of_escapes
from pipeline.scrubber.match import Match
from pipeline.scrubber.model import Span
from pipeline.scrubber.span_set import resolve, to_spans


def test_the_leftmost_wins_then_the_longest_then_the_earlier_rule() -> None:
    assert resolve([Span(5, 9, 0), Span(0, 3, 2), Span(0, 4, 1), Span(0, 4, 3)]) == [Span(0, 4, 1), Span(5, 9, 0)]


def test_an_overlapping_tail_is_added_to_the_winner() -> None:
    assert resolve([Span(0, 5, 0), Span(3, 8, 1), Span(7, 9, 2)]) == [Span(0, 9, 0)]


def test_spans_that_touch_stay_two() -> None:
    assert resolve([Span(0, 5, 0), Span(5, 8, 1)]) == [Span(0, 5, 0), Span(5, 8, 1)]


def test_an_edge_inside_of_an_escape_moves_out_of_it() -> None:
    assert clear_of_escapes(rb"\nbob@x", 1, 7) == (2, 7)
    assert clear_of_escapes(rb"\u000abob@x", 1, 11) == (6, 11)
    assert clear_of_escapes(rb"\\nbob@x", 2, 8) == (2, 8)
    assert clear_of_escapes(rb"secret\"", 0, 7) == (0, 6)
    assert clear_of_escapes(rb'secret\\"', 0, 8) == (0, 8)
    assert clear_of_escapes(b"plain", 0, 5) == (0, 5)


def test_empty_secrets_are_dropped() -> None:
    assert to_spans(b"abc", [Match(0, 0, 3, 1, 1)], escape_aware=True) == []
