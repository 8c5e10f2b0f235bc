"""The policy's files: defaults, what each key does, and how a mistake is named."""

import stat
from collections.abc import Sequence
from pathlib import Path

import pytest

from pipeline.patterns import parse_pattern
from vibedom.errors import SettingsError
from vibedom.paths import Home
from vibedom.rule_files import load_rules
from vibedom.settings import Policy, compose, configured_rule_files, load_policy
from vibedom.user_files import POLICY, TRUSTED_DOMAINS, names_rule_files, shipped_text

AGENT_ENDPOINTS = (
    ("POST", "https://api.anthropic.com/v1/messages"),
    ("POST", "https://console.anthropic.com/v1/oauth/token"),
    ("GET", "https://claude.ai/oauth/authorize"),
    ("POST", "https://api.openai.com/v1/responses"),
    ("POST", "https://auth.openai.com/oauth/token"),
    ("POST", "https://chatgpt.com/backend-api/codex/responses"),
    ("POST", "https://generativelanguage.googleapis.com/v1beta/models/x:generateContent"),
    ("POST", "https://cloudcode-pa.googleapis.com/v1internal:streamGenerateContent"),
    ("POST", "https://oauth2.googleapis.com/token"),
    ("GET", "https://models.dev/api.json"),
    ("POST", "https://github.com/me/repo.git/git-upload-pack"),
    ("POST", "https://api.github.com/graphql"),
    ("GET", "https://raw.githubusercontent.com/me/repo/main/README.md"),
    ("GET", "https://packages.test/simple/"),
)


def no_clients() -> Sequence[str]:
    return ()


def policy(
    domains: str = "", toml: str = "", config: Path = Path("/config"), clients: Sequence[str] = ("packages.test",)
) -> Policy:
    return compose(domains, toml, config=config, clients=lambda: clients)


def error(domains: str = "", toml: str = "", config: Path = Path("/config")) -> str:
    with pytest.raises(SettingsError) as caught:
        policy(domains, toml, config)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_missing_files_are_made_from_the_shipped_ones_for_their_owner_only(tmp_path: Path) -> None:
    home = Home(root=tmp_path / "state")
    load_policy(home, clients=no_clients)
    for name in (TRUSTED_DOMAINS, POLICY):
        path = home.config / name
        assert path.read_text() == shipped_text(name)
        assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_files_that_are_there_are_never_written(tmp_path: Path) -> None:
    home = Home(root=tmp_path)
    home.config.mkdir()
    (home.config / TRUSTED_DOMAINS).write_text("a.test\n")
    loaded = load_policy(home, clients=no_clients)
    assert [pattern.text for pattern in loaded.hosts.allow] == ["a.test"]
    assert (home.config / TRUSTED_DOMAINS).read_text() == "a.test\n"
    assert loaded.sources == (home.config / TRUSTED_DOMAINS, home.config / POLICY)


@pytest.mark.parametrize(("method", "url"), AGENT_ENDPOINTS)
def test_agents_work_with_the_shipped_policy(method: str, url: str) -> None:
    host, _, path = url.removeprefix("https://").partition("/")
    shipped = policy(shipped_text(TRUSTED_DOMAINS), shipped_text(POLICY))
    assert shipped.hosts.decide(host, 443, method, "/" + path).verdict == "allow"
    assert shipped.hosts.is_resolvable(host)


@pytest.mark.parametrize("host", ["example.com", "evil.githubusercontent.com.test", "anthropic.com", "10.0.0.1"])
def test_shipped_policy_allows_nothing_else(host: str) -> None:
    shipped = policy(shipped_text(TRUSTED_DOMAINS), shipped_text(POLICY))
    assert shipped.hosts.decide(host, 443).verdict == "deny"


