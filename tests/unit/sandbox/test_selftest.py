"""selftest: only the complete and right set of outcomes opens the sandbox."""

import subprocess

import pytest

from vibedom.errors import LockdownError
from vibedom.sandbox import selftest

SESSION = "blue-fox-1"
HELD = {
    "proxy": f"{SESSION} 12",
    "resolver": "564481850001000000000000 9",
    **dict.fromkeys(selftest.BLOCKED, "no:1 4"),
}


def output(**changes: str) -> str:
    lines = HELD | {name.replace("_", "-"): outcome for name, outcome in changes.items()}
    return "".join(f"{name} {outcome}\n" for name, outcome in lines.items())


def judge(text: str) -> None:
    selftest.judge(selftest.parse(text), SESSION)


def test_a_lockdown_that_holds_passes() -> None:
    judge(output())


@pytest.mark.parametrize("name", sorted(HELD))
def test_an_attempt_that_is_missing_fails(name: str) -> None:
    text = "".join(line for line in output().splitlines(keepends=True) if not line.startswith(f"{name} "))
    with pytest.raises(LockdownError, match=f"not complete .*{name}"):
        judge(text)


@pytest.mark.parametrize("name", sorted(selftest.BLOCKED))
def test_an_attempt_that_gets_out_fails_and_is_named(name: str) -> None:
    with pytest.raises(LockdownError, match="does not hold") as caught:
        judge(output(**{name: "open 3"}))
    assert selftest.BLOCKED[name] in str(caught.value)


@pytest.mark.parametrize("name", sorted(selftest.BLOCKED))
def test_an_attempt_that_hangs_instead_of_being_refused_fails(name: str) -> None:
    with pytest.raises(LockdownError, match="does not reject"):
        judge(output(**{name: "no:124 3001"}))


@pytest.mark.parametrize("outcome", ["no:28 5000", "no:7 1", "another-session 3", "empty 3"])
def test_a_proxy_that_is_silent_or_not_ours_fails(outcome: str) -> None:
    with pytest.raises(LockdownError, match="sandbox cannot reach proxy"):
        judge(output(proxy=outcome))


@pytest.mark.parametrize(
    "outcome", ["no:124 5000", "empty 2", "564401000001000000000000 2", "000081850001000000000000 2"]
)
def test_a_resolver_that_does_not_answer_our_question_fails(outcome: str) -> None:
    with pytest.raises(LockdownError, match="sandbox cannot reach resolver"):
        judge(output(resolver=outcome))


def test_a_resolver_that_answers_an_unlisted_name_fails() -> None:
    with pytest.raises(LockdownError, match="not listed"):
        judge(output(resolver="564481800001000100000000 2"))


def test_noise_between_the_lines_is_no_outcome() -> None:
    judge("warning: something\n\n" + output() + "trailing words that are none of ours\n")


def test_the_attempts_are_valid_bash() -> None:
    subprocess.run(["bash", "-n"], input=selftest.script(), text=True, check=True)
