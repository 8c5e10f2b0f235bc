"""`vibedom scrub`: takes the secrets out of a stream of text."""

import json
import os
import sys
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import BinaryIO

import anyio.to_thread
import asyncclick as click
import msgspec

from pipeline.media import ContentType, media_of, parse_content_type
from pipeline.scrubber.model import Hit, default_choose
from pipeline.scrubber.scrubber import Scrubber
from vibedom.cli import render
from vibedom.errors import UsageError
from vibedom.line_filter import LineFilter
from vibedom.paths import home
from vibedom.rule_files import load_scrubber

_BATCH = 256
"""Answers that are written together."""
_CHUNK_BYTES = 1 << 18


class Question(msgspec.Struct, frozen=True):
    """One line of `--jsonl`."""

    id: object
    text: str
    content_type: str | None = None


class Answer(msgspec.Struct, frozen=True):
    """What `--jsonl` answers to it."""

    id: object
    text: str
    findings: tuple[dict[str, str | int], ...]


_DECODER = msgspec.json.Decoder(Question)
_ENCODER = msgspec.json.Encoder()


@click.command()
@click.argument("file", required=False, type=click.Path(path_type=Path, exists=True, dir_okay=False, allow_dash=True))
@click.option(
    "--content-type", metavar="TYPE", help="Read the whole input as one body of this type and keep its structure."
)
@click.option(
    "--jsonl", is_flag=True, help='Answer lines of {"id", "text", "content_type"?} with {"id", "text", "findings"}.'
)
@click.option("--quiet", "-q", is_flag=True, help="Do not say on stderr what was taken out.")
async def command(file: Path | None, content_type: str | None, jsonl: bool, quiet: bool) -> None:
    """Take the secrets out of FILE or of standard input.

    Line by line, each as soon as it is there. What was taken out is counted on stderr.

    \b
    kubectl logs -f api | vibedom scrub
    vibedom scrub .env
    curl -s URL | vibedom scrub --content-type application/json
    """
    if jsonl and content_type:
        raise UsageError("--jsonl and --content-type exclude each other; put content_type into the lines")
    await anyio.to_thread.run_sync(_run, file, content_type, jsonl, quiet)


def _run(file: Path | None, content_type: str | None, jsonl: bool, quiet: bool) -> None:
    content = _content(content_type) if content_type is not None else None
    scrubber = load_scrubber(home())
    with _opened(file) as source:
        if jsonl:
            _answer(scrubber, source)
            return
        counts = _whole(scrubber, source, content) if content else _filter(scrubber, source)
    if counts and not quiet:
        render.err(f"vibedom: took out {_summary(counts)}", "dim")


def _filter(scrubber: Scrubber, source: BinaryIO) -> Counter[str]:
    """What a pipe has is read as it comes, so that a line is out before the next one is written."""
    lines = LineFilter(scrubber)
    while chunk := os.read(source.fileno(), _CHUNK_BYTES):
        render.out_bytes(lines.feed(chunk))
    render.out_bytes(lines.finish())
    return lines.counts


def _opened(file: Path | None) -> BinaryIO:
    if file is None or str(file) == "-":
        return os.fdopen(os.dup(sys.stdin.fileno()), "rb")
    return file.open("rb")


def _content(content_type: str) -> ContentType:
    """The type that `--content-type` names. Raises `UsageError` where nothing would be read by it."""
    content = parse_content_type(content_type.encode("latin-1", "replace"))
    shown = render.printable(content_type)
    if not content.essence:
        raise UsageError(f"--content-type {shown!r} is no media type; write one as application/json or text/plain")
    if media_of(content) == "binary":
        raise UsageError(
            f"{shown} is binary or unknown, and would stay as it is; leave --content-type out to read text"
        )
    if content.essence.startswith("multipart/") and not content.boundary:
        raise UsageError(f"{shown} has no boundary; write it as in the header: '{content.essence}; boundary=...'")
    return content


def _whole(scrubber: Scrubber, source: BinaryIO, content: ContentType) -> Counter[str]:
    result = scrubber.body(
        source.read(), media_of(content), charset=content.charset, boundary=content.boundary, choose=default_choose
    )
    render.out_bytes(result.data)
    return _counted(result.hits)


def _answer(scrubber: Scrubber, source: BinaryIO) -> None:
    answers: list[bytes] = []
    for number, line in enumerate(source, 1):
        if not line.strip():
            continue
        answers.append(_encoded(_answered(scrubber, _question(line, number))) + b"\n")
        if len(answers) == _BATCH:
            render.out_bytes(b"".join(answers))
            answers.clear()
    render.out_bytes(b"".join(answers))


def _question(line: bytes, number: int) -> Question:
    try:
        return _DECODER.decode(line)
    except msgspec.DecodeError as exc:
        reason = exc
    try:
        # Python's own parser takes lone surrogates, which real texts do have.
        return msgspec.convert(json.loads(line), Question)
    except ValueError:
        raise UsageError(f'line {number} of the input: {reason}; expected {{"id": ..., "text": "..."}}') from None


def _encoded(answer: Answer) -> bytes:
    try:
        return _ENCODER.encode(answer)
    except UnicodeEncodeError:
        return json.dumps(msgspec.structs.asdict(answer)).encode()


def _answered(scrubber: Scrubber, question: Question) -> Answer:
    data = question.text.encode("utf-8", "surrogatepass")
    content = parse_content_type((question.content_type or "text/plain").encode("latin-1", "replace"))
    media = media_of(content)
    # What came in a string is text, whatever it is called.
    read_as = "text" if media == "binary" else media
    result = scrubber.body(data, read_as, boundary=content.boundary, choose=default_choose)
    findings: tuple[dict[str, str | int], ...] = tuple(
        {"rule": hit.rule.id, "location": hit.location, "length": hit.length} for hit in result.hits
    )
    return Answer(question.id, result.data.decode("utf-8", "surrogatepass"), findings)


def _counted(hits: Iterable[Hit]) -> Counter[str]:
    return Counter(hit.rule.id for hit in hits)


def _summary(counts: Counter[str]) -> str:
    total = sum(counts.values())
    rules = ", ".join(f"{count} {rule}" for rule, count in counts.most_common())
    return f"{total} {'secret' if total == 1 else 'secrets'}: {rules}"
