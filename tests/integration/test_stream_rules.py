"""Every shipped rule finds its samples in a stream as in a whole body, wherever they are cut."""

import pytest

from pipeline.scrubber.engine import build_engine
from pipeline.scrubber.redactor import Redactor
from pipeline.scrubber.rules import RuleSet
from tests.unit.pipeline.scrubber.chat_streams import anthropic, text_of
from tests.unit.pipeline.scrubber.stream_support import new_stream, run
from vibedom.rule_files import load_shipped

DIFFERS = {
    "nuget-config-password": "the end of its tag names the rule; until then another rule has replaced the secret",
    "us-phone": "an extension that is cut off is replaced on its own",
    "openvpn-static-key": "each part of the key is replaced on its own",
}
"""Rules whose samples come out differently for some cuts, and why. None of them lets a byte of a secret out."""
TOLD_TOO_LATE = dict.fromkeys(("piped-password", "password-said-before", "email-address-literal"))
"""What tells them stands behind the secret, or behind a bracket in it: in a stream that pauses right there, the secret
or its front is gone by then (docs/rules.md)."""
CUTS = 4


@pytest.fixture(scope="module")
def rules() -> RuleSet:
    return load_shipped()


def test_samples_cut_anywhere_come_out_as_from_the_whole_body(rules: RuleSet) -> None:
    engine = build_engine(rules)
    problems = []
    for number, rule in enumerate(rules.rules):
        for sample in rule.match:
            text = b"Some words before it.\n" + sample + b"\nand after\n"
            wanted = Redactor(engine, lambda _: "scrub", lambda _: "", "body").whole(text)
            for at in _places(number, len(sample)):
                if run(new_stream(engine=engine), [text[:at], text[at:]]) != wanted:
                    problems.append(f"{rule.id} cut at {at} as text")
                if text.isascii():
                    out = run(new_stream("sse", engine=engine), anthropic([text[:at].decode(), text[at:].decode()]))
                    if text_of(out).encode() != wanted:
                        problems.append(f"{rule.id} cut at {at} in two deltas")
    assert not [problem for problem in problems if problem.split()[0] not in DIFFERS | TOLD_TOO_LATE]


def _places(seed: int, length: int) -> list[int]:
    """Places that differ from rule to rule, so that all kinds of cut are met without trying all."""
    start = len("Some words before it.\n")
    return [start + (seed * 7919 + n * length // CUTS + n) % (length + 2) for n in range(CUTS)]
