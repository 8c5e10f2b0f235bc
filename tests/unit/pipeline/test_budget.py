"""The ledger: what is counted for which budget, and that threads cannot pass it together."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from pipeline.budget import Ledger
from pipeline.events import Captured, Judged
from pipeline.exfiltration import Thresholds
from pipeline.observer import Observer
from pipeline.topology import denial
from tests.support.events import captured
from vibedom.cli.policy_view import policy_data, policy_lines
from vibedom.errors import SettingsError
from vibedom.settings import compose


def ledger(policy: str) -> Ledger:
    made = compose("", policy, config=Path("/"), clients=tuple)
    return Ledger(made.hosts.budgets)


def entry(pattern: str, limit: int, more: str = "") -> str:
    return f'[[hosts]]\npattern = "{pattern}"\nmax_upload_bytes = {limit}\n{more}\n'


def test_what_would_pass_the_budget_is_not_counted_and_what_fits_still_goes() -> None:
    made = ledger(entry("a.test", 1000))
    assert made.spend("a.test", 443, 700)
    assert not made.spend("a.test", 443, 301)
    assert made.spend("a.test", 443, 300)
    assert not made.fits("a.test", 80, 1)
    assert made.fits("a.test", 443, 0)
    assert made.spend("b.test", 443, 10**12)


def test_all_hosts_of_an_entry_share_its_budget_and_every_budget_of_a_host_counts() -> None:
    made = ledger('[groups.work]\nhosts = ["a.test", "b.test"]\n' + entry("@work", 100) + entry("b.test", 30))
    assert made.spend("b.test", 443, 30)
    assert not made.spend("b.test", 443, 1)
    assert made.spend("a.test", 443, 70)
    assert not made.spend("a.test", 443, 1)


def test_an_entry_with_paths_is_one_budget_and_counts_once() -> None:
    made = ledger(entry("a.test", 100, 'methods = ["PUT"]\npaths = ["/x/", "/y/"]'))
    assert made.spend("a.test", 443, 100)
    assert not made.spend("a.test", 443, 1)


def test_what_was_not_sent_is_given_back() -> None:
    made = ledger(entry("a.test", 100))
    assert made.spend("a.test", 443, 100)
    made.give_back("a.test", 443, 40)
    assert not made.spend("a.test", 443, 41)
    assert made.spend("a.test", 443, 40)


def test_threads_together_send_exactly_what_the_budget_has() -> None:
    made = ledger(entry("a.test", 1000))
    with ThreadPoolExecutor(16) as threads:
        admitted = list(threads.map(lambda _: made.spend("a.test", 443, 7), range(2000)))
    assert sum(admitted) == 142


def test_a_volume_is_crossed_once_for_each_multiple() -> None:
    made = ledger("")
    answers = [made.spend("a.test", 443, 40) and made.has_crossed("a.test", 100) for _ in range(6)]
    assert answers == [False, False, True, False, True, False]
    assert not made.has_crossed("a.test", 0)


def test_the_policy_as_it_is_shown_names_the_budget() -> None:
    policy = compose("", entry("a.test", 100), config=Path("/"), clients=tuple)
    assert "a session may send 100 bytes to a.test" in list(policy_lines(policy))
    (route,) = policy_data(policy)["routes"]  # type: ignore[misc]
    assert route["max_upload_bytes"] == 100


@pytest.mark.parametrize("more", ["max_upload_bytes = -1", 'verdict = "deny"\nmax_upload_bytes = 5'])
def test_a_budget_that_makes_no_sense_is_an_error(more: str) -> None:
    with pytest.raises(SettingsError, match=r"policy.toml: max_upload_bytes must be 0 or more.*hosts\[0\]"):
        compose("", f'[[hosts]]\npattern = "a.test"\n{more}\n', config=Path("/"), clients=tuple)


@pytest.mark.anyio
async def test_a_length_of_thousands_of_digits_is_left_to_the_stages_to_deny() -> None:
    asked: list[Captured] = []

    async def judge(event: Captured) -> Judged:
        asked.append(event)
        return denial(event, "malformed")

    policy = compose("", entry("good.test", 100), config=Path("/"), clients=tuple)
    observer = Observer(Thresholds, policy.contexts.context_of, policy.hosts.budgets)
    await observer.judging(judge)(captured(headers=((b"content-length", b"9" * 5000),)))
    await observer.judging(judge)(captured(headers=((b"content-length", b"101"),)))
    assert [event.trouble for event in asked] == [None, "upload-budget"]