def test_every_example_in_the_shipped_policy_can_be_loaded(tmp_path: Path) -> None:
    """What stands there as a comment works when the comment signs are taken away."""
    for name in ("ca.pem", "my-gitleaks.toml", "company-root.pem"):
        (tmp_path / name).touch()
    lines = [line.removeprefix("# ") for line in shipped_text(POLICY).splitlines()]
    toml = "\n".join(line for line in lines if line.startswith("[") or " = " in line)
    for path in ("~/dev/ca.pem", "~/my-gitleaks.toml", "/etc/ssl/company-root.pem"):
        toml = toml.replace(path, str(tmp_path / Path(path).name))
    loaded = policy(toml=toml, config=tmp_path)
    assert len(loaded.hosts.routes) == 4
    assert loaded.hosts.ssh_hosts() == (("github.com", 22),)
    assert loaded.dlp.rule_files == (str(tmp_path / "my-gitleaks.toml"),)
    assert loaded.sinks[0].min_severity == "high"


def test_lines_have_comments_groups_and_denials() -> None:
    loaded = policy("# all\n\n a.test  # one\nb.test#no\n!c.test\n! d.test\n@registries\n".replace("b.test#no\n", ""))
    assert [(p.text, p.source) for p in loaded.hosts.allow] == [
        ("a.test", "trusted_domains.txt:3"),
        ("packages.test", "trusted_domains.txt:6 @registries"),
    ]
    assert [p.label for p in loaded.hosts.deny] == ["trusted_domains.txt:4 c.test", "trusted_domains.txt:5 d.test"]


def test_windows_line_ends_and_a_byte_order_mark_are_no_part_of_a_rule() -> None:
    assert [p.text for p in policy("\ufeffa.test\r\nb.test\r\n").hosts.allow] == ["a.test", "b.test"]


def test_clients_are_asked_only_where_registries_are_used() -> None:
    def asked() -> Sequence[str]:
        raise AssertionError("asked")

    compose("a.test\n@github\n", "", config=Path("/"), clients=asked)


def test_registries_have_their_context_and_are_a_home() -> None:
    loaded = policy("@registries\n", clients=("packages.test", "mirror.test:8443"))
    assert loaded.contexts.context_of("packages.test") == "registry"
    assert loaded.hosts.decide("mirror.test", 8443).verdict == "allow"


@pytest.mark.parametrize(
    ("line", "place"),
    [
        ("https://github.com/x", "trusted_domains.txt:3: a scheme"),
        (".github.com", "trusted_domains.txt:3: write '*.github.com'"),
        ("git hub.com", "trusted_domains.txt:3: write 'host'"),
        ("b.test#comment", "trusted_domains.txt:3: 'b.test#comment'"),
        ("@nope", "trusted_domains.txt:3: there is no group '@nope'; known are @claude"),
        ("*", "trusted_domains.txt:3: '*' can only deny"),
        ("!", "trusted_domains.txt:3: write 'host'"),
    ],
)
def test_bad_line_is_named_with_file_and_number(line: str, place: str) -> None:
    assert error(f"# first\na.test\n{line}\n").startswith(place)


