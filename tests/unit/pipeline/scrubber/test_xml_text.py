"""XML: text and attributes are scrubbed, markup stays."""

from xml.etree import ElementTree

import pytest

from pipeline.scrubber.model import default_choose
from tests.support.scrubbing import KEY_BLOCK, TOKEN, small_scrubber


def scrub(data: bytes) -> bytes:
    return small_scrubber().body(data, "xml", choose=default_choose).data


def test_text_attributes_and_cdata_are_scrubbed() -> None:
    data = b'<?xml version="1.0"?><a k="' + TOKEN + b'">' + TOKEN + b"<b><![CDATA[" + TOKEN + b"]]></b></a>"
    root = ElementTree.fromstring(scrub(data))
    mark = "[REDACTED_GITHUB_PAT]"
    assert (root.get("k"), root.text, root.findtext("b")) == (mark, mark, mark)


@pytest.mark.parametrize(
    "spelling", ["".join(f"&#{byte};" for byte in TOKEN), "".join(f"&#x{byte:X};" for byte in TOKEN)]
)
def test_character_references_do_not_hide_a_secret(spelling: str) -> None:
    root = ElementTree.fromstring(scrub(f"<a>x &amp; {spelling} y</a>".encode()))
    assert root.text == "x & [REDACTED_GITHUB_PAT] y"


def test_markup_inside_of_a_find_stays() -> None:
    begin, *middle, end = KEY_BLOCK.split(b"\n")
    data = b"<k><l>" + begin + b"</l><l>" + b"</l><l>".join(middle) + b"</l><l>" + end + b"</l></k>"
    root = ElementTree.fromstring(scrub(data))
    assert [line.text for line in root] == ["[REDACTED_PRIVATE_KEY]"] * 5


def test_clean_markup_is_the_very_same_object() -> None:
    data = b"<a href='x?y=1&amp;z=2'>&lt;&#65;</a>"
    assert scrub(data) is data
