"""What is done with a finding: a table of class x context x direction, and the hosts a credential is for.

Contexts: `external` anything that is not known better · `public` what it answers is public or its own making
(documentation, code hosting, model APIs) · `internal` the user's own services · `registry` package registries, whose
answers pass byte-exact.
"""

import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from types import MappingProxyType
from typing import Literal, Protocol

import msgspec

from pipeline.events import Action, Context, Direction, SecretClass, Severity
from pipeline.patterns import Pattern, PatternError, parse_pattern

REGISTRIES = "@registries"
"""Stands for the user's package registries among a rule's homes."""

Row = Mapping[SecretClass, Action]
Table = Mapping[tuple[Context, Direction], Row]

_SCRUB_ALL: Row = {"secret": "scrub", "credential": "scrub", "pii": "scrub", "private-ip": "scrub"}
_SCRUB_KEYS: Row = {"secret": "scrub", "credential": "scrub", "pii": "allow", "private-ip": "allow"}
_ALLOW_ALL: Row = {"secret": "allow", "credential": "allow", "pii": "allow", "private-ip": "allow"}
DEFAULT_TABLE: Table = MappingProxyType(
    {
        ("external", "request"): _SCRUB_ALL,
        ("external", "response"): _SCRUB_ALL,
        ("public", "request"): _SCRUB_ALL,
        ("public", "response"): _SCRUB_KEYS,
        ("internal", "request"): {"secret": "scrub", "credential": "alert", "pii": "allow", "private-ip": "allow"},
        ("internal", "response"): _SCRUB_KEYS,
        ("registry", "request"): _SCRUB_ALL,
        ("registry", "response"): _ALLOW_ALL,
    }
)
AUTH_HEADERS = frozenset(
    (
        "authorization",
        "proxy-authorization",
        "x-api-key",
        "api-key",
        "x-goog-api-key",
        "x-auth-token",
        "x-access-token",
        "private-token",
        "job-token",
        "npm-otp",
        "cookie",
        "set-cookie",
    )
)
MAX_REMEMBERED = 256
"""Hosts whose rules are known without looking for them."""
_KEYS: frozenset[SecretClass] = frozenset(("secret", "credential"))
_TOKEN_FIELD = re.compile(r"token|secret|key|code|assertion|credential|passw|authorization|^auth$", re.IGNORECASE)
_BODY_FIELD = re.compile(r"body \$\.(?:[\w-]{1,64}\.)?([\w-]{1,64})")


class Rule(Protocol):
    """What the table has to know of a secret rule (`pipeline.scrubber.model.RuleInfo`)."""

    @property
    def id(self) -> str: ...

    @property
    def secret_class(self) -> SecretClass: ...

    @property
    def severity(self) -> Severity: ...

    @property
    def homes(self) -> tuple[str, ...]: ...


AuthHeaders = Literal["pass", "own", "scrub"]
"""What is found in the authentication headers of requests to a host: `own` passes unless it is a credential whose rule
names other homes (an agent's own API, whose keys may look like anything), `pass` passes even that, with an alert."""


class ContextRule(msgspec.Struct, frozen=True, kw_only=True):
    """What the policy knows about the hosts of a pattern, whether or not they are allowed."""

    pattern: Pattern
    context: Context | None = None
    auth_headers: AuthHeaders = "scrub"
    is_login: bool = False
    """A token endpoint: bodies of requests carry credentials to be used, so at home they pass anywhere in them."""
    home_for: tuple[str, ...] = ()
    """Rule ids whose credentials are for these hosts, beside the homes the rules themselves name."""