@pytest.mark.parametrize(
    ("toml", "place"),
    [
        ("x = 1", "policy.toml: Object contains unknown field `x`"),
        ("[dlp]\nmax_size = 1", "policy.toml: Object contains unknown field `max_size` - at `$.dlp`"),
        ("[dlp]\noversize = 'drop'", "policy.toml: Invalid enum value 'drop' - at `$.dlp.oversize`"),
        ("[dlp]\nmax_body_bytes = 10", "policy.toml: max_body_bytes must be"),
        ("[dlp]\nsensitive_headers = ['X-Key']", "policy.toml: sensitive_headers must be"),
        ("[dlp]\nrule_files = ['none.toml']", "policy.toml $.dlp.rule_files: there is no file '/config/none.toml'"),
        ("[[hosts]]\npattern = 'https://a.test'", "policy.toml $.hosts[0]: a scheme"),
        ("[[hosts]]\npattern = '*'", "policy.toml $.hosts[0]: '*' can only deny"),
        ("[[hosts]]\npattern = 'a.test'\ndial = 'b.test:1'", "policy.toml $.hosts[0]: dial = 'b.test:1': write an"),
        ("[[hosts]]\npattern = 'a.test'\ndial = '127.0.0.1'", "policy.toml $.hosts[0]: dial = '127.0.0.1': write"),
        ("[[hosts]]\npattern = 'a.test'\ndial = '127.0.0.1:0'", "policy.toml $.hosts[0]: dial = '127.0.0.1:0' is not"),
        ("[[hosts]]\npattern = 'a.test'\nca = 'x'", "policy.toml $.hosts[0]: `ca` needs `dial`"),
        ("[[hosts]]\npattern = 'a.test'\ndial = '[::1]:1'\nca = 'x'", "policy.toml $.hosts[0]: there is no file"),
        ("[[hosts]]\npattern = 'a.test'\naddresses = ['x']", "policy.toml $.hosts[0]: 'x' is no network"),
        ("[[hosts]]\npattern = '@github'\npaths = ['/x']", "policy.toml $.hosts[0]: methods and paths"),
        ("[[hosts]]\npattern = 'GET a.test'\npaths = ['/x']", "policy.toml $.hosts[0]: methods and paths"),
        ("[contexts.outside.request]\npii = 'allow'", "policy.toml: Invalid enum value 'outside'"),
        ("[contexts.external.request]\npii = 'drop'", "policy.toml: Invalid enum value 'drop'"),
        ("[groups.x]\nhosts = ['a..b']", "[groups.x]: 'a..b' is not a host name"),
        ("[groups.x]\nhosts = ['a.test']\nlogins = ['b.test']", "policy.toml: logins must be among hosts"),
        ("[upstream]\nproxy = 'socks5://x:1'", "policy.toml: proxy must be"),
        ("[upstream]\nca = 'none.pem'", "policy.toml $.upstream.ca: there is no file"),
        ("[[sinks]]\ntype = 'fax'", "policy.toml: Invalid value 'fax'"),
        ("[[sinks]]\ntype = 'webhook'\nurl = 'x'", "policy.toml: url must be"),
        ("[[alerts]]\nseverity = 'high'", "policy.toml: Object missing required field `name`"),
        ("a = [\n", "policy.toml: "),
        ("[dlp\n", "policy.toml: "),
    ],
)
def test_mistake_in_the_policy_is_named_with_its_place(toml: str, place: str) -> None:
    assert error(toml=toml).startswith(place)


def test_syntax_error_names_line_and_column() -> None:
    assert "line 2, column" in error(toml="[dlp]\noversize = scan\n")


def test_file_that_is_not_utf8_is_named(tmp_path: Path) -> None:
    home = Home(root=tmp_path)
    home.config.mkdir()
    (home.config / POLICY).write_bytes(b"\xff\xfe")
    with pytest.raises(SettingsError, match=r"policy\.toml: not UTF-8"):
        load_policy(home, clients=no_clients)


def test_dial_entry_allows_its_host_and_says_where_it_is_dialled(tmp_path: Path) -> None:
    (tmp_path / "ca.pem").touch()
    loaded = policy(
        toml="[[hosts]]\npattern = 'origin.test'\ndial = 'localhost:9443'\nca = 'ca.pem'\n", config=tmp_path
    )
    dial = loaded.hosts.dial("origin.test", 443)
    assert dial is not None
    assert (dial.address, dial.port, dial.ca) == ("127.0.0.1", 9443, str(tmp_path / "ca.pem"))
    assert loaded.hosts.decide("origin.test", 443).rule == "policy.toml $.hosts[0] origin.test"
    assert loaded.hosts.allows_address("origin.test", "127.0.0.1", 9443)
    assert not loaded.hosts.allows_address("origin.test", "127.0.0.1", 9444)


