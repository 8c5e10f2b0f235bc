"""Detach keys, places for a bell, times as people write them: what stands between a terminal and an agent."""

import pytest

from vibedom.cli.amounts import parse_seconds, size
from vibedom.detach_keys import DEFAULT, DetachKeys, parse_keys
from vibedom.errors import UsageError
from vibedom.terminal_state import TerminalState


def typed(*pieces: bytes, keys: str = DEFAULT) -> tuple[bytes, bool]:
    """What arrives at the agent, and whether the user left."""
    detach, arrived = DetachKeys(parse_keys(keys)), b""
    for piece in pieces:
        rest, is_leaving = detach.feed(piece)
        arrived += rest
        if is_leaving:
            return arrived, True
    return arrived, False


def test_ctrl_p_alone_arrives_at_once_and_with_ctrl_q_the_user_leaves() -> None:
    assert typed(b"\x10") == (b"\x10", False)
    assert typed(b"ls\x10", b"\x11") == (b"ls\x10", True)
    assert typed(b"ls\x10\x11rest") == (b"ls\x10", True)
    assert typed(b"\x10\x10\x11") == (b"\x10\x10", True)


def test_other_keys_in_between_do_not_leave() -> None:
    assert typed(b"\x10a\x11") == (b"\x10a\x11", False)
    assert typed(b"\x11\x10") == (b"\x11\x10", False)


def test_keys_are_chosen_or_none() -> None:
    assert typed(b"a~.", keys="~,.") == (b"a~", True)
    assert typed(b"\x1d", keys="ctrl-]") == (b"", True)
    assert typed(b"\x10\x11", keys="") == (b"\x10\x11", False)
    for wrong in ("ctrl-", "ab", "ctrl-é", "\x01"):
        with pytest.raises(UsageError):
            parse_keys(wrong)


SAFE = [b"", b"text", b"\x1b[31mred", b"\x1b]0;title\x07", b"\x1b]0;title\x1b\\", "wört €".encode(), b"\x1b[?25l\x1b(B"]
UNSAFE = [
    b"\x1b",
    b"\x1b[",
    b"\x1b[38;5",
    b"\x1b]0;tit",
    b"\x1b]52;c;" + b"A" * 9000,
    b"\x1bP+q",
    "€".encode()[:2],
    b"\x1b(",
]


@pytest.mark.parametrize("before", SAFE)
@pytest.mark.parametrize("then", [b"", b"plain "])
def test_after_whole_sequences_a_bell_may_ring(before: bytes, then: bytes) -> None:
    for cut in range(len(before) + 1):
        state = TerminalState()
        state.saw(then + before[:cut])
        state.saw(before[cut:])
        assert state.is_plain, (before, cut)


@pytest.mark.parametrize("before", UNSAFE)
def test_within_a_sequence_or_a_character_it_may_not(before: bytes) -> None:
    for cut in range(len(before)) if len(before) < 100 else (1, 2, 50, 8000):
        state = TerminalState()
        state.saw(b"text " + before[:cut])
        state.saw(before[cut:])
        assert not state.is_plain, (before, cut)


def test_times_and_sizes() -> None:
    assert [parse_seconds(text, "--for") for text in ("90", "30s", "1h30m", "2d")] == [90, 30, 5400, 172800]
    assert [size(count) for count in (0, 999, 1500, 2_000_000)] == ["0 B", "999 B", "1.5 KB", "2.0 MB"]
    for wrong in ("", "1w", "h", "-1s", "1.5h"):
        with pytest.raises(UsageError):
            parse_seconds(wrong, "--for")
