"""Allowlists of one target are one check, and allow what each of them alone would."""

import pytest

from pipeline.scrubber.allowlist_check import AllowlistCheck, checks_of
from pipeline.scrubber.rule import Allowlist

LISTS = (
    Allowlist(regexes=("(?i)^example", "sample$")),
    Allowlist(regexes=("^Real",), stopwords=("dummy",)),
    Allowlist(regexes=("^key = ",), regex_target="match"),
    Allowlist(regexes=("# test",), regex_target="line", paths=(r"\.md$",)),
    Allowlist(regexes=("^both",), stopwords=("must",), condition="AND"),
    Allowlist(stopwords=("changeme",)),
    Allowlist(paths=("^docs/",), commits=("abc",)),
)
SECRETS = (b"EXAMPLE1", b"a SAMPLE", b"Real", b"real", b"my-Dummy", b"both must", b"both", b"ChangeMe", b"kept")


@pytest.mark.parametrize("count", range(1, len(LISTS) + 1))
def test_allowlists_allow_together_what_any_of_them_allows(count: int) -> None:
    lists = LISTS[:count]
    for secret in SECRETS:
        for match, line in ((b"key = x", b"x"), (b"x", b"x  # test"), (b"x", b"x")):
            for path in (None, b"a.md", b"docs/a.py", b"a.py"):
                texts = (lambda match=match: match, lambda line=line: line, path)
                apart = [AllowlistCheck(allowlist) for allowlist in lists]
                expected = any(check.allows(secret, *texts) for check in apart)
                assert any(check.allows(secret, *texts) for check in checks_of(lists)) is expected
                of_path = any(check.allows_path(path) for check in apart)
                assert any(check.allows_path(path) for check in checks_of(lists)) is of_path


def test_a_flag_of_one_allowlist_does_not_hold_for_the_next() -> None:
    (check,) = checks_of((Allowlist(regexes=("(?i)^one",)), Allowlist(regexes=("^Two",))))
    assert check.allows(b"ONE", bytes, bytes, None)
    assert not check.allows(b"two", bytes, bytes, None)


def test_there_is_one_check_for_all_allowlists_of_a_target() -> None:
    lists = tuple(Allowlist(regexes=(f"^{n}",)) for n in range(5))
    assert len(checks_of(lists)) == 1