def test_methods_and_paths_narrow_an_entry() -> None:
    loaded = policy(toml="[[hosts]]\npattern = 's.test:8443'\nmethods = ['GET', 'PUT']\npaths = ['/mine/', '/x']\n")
    assert loaded.hosts.decide("s.test", 8443, "PUT", "/mine/a").verdict == "allow"
    assert loaded.hosts.decide("s.test", 8443, "GET", "/x").verdict == "allow"
    assert loaded.hosts.decide("s.test", 8443, "POST", "/mine/a").verdict == "deny"
    assert loaded.hosts.decide("s.test", 8443, "GET", "/other").verdict == "deny"
    assert loaded.hosts.decide("s.test", 443, "GET", "/x").verdict == "deny"


def test_entry_denies_gives_context_homes_networks_and_passthrough() -> None:
    toml = """
[[hosts]]
pattern = "*.corp.test"
addresses = ["10.0.0.0/8"]
context = "internal"
auth_headers = "pass"
home_for = ["gitlab-pat"]
[[hosts]]
pattern = "old.corp.test"
verdict = "deny"
[[hosts]]
pattern = "pinned.test"
passthrough = true
"""
    loaded = policy(toml=toml)
    assert loaded.hosts.decide("git.corp.test", 443).verdict == "allow"
    assert loaded.hosts.decide("old.corp.test", 443).reason == "denied-by-rule"
    assert loaded.contexts.context_of("git.corp.test") == "internal"
    assert loaded.hosts.allows_address("git.corp.test", "10.1.1.1")
    assert loaded.hosts.is_passthrough("pinned.test", 443)
    assert not loaded.hosts.is_passthrough("git.corp.test", 443)


def test_own_group_can_be_used_in_both_files_and_replaces_a_shipped_one() -> None:
    toml = """
[groups.work]
hosts = ["wiki.test"]
context = "internal"
[groups.github]
hosts = ["git.test"]
"""
    loaded = policy("@work\n@github\n", toml)
    assert loaded.hosts.decide("wiki.test", 443).rule == "trusted_domains.txt:1 @work wiki.test"
    assert loaded.hosts.decide("git.test", 443).verdict == "allow"
    assert loaded.hosts.decide("github.com", 443).verdict == "deny"
    assert loaded.contexts.context_of("wiki.test") == "internal"


def test_group_says_how_its_hosts_are_treated_but_does_not_allow_them() -> None:
    loaded = policy("a.test\n")
    assert loaded.contexts.context_of("api.anthropic.com") == "public"
    assert loaded.hosts.decide("api.anthropic.com", 443).verdict == "deny"


def test_cells_of_the_table_are_replaced_one_by_one() -> None:
    loaded = policy(toml="[contexts.external.request]\npii = 'alert'\n")
    assert loaded.contexts.table["external", "request"]["pii"] == "alert"
    assert loaded.contexts.table["external", "request"]["secret"] == "scrub"


def test_rule_files_are_found_without_asking_clients(tmp_path: Path) -> None:
    home = Home(root=tmp_path)
    home.config.mkdir()
    (home.config / "mine.toml").touch()
    (home.config / POLICY).write_text("[dlp]\nrule_files = ['mine.toml']\n")
    assert configured_rule_files(home) == (str(home.config / "mine.toml"),)


def test_homes_of_every_shipped_rule_are_patterns_or_registries() -> None:
    for rule in load_rules().rules:
        for home in rule.info.homes:
            assert home == "@registries" or parse_pattern(home).text == home


@pytest.mark.parametrize(
    ("policy", "is_named"),
    [
        ("", False),
        ('# rule_files = ["mine.toml"]\n[dlp]\n', False),
        ('[dlp]\nrule_files = ["mine.toml"]', True),
        ('dlp.rule_files = ["mine.toml"]', True),
        ('dlp = { rule_files = ["mine.toml"] }', True),
        ('[dlp]\n"rule\\u005ffiles" = ["mine.toml"]', True),
    ],
)
def test_rule_files_are_asked_for_wherever_a_policy_may_name_them(policy: str, is_named: bool) -> None:
    assert names_rule_files(policy) is is_named