class ContextTable:
    """Answers what is done with a finding. Immutable."""

    def __init__(
        self,
        rules: Sequence[ContextRule] = (),
        *,
        registries: Sequence[Pattern] = (),
        overrides: Table | None = None,
        sensitive_headers: Sequence[str] = (),
    ) -> None:
        """`overrides` replace cells of `DEFAULT_TABLE`; `registries` have the context `registry` unless a rule of the
        same or greater specificity says otherwise; `sensitive_headers` (lower case) come beside `AUTH_HEADERS`."""
        self._auth_headers = AUTH_HEADERS.union(sensitive_headers)
        self._rules = tuple(rules)
        self._registries = tuple(registries)
        # Each step of a flow asks for the same host, most of them several times.
        self._matching = lru_cache(MAX_REMEMBERED)(self._find_matching)
        self._remembered = lru_cache(MAX_REMEMBERED)(self._most_specific)
        self.table: Table = MappingProxyType(
            {cell: {**row, **(overrides or {}).get(cell, {})} for cell, row in DEFAULT_TABLE.items()}
        )

    def context_of(self, host: str) -> Context:
        """The context the most specific rule gives a canonical host; `external` without one."""
        return self._remembered(host)

    def _most_specific(self, host: str) -> Context:
        named = [(r.pattern.specificity, 1, r.context) for r in self._matching(host) if r.context is not None]
        named += [(p.specificity, 0, "registry") for p in self._registries if p.matches_host(host)]
        return max(named, key=lambda entry: entry[:2])[2] if named else "external"

    def choose(
        self, rule: Rule, *, host: str, context: Context, direction: Direction, location: str
    ) -> tuple[Action, bool]:
        """What to do with a hit of `rule`, and whether it is a credential at home.

        At home it passes where credentials travel: in an answer (a login's), and in a request's headers, URL,
        token-like form fields, token-like fields at the top of a JSON body and all bodies of a login. In any other text
        of a request, a prompt above all, it is scrubbed at home as well.
        """
        if rule.secret_class == "canary":  # noqa: S105
            return "block", False  # it has no home, and no policy lets it pass
        if rule.secret_class in _KEYS:
            if self._is_used(host, direction, location) and self.is_home(rule, host):
                return "allow", True
            action = self._auth_action(rule, host) if _header_name(location) in self._auth_headers else None
            if action is not None:
                return action, action == "allow"
        return self.table[context, direction][rule.secret_class], False

    def severity(self, rule: Rule, *, direction: Direction, is_home: bool) -> Severity:
        """How bad a finding is: what is at home is `low`, a key on its way to anywhere else at least `high`."""
        if is_home:
            return "low"
        if rule.secret_class == "canary":  # noqa: S105
            return "critical"
        leaves = direction == "request" and rule.secret_class in _KEYS
        return "high" if leaves and rule.severity in ("low", "medium") else rule.severity

    def is_home(self, rule: Rule, host: str) -> bool:
        """Whether the rule's credential is for the host."""
        if REGISTRIES in rule.homes and any(p.matches_host(host) for p in self._registries):
            return True
        if any(p.matches_host(host) for p in _home_patterns(rule.homes)):
            return True
        return any(rule.id in r.home_for for r in self._matching(host))

    def _is_used(self, host: str, direction: Direction, location: str) -> bool:
        """Whether credentials are there to be used and not to be read."""
        if direction == "response" or _carries_credentials(location):
            return True
        is_body = location.startswith(("body", "form ", "part "))
        return is_body and any(rule.is_login for rule in self._matching(host))

    def _auth_action(self, rule: Rule, host: str) -> Action | None:
        """What the host's own say about authentication headers makes of a hit, or None where it has none."""
        said = {r.auth_headers for r in self._matching(host)}
        if not rule.homes and said & {"own", "pass"}:
            return "allow"
        return "alert" if "pass" in said else None

    def _find_matching(self, host: str) -> tuple[ContextRule, ...]:
        return tuple(rule for rule in self._rules if rule.pattern.matches_host(host))


@lru_cache(maxsize=1024)
def _home_patterns(homes: tuple[str, ...]) -> tuple[Pattern, ...]:
    """A home that is no pattern is nobody's home: the credential is scrubbed everywhere."""
    return tuple(pattern for home in homes if (pattern := _home_pattern(home)) is not None)


def _home_pattern(home: str) -> Pattern | None:
    try:
        return parse_pattern(home)
    except PatternError:
        return None


def _header_name(location: str) -> str:
    kind, _, name = location.partition(" ")
    return name.lower() if kind == "header" else ""


def _carries_credentials(location: str) -> bool:
    if location.startswith(("header ", "url")):
        return True
    if location.startswith("form "):
        return _TOKEN_FIELD.search(location[5:]) is not None
    field = _BODY_FIELD.fullmatch(location)
    return field is not None and _TOKEN_FIELD.search(field[1]) is not None
