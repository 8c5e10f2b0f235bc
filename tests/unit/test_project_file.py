"""vibedom.toml of a project can narrow the policy and nothing else: an agent may have written it."""

import os
from pathlib import Path

import pytest

from vibedom.errors import SettingsError
from vibedom.paths import Home
from vibedom.settings import Policy, load_policy


def load(tmp_path: Path, project: str | None, policy: str = "") -> Policy:
    home = Home(root=tmp_path / "state")
    home.config.mkdir(parents=True, exist_ok=True)
    (home.config / "trusted_domains.txt").write_text("a.test\nb.test\n*.c.test\n")
    (home.config / "policy.toml").write_text(policy)
    directory = tmp_path / "project"
    directory.mkdir(exist_ok=True)
    if project is not None:
        (directory / "vibedom.toml").write_text(project)
    return load_policy(home, project=directory, clients=lambda: ())


def test_project_without_a_file_changes_nothing(tmp_path: Path) -> None:
    assert load(tmp_path, None).hosts.decide("a.test", 443).verdict == "allow"


def test_project_can_deny_and_is_named_as_who_did(tmp_path: Path) -> None:
    policy = load(tmp_path, 'deny = ["a.test", "x.c.test", "b.test/private/"]\n')
    decision = policy.hosts.decide("a.test", 443)
    assert (decision.verdict, decision.rule) == ("deny", "vibedom.toml $.deny[0] a.test")
    assert not policy.hosts.is_resolvable("a.test")
    assert policy.hosts.decide("x.c.test", 443).verdict == "deny"
    assert policy.hosts.decide("y.c.test", 443).verdict == "allow"
    assert policy.hosts.decide("b.test", 443, "GET", "/private/x").verdict == "deny"


def test_project_can_make_actions_stricter_but_not_laxer(tmp_path: Path) -> None:
    project = """
[contexts.external.request]
secret = "allow"
pii = "block"
[contexts.registry.response]
secret = "alert"
"""
    table = load(tmp_path, project, '[contexts.external.request]\ncredential = "alert"\n').contexts.table
    assert table["external", "request"]["secret"] == "scrub"
    assert table["external", "request"]["pii"] == "block"
    assert table["external", "request"]["credential"] == "alert"
    assert table["registry", "response"]["secret"] == "alert"


def test_project_can_block_what_would_pass_unscanned(tmp_path: Path) -> None:
    policy = load(tmp_path, '[dlp]\noversize = "block"\n', '[dlp]\nundecodable = "skip"\n')
    assert (policy.dlp.oversize, policy.dlp.undecodable) == ("block", "skip")


@pytest.mark.parametrize(
    "text",
    [
        'allow = ["evil.test"]',
        '[[hosts]]\npattern = "evil.test"',
        '[groups.github]\nhosts = ["evil.test"]',
        '[dlp]\noversize = "skip"',
        "[dlp]\nmax_body_bytes = 1024",
        '[dlp]\nrule_files = ["x"]',
        '[upstream]\nproxy = "http://evil.test:1"',
        '[local]\nvisible = ["/"]',
        "[limits]\npids = 100000",
        '[[sinks]]\ntype = "command"\nargv = ["evil"]',
        '[audit]\nfsync = "never"',
    ],
)
def test_every_key_that_could_widen_is_an_error(tmp_path: Path, text: str) -> None:
    with pytest.raises(SettingsError, match=r"vibedom\.toml: "):
        load(tmp_path, text)


def test_bad_pattern_is_named(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"vibedom\.toml \$\.deny\[1\]: a scheme"):
        load(tmp_path, 'deny = ["a.test", "https://b.test"]')


@pytest.mark.parametrize("kind", ["link", "fifo", "directory", "huge", "binary"])
def test_anything_but_a_small_text_file_in_its_place_is_refused_at_once(tmp_path: Path, kind: str) -> None:
    (tmp_path / "project").mkdir()
    path = tmp_path / "project" / "vibedom.toml"
    if kind == "link":
        (tmp_path / "outside.toml").write_text("secret")
        path.symlink_to(tmp_path / "outside.toml")
    elif kind == "fifo":
        os.mkfifo(path)
    elif kind == "directory":
        path.mkdir()
    else:
        path.write_bytes(b"#" * 300_000 if kind == "huge" else b"\xff\xfe")
    with pytest.raises(SettingsError, match=r"vibedom\.toml"):
        load(tmp_path, None)


def test_what_the_agent_writes_during_the_session_is_not_watched(tmp_path: Path) -> None:
    policy = load(tmp_path, "")
    assert all(source.parent.name == "config" for source in policy.sources)
