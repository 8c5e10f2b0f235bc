"""Text that ordinary programs have written in another way: base64 in indented lines, hexadecimal, colours."""

import base64
import json

import pytest

from pipeline.events import Media
from pipeline.scrubber.model import default_choose
from pipeline.scrubber.stream import open_stream
from tests.support.scrubbing import TOKEN, fingerprint, small_scrubber

FILE = b"# settings of the service\nGITHUB_TOKEN=" + TOKEN + b"\nMODE=test of everything\n"
CLEAN = FILE.replace(TOKEN, b"[REDACTED_GITHUB_PAT]")


def lines(text: bytes, width: int, between: bytes = b"\n") -> bytes:
    return between.join(text[i : i + width] for i in range(0, len(text), width))


def scrubbed(data: bytes, media: Media) -> bytes:
    return small_scrubber().body(data, media, choose=default_choose).data


@pytest.mark.parametrize("between", [b"\n  ", b"\r\n\t", b"\n        "])
@pytest.mark.parametrize("media", ["text", "json"])
def test_base64_in_indented_lines_is_scrubbed_and_stays_in_such_lines(between: bytes, media: Media) -> None:
    front, encoded = b"data: |" + between, base64.b64encode(FILE)
    document = front + lines(encoded, 64, between) + b"\nkind: x\n"
    clean = front + lines(base64.b64encode(CLEAN), 64, between) + b"\nkind: x\n"
    if media == "json":
        document, clean = (json.dumps({"x": text.decode()}).encode() for text in (document, clean))
    assert scrubbed(document, media) == clean


@pytest.mark.parametrize("name", ["password", "username", "DATABASE_URL", "access-key", '"quoted"'])
def test_the_name_on_the_next_line_is_no_part_of_base64(name: str) -> None:
    value = base64.b64encode(b" " + TOKEN + b".")
    assert not value.endswith(b"=")
    document = b"data:\n  a: %b\n  %b: Zm9v\n" % (value, name.encode())
    found = scrubbed(document, "text")
    assert value not in found
    assert found.endswith(b"\n  %b: Zm9v\n" % name.encode())


@pytest.mark.parametrize("size", [1, 7, 64, 65, 1000])
def test_base64_in_indented_lines_is_found_in_a_stream_however_it_is_cut(size: int) -> None:
    document = b"data: |\n  " + lines(base64.b64encode(FILE * 3), 64, b"\n  ") + b"\nkind: x\n"
    stream = open_stream(
        small_scrubber().engine,
        media="text",
        charset=None,
        choose=default_choose,
        fingerprint=fingerprint,
        location="body",
    )
    out = b"".join(stream.feed(document[i : i + size]) for i in range(0, len(document), size)) + stream.finish()
    decoded = base64.b64decode(b"".join(out.removeprefix(b"data: |").removesuffix(b"kind: x\n").split()))
    assert TOKEN not in decoded
    assert decoded.count(b"[REDACTED_GITHUB_PAT]") == 3


@pytest.mark.parametrize("is_upper", [False, True])
@pytest.mark.parametrize("width", [0, 60])
def test_hexadecimal_of_text_is_scrubbed_and_stays_hexadecimal(width: int, is_upper: bool) -> None:
    def written(text: bytes) -> bytes:
        digits = text.hex().upper() if is_upper else text.hex()
        return lines(digits.encode(), width) if width else digits.encode()

    assert scrubbed(b"dump:\n" + written(FILE) + b"\n", "text") == b"dump:\n" + written(CLEAN) + b"\n"
    document = json.dumps({"bytea": "\\x" + FILE.hex()}).encode()
    assert bytes.fromhex(json.loads(scrubbed(document, "json"))["bytea"][2:]) == CLEAN


@pytest.mark.parametrize("mark", ["0x", "0X"])
def test_hexadecimal_of_text_behind_the_mark_of_a_number_is_scrubbed_and_keeps_it(mark: str) -> None:
    document = json.dumps({"sql": f"insert into t values ({mark}{TOKEN.hex()})"}).encode()
    found = json.loads(scrubbed(document, "json"))["sql"]
    assert found == f"insert into t values ({mark}{b'[REDACTED_GITHUB_PAT]'.hex()})"


@pytest.mark.parametrize("media", ["text", "json"])
def test_a_token_as_markdown_and_latex_escape_it_is_scrubbed(media: Media) -> None:
    text = f"the token is {TOKEN.decode().replace('_', chr(92) + '_')}, and snake{chr(92)}_case stays"
    document = json.dumps({"x": text}) if media == "json" else text
    found = scrubbed(document.encode(), media).decode()
    shown = json.loads(found)["x"] if media == "json" else found
    assert shown == f"the token is [REDACTED_GITHUB_PAT], and snake{chr(92)}_case stays"


NO_WIDTH = ["\u200b", "\u00ad", "\u2060", "\ufeff", "\u200d\u200b", "\ufe0f", "\u202e", "\U000e0041"]


@pytest.mark.parametrize("media", ["text", "json", "escaped json"])
@pytest.mark.parametrize("mark", [*NO_WIDTH, "\x1b]8;;https://x.test\x07"])
def test_a_token_with_something_unseen_in_it_is_scrubbed(mark: str, media: str) -> None:
    text = f"x\u200by caf\u00e9\u200d TOKEN={TOKEN[:12].decode()}{mark}{TOKEN[12:].decode()} rest"
    document = text if media == "text" else json.dumps({"x": text}, ensure_ascii=media.startswith("escaped"))
    found = scrubbed(document.encode(), "text" if media == "text" else "json")
    shown = found.decode() if media == "text" else json.loads(found)["x"]
    assert shown == "x\u200by caf\u00e9\u200d TOKEN=[REDACTED_GITHUB_PAT] rest"


def test_characters_of_no_width_that_hide_nothing_stay() -> None:
    text = "soft\u00adhyphens, \U0001f469\u200d\U0001f4bb\ufe0f emoji, \u0645\u06cc\u200c\u062e\u0648\u0627".encode()
    assert scrubbed(text, "text") is text


def test_digests_stay_as_they_are() -> None:
    text = b"da39a3ee5e6b4b0d3255bfef95601890afd80709 e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    assert scrubbed(text, "text") is text


@pytest.mark.parametrize("media", ["text", "json"])
@pytest.mark.parametrize(
    "marks", [("\x1b[01;31m\x1b[K", "\x1b[m\x1b[K"), ("\x1b[1m", "\x1b[0m"), ("\\033[31m", "\\e[m")]
)
def test_a_token_of_which_a_part_is_coloured_is_scrubbed(marks: tuple[str, str], media: Media) -> None:
    opened, closed = marks
    text = f".env:TOKEN={opened}ghp_{closed}{TOKEN[4:].decode()}{opened} rest{closed}"
    document = json.dumps({"x": text}) if media == "json" else text
    found = scrubbed(document.encode(), media)
    assert TOKEN[4:] not in found
    shown = json.loads(found)["x"] if media == "json" else found.decode()
    assert shown == f".env:TOKEN={opened}[REDACTED_GITHUB_PAT]{opened} rest{closed}"
