"""`vibedom scrub`, as its users call it."""

import json
import os
import select
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.support.scrubbing import KEY_BLOCK, TOKEN, small_scrubber
from vibedom.line_filter import HOLD_BYTES, KEY_BYTES, LineFilter

MARK = b"[REDACTED_GITHUB_PAT]"


def scrub(*arguments: str, stdin: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    return subprocess.run([sys.executable, "-m", "vibedom", "scrub", *arguments], input=stdin, capture_output=True)


def test_lines_are_scrubbed_and_counted_on_stderr(with_rules: Path) -> None:
    done = scrub(stdin=b"one\r\ntoken " + TOKEN + b" x\n\xff last")
    assert done.stdout == b"one\r\ntoken " + MARK + b" x\n\xff last"
    assert done.stderr == b"vibedom: took out 1 secret: 1 github-pat\n"
    assert done.returncode == 0


def test_each_line_is_out_before_the_next_one_is_written(with_rules: Path) -> None:
    command = [sys.executable, "-m", "vibedom", "scrub", "-q"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        for number in range(3):
            process.stdin.write(b"%d " % number + TOKEN + b"\n")
            ready, _, _ = select.select([process.stdout], [], [], 60)
            assert ready
            assert os.read(process.stdout.fileno(), 4096) == b"%d " % number + MARK + b"\n"
        process.stdin.close()
        assert process.wait() == 0


def test_a_whole_body_keeps_its_structure(with_rules: Path, tmp_path: Path) -> None:
    file = tmp_path / "body.json"
    file.write_bytes(b'{"card": 4111111111111111, "t": "' + TOKEN + b'"}')
    done = scrub("--content-type", "application/json; charset=utf-8", str(file))
    assert json.loads(done.stdout) == {"card": 4111111111111111, "t": MARK.decode()}


def test_json_lines_are_answered_in_order_with_findings(with_rules: Path) -> None:
    questions = [
        {"id": 7, "text": "t=" + TOKEN.decode()},
        {"id": "x", "text": json.dumps({"n": 4111111111111111}), "content_type": "application/json"},
        {"id": None, "text": "nothing é \ud800"},
    ]
    done = scrub("--jsonl", stdin="\n".join(map(json.dumps, questions)).encode() + b"\n\n")
    answers = [json.loads(line) for line in done.stdout.splitlines()]
    assert [answer["id"] for answer in answers] == [7, "x", None]
    assert [answer["text"] for answer in answers] == ["t=" + MARK.decode(), questions[1]["text"], "nothing é \ud800"]
    assert answers[0]["findings"] == [{"rule": "github-pat", "location": "body", "length": 40}]
    assert answers[2]["findings"] == []


def test_a_line_that_is_no_question_is_named(with_rules: Path) -> None:
    done = scrub("--jsonl", stdin=b'{"id": 1, "text": "a"}\n{"id": 2}\n')
    assert done.returncode == 2
    assert done.stderr.startswith(b"vibedom: line 2 of the input: ")


def test_five_thousand_lines_take_seconds(with_rules: Path) -> None:
    line = json.dumps({"id": 1, "text": "user=bob password: hunter2hunter2 " + TOKEN.decode()}) + "\n"
    scrub("-q")
    started = time.monotonic()
    done = scrub("--jsonl", stdin=(line * 5000).encode())
    assert len(done.stdout.splitlines()) == 5000
    assert time.monotonic() - started < 30


def test_options_that_exclude_each_other_are_refused(with_rules: Path) -> None:
    done = scrub("--jsonl", "--content-type", "text/plain")
    assert (done.returncode, done.stdout) == (2, b"")


@pytest.mark.parametrize("size", [1, 7, 64, 1000])
def test_a_private_key_is_held_until_it_is_whole(size: int) -> None:
    text = b"before\n" + KEY_BLOCK + b"\nafter\n"
    lines = LineFilter(small_scrubber())
    out = [lines.feed(text[i : i + size]) for i in range(0, len(text), size)]
    assert b"".join([*out, lines.finish()]) == b"before\n[REDACTED_PRIVATE_KEY]\nafter\n"
    assert lines.counts == {"private-key": 1}


def test_a_private_key_without_end_is_not_held_for_ever() -> None:
    lines = LineFilter(small_scrubber())
    begin = KEY_BLOCK.split(b"\n")[0]
    assert lines.feed(begin + b"\n") == b""
    assert lines.feed(b"x" * KEY_BYTES + b"\n").startswith(b"-----")


def test_a_line_without_end_is_not_held_for_ever() -> None:
    lines = LineFilter(small_scrubber())
    fed = lines.feed(b"word " * (HOLD_BYTES // 5 + 1000))
    assert len(fed) > HOLD_BYTES // 2
    assert fed.endswith(b" ")


def test_help_teaches_with_examples() -> None:
    text = scrub("--help").stdout.decode()
    assert "kubectl logs -f api | vibedom scrub\n" in text


@pytest.mark.parametrize(
    ("content_type", "says"),
    [
        ("nonsense", "is no media type"),
        ("application/zip", "binary or unknown"),
        ("application/jsn", "binary or unknown"),
        ("multipart/form-data", "has no boundary"),
    ],
)
def test_a_type_by_which_nothing_would_be_read_is_refused(content_type: str, says: str) -> None:
    done = scrub("--content-type", content_type, stdin=b"token " + TOKEN)
    assert done.returncode == 2
    assert done.stdout == b""
    assert says in done.stderr.decode()
    assert done.stderr.count(b"\n") == 1


def test_a_string_is_read_as_text_whatever_its_type_is_called(with_rules: Path) -> None:
    for content_type in ("nonsense", "application/zip", "image/png"):
        line = json.dumps({"id": 1, "text": "token " + TOKEN.decode(), "content_type": content_type})
        (answer,) = map(json.loads, scrub("--jsonl", stdin=line.encode() + b"\n").stdout.splitlines())
        assert answer["text"] == "token " + MARK.decode()
