"""A seed phrase is caught wherever a stream cuts it, and words that nothing announces do not wait."""

import pytest

from pipeline.scrubber.engine import build_engine
from pipeline.scrubber.model import Engine
from tests.unit.pipeline.scrubber.stream_support import new_stream, run
from vibedom.rule_files import load_shipped

WORDS = "abandon ability able about above absent absorb abstract absurd abuse access accident"


@pytest.fixture(scope="module")
def engine() -> Engine:
    return build_engine(load_shipped())


@pytest.mark.parametrize(
    "text",
    [f'MNEMONIC="{WORDS}"\n', f"seed phrase: {WORDS}.\n", f"recovery_phrase = '{WORDS} {WORDS}'\n"],
    ids=["quoted", "bare", "twenty-four words"],
)
def test_no_word_of_a_phrase_leaves_wherever_it_is_cut(engine: Engine, text: str) -> None:
    data = text.encode()
    for at in range(len(data) + 1):
        out = run(new_stream(engine=engine), [data[:at], data[at:]])
        assert b"[REDACTED_" in out
        assert not any(word.encode() in out for word in WORDS.split()[1:]), at


def test_words_that_nothing_announces_leave_at_once(engine: Engine) -> None:
    stream = new_stream(engine=engine)
    assert stream.feed(WORDS.encode() + b" ") == WORDS.encode() + b" "
