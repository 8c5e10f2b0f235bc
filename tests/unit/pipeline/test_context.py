"""What is done with a finding: class x context x direction, and credentials at home."""

import pytest

from pipeline.context import ContextRule, ContextTable
from pipeline.events import Action, Context, Direction, SecretClass
from pipeline.patterns import parse_pattern
from pipeline.scrubber.model import RuleInfo

GITHUB = RuleInfo(id="github-pat", secret_class="credential", homes=("github.com", "*.github.com"))
MODEL = RuleInfo(id="model-key", secret_class="credential", homes=("api.model.test",), severity="medium")
GENERIC = RuleInfo(id="jwt", secret_class="secret", severity="medium")
PACKAGE = RuleInfo(id="package-token", secret_class="credential", homes=("@registries",))
EMAIL = RuleInfo(id="email", secret_class="pii", severity="low", homes=("github.com",))
TABLE = ContextTable(
    [
        ContextRule(pattern=parse_pattern("api.model.test"), context="public", auth_headers="own"),
        ContextRule(pattern=parse_pattern("*.corp.test"), context="internal"),
        ContextRule(pattern=parse_pattern("git.corp.test"), home_for=("gitlab-pat",)),
        ContextRule(pattern=parse_pattern("gateway.test"), auth_headers="pass"),
        ContextRule(pattern=parse_pattern("login.github.com"), is_login=True),
        ContextRule(pattern=parse_pattern("docs.corp.test"), context="public"),
    ],
    registries=[parse_pattern("packages.test"), parse_pattern("mirror.corp.test")],
)


def choose(rule: RuleInfo, host: str, location: str, direction: Direction = "request") -> tuple[Action, bool]:
    context = TABLE.context_of(host)
    return TABLE.choose(rule, host=host, context=context, direction=direction, location=location)


@pytest.mark.parametrize(
    ("host", "context"),
    [
        ("anything.test", "external"),
        ("api.model.test", "public"),
        ("wiki.corp.test", "internal"),
        ("git.corp.test", "internal"),
        ("docs.corp.test", "public"),
        ("packages.test", "registry"),
        ("mirror.corp.test", "registry"),
        ("evilpackages.test", "external"),
    ],
)
def test_most_specific_rule_gives_the_context(host: str, context: Context) -> None:
    assert TABLE.context_of(host) == context


@pytest.mark.parametrize(
    ("host", "direction", "kind", "action"),
    [
        ("x.test", "request", "secret", "scrub"),
        ("x.test", "request", "credential", "scrub"),
        ("x.test", "request", "pii", "scrub"),
        ("x.test", "request", "private-ip", "scrub"),
        ("x.test", "response", "secret", "scrub"),
        ("x.test", "response", "pii", "scrub"),
        ("api.model.test", "request", "pii", "scrub"),
        ("api.model.test", "response", "pii", "allow"),
        ("api.model.test", "response", "secret", "scrub"),
        ("wiki.corp.test", "request", "secret", "scrub"),
        ("wiki.corp.test", "request", "credential", "alert"),
        ("wiki.corp.test", "request", "private-ip", "allow"),
        ("packages.test", "request", "secret", "scrub"),
        ("packages.test", "response", "secret", "allow"),
    ],
)
def test_default_table(host: str, direction: Direction, kind: SecretClass, action: Action) -> None:
    rule = RuleInfo(id="any", secret_class=kind)
    assert choose(rule, host, "body", direction) == (action, False)


def test_table_has_an_action_for_every_class_context_and_direction() -> None:
    contexts: tuple[Context, ...] = ("external", "internal", "public", "registry")
    for context in contexts:
        for direction in ("request", "response"):
            assert set(ContextTable().table[context, direction]) == {"secret", "credential", "pii", "private-ip"}


def test_override_replaces_one_cell_and_leaves_the_others() -> None:
    table = ContextTable(overrides={("external", "request"): {"pii": "block"}})
    assert table.table["external", "request"]["pii"] == "block"
    assert table.table["external", "request"]["secret"] == "scrub"
    assert table.table["external", "response"]["pii"] == "scrub"


@pytest.mark.parametrize(
    "location",
    [
        "header authorization",
        "header x-anything",
        "url query access_token",
        "url path",
        "form refresh_token",
        "form client_secret",
        "form password",
        "body $.refresh_token",
        "body $.data.token",
    ],
)
def test_credential_passes_where_credentials_travel_to_their_home(location: str) -> None:
    assert choose(GITHUB, "github.com", location) == ("allow", True)
    assert choose(GITHUB, "api.github.com", location) == ("allow", True)


