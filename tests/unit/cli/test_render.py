"""Nothing that an agent can name reaches a terminal as more than letters, whichever command prints it."""

import json

import pytest

from vibedom.cli import render

HOSTILE = "a\x1b]0;owned\x07\x1b[2J\x9b31m\u202etxt\r\x08\x7f\u2028b"


@pytest.mark.parametrize("show", [render.out, render.err, render.out_json, render.out_line])
def test_control_characters_are_made_visible(show: object, capsys: pytest.CaptureFixture[str]) -> None:
    show(HOSTILE)  # type: ignore[operator]
    shown = "".join(capsys.readouterr())
    assert shown.endswith("\n")
    assert shown[:-1].isprintable()
    assert "owned" in shown


def test_json_says_the_same_with_its_characters_escaped(capsys: pytest.CaptureFixture[str]) -> None:
    value = {HOSTILE: [HOSTILE, "größe \U0001f600 \U000e0041"]}
    render.out_json(value)
    render.out_line(value)
    indented, line = capsys.readouterr().out.rsplit("}\n", 2)[0:2]
    assert json.loads(indented + "}") == json.loads(line + "}") == value
    assert "größe \U0001f600 " in line


def test_colours_lines_and_tabs_of_vibedom_itself_stay(capsys: pytest.CaptureFixture[str]) -> None:
    render.out("\x1b[31mdenied\x1b[0m\tä\n\x1b[2mnext\x1b[0m")
    assert capsys.readouterr().out == "\x1b[31mdenied\x1b[0m\tä\n\x1b[2mnext\x1b[0m\n"


def test_codes_that_hide_text_are_none_of_them(capsys: pytest.CaptureFixture[str]) -> None:
    render.out("\x1b[8mhidden\x1b[0m")
    assert capsys.readouterr().out == "\\x1b[8mhidden\x1b[0m\n"