@pytest.mark.parametrize(
    "location",
    [
        "body",
        "body $.messages[1].content",
        "body $.content",
        "body $.files.x.content",
        "form message",
        "part file",
        "message",
    ],
)
def test_credential_in_any_other_text_is_scrubbed_even_at_home(location: str) -> None:
    assert choose(GITHUB, "github.com", location) == ("scrub", False)


@pytest.mark.parametrize("host", ["evil.test", "github.com.evil.test", "evilgithub.com", "api.model.test"])
def test_same_credential_is_scrubbed_everywhere_else(host: str) -> None:
    for location in ("header authorization", "url query key", "form token", "body $.token"):
        assert choose(GITHUB, host, location) == ("scrub", False)


def test_login_answer_from_home_keeps_its_credential_and_others_do_not() -> None:
    assert choose(GITHUB, "github.com", "body $.access_token", "response") == ("allow", True)
    assert choose(GITHUB, "github.com", "body", "response") == ("allow", True)
    assert choose(GITHUB, "evil.test", "body $.access_token", "response") == ("scrub", False)


@pytest.mark.parametrize("location", ["body", "body $.grants[0].value", "form assertion", "part token"])
def test_login_of_the_home_gets_its_credential_anywhere_in_a_body_and_other_logins_do_not(location: str) -> None:
    assert choose(GITHUB, "login.github.com", location) == ("allow", True)
    assert choose(MODEL, "login.github.com", location) == ("scrub", False)
    assert choose(GENERIC, "login.github.com", location) == ("scrub", False)


def test_home_that_is_no_pattern_is_nobodys_home() -> None:
    rule = RuleInfo(id="x", secret_class="credential", homes=("https://github.com", "..", "@nope"))
    assert choose(rule, "github.com", "header authorization") == ("scrub", False)


def test_personal_data_has_no_home() -> None:
    assert choose(EMAIL, "github.com", "header from") == ("scrub", False)


def test_agents_api_gets_its_auth_headers_byte_exact_and_nobody_else_does() -> None:
    for header in ("authorization", "x-api-key", "Authorization", "cookie"):
        assert choose(GENERIC, "api.model.test", f"header {header}") == ("allow", True)
    assert choose(GENERIC, "other.test", "header authorization") == ("scrub", False)
    assert choose(GENERIC, "api.model.test", "header x-note") == ("scrub", False)
    assert choose(GENERIC, "api.model.test", "body $.token") == ("scrub", False)
    assert choose(EMAIL, "api.model.test", "header authorization") == ("scrub", False)


def test_credential_with_other_homes_is_no_business_of_an_agents_api_unless_the_policy_says_pass() -> None:
    assert choose(GITHUB, "api.model.test", "header authorization") == ("scrub", False)
    assert choose(MODEL, "api.model.test", "header authorization") == ("allow", True)
    assert choose(GITHUB, "gateway.test", "header authorization") == ("alert", False)
    assert choose(GENERIC, "gateway.test", "header authorization") == ("allow", True)
    assert choose(GITHUB, "gateway.test", "header x-note") == ("scrub", False)


def test_policy_can_name_more_authentication_headers() -> None:
    rules = [ContextRule(pattern=parse_pattern("api.test"), auth_headers="own")]
    for headers, action in ((("x-mine",), "allow"), ((), "scrub")):
        table = ContextTable(rules, sensitive_headers=headers)
        chosen = table.choose(
            GENERIC, host="api.test", context="external", direction="request", location="header x-mine"
        )
        assert chosen[0] == action


def test_registry_tokens_are_at_home_in_the_users_registries() -> None:
    assert choose(PACKAGE, "packages.test", "header authorization") == ("allow", True)
    assert choose(PACKAGE, "other.test", "header authorization") == ("scrub", False)


def test_policy_can_name_more_homes_for_a_rule() -> None:
    gitlab = RuleInfo(id="gitlab-pat", secret_class="credential", homes=("gitlab.test",))
    assert choose(gitlab, "git.corp.test", "header private-token") == ("allow", True)
    assert choose(gitlab, "wiki.corp.test", "header private-token") == ("alert", False)


@pytest.mark.parametrize(
    ("rule", "direction", "is_home", "severity"),
    [
        (MODEL, "request", True, "low"),
        (MODEL, "request", False, "high"),
        (MODEL, "response", False, "medium"),
        (EMAIL, "request", False, "low"),
        (RuleInfo(id="x", severity="critical"), "request", False, "critical"),
    ],
)
def test_key_on_its_way_elsewhere_is_at_least_high(
    rule: RuleInfo, direction: Direction, is_home: bool, severity: str
) -> None:
    assert TABLE.severity(rule, direction=direction, is_home=is_home) == severity
