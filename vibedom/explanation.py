"""What would happen to a request, and which line of the policy decides: the answer of `vibedom policy explain`."""

from collections.abc import Sequence
from urllib.parse import urlsplit

import msgspec

from pipeline.events import Action, Context, Decision, Direction, SecretClass
from pipeline.host_policy import Dial
from pipeline.hosts import HostError, canonical_host, is_ip_literal, split_authority
from pipeline.scrubber.model import RuleInfo
from vibedom.errors import UsageError
from vibedom.settings import Policy

_PORTS = {"http": 80, "https": 443}
PLACES: tuple[tuple[Direction, str], ...] = (
    ("request", "header authorization"),
    ("request", "url query key"),
    ("request", "form token"),
    ("request", "body $.token"),
    ("request", "body $.messages[0].content"),
    ("response", "body"),
)
"""Where a rule's finding is asked about."""


class ClassRow(msgspec.Struct, frozen=True, kw_only=True):
    """What happens to findings of a class at this host."""

    secret_class: SecretClass
    request: Action
    response: Action


class RuleRow(msgspec.Struct, frozen=True, kw_only=True):
    """What happens to a rule's finding in one place."""

    direction: Direction
    location: str
    action: Action
    is_home: bool


class Explanation(msgspec.Struct, frozen=True, kw_only=True):
    """The whole answer."""

    host: str
    port: int
    method: str
    path: str
    decision: Decision
    is_resolvable: bool
    dial: Dial | None
    is_passthrough: bool
    context: Context
    classes: tuple[ClassRow, ...]
    rule: str = ""
    rule_class: SecretClass | None = None
    places: tuple[RuleRow, ...] = ()
    hint: str = ""
    """What to do to have it allowed; "" where it is."""


def explain(policy: Policy, url: str, *, method: str = "GET", rule: RuleInfo | None = None) -> Explanation:
    """`url` may be a whole URL or `host[:port][/path]`, which counts as https. Raises `UsageError`."""
    host, port, path = read_url(url)
    context = policy.contexts.context_of(host)
    decision = policy.hosts.decide(host, port, method, path)
    return Explanation(
        host=host,
        port=port,
        method=method,
        path=path,
        decision=decision,
        is_resolvable=policy.hosts.is_resolvable(host),
        dial=policy.hosts.dial(host, port),
        is_passthrough=policy.hosts.is_passthrough(host, port),
        context=context,
        classes=_classes(policy, context),
        rule=rule.id if rule else "",
        rule_class=rule.secret_class if rule else None,
        places=_places(policy, rule, host, context) if rule else (),
        hint=_hint(decision, host, port),
    )


def read_url(url: str) -> tuple[str, int, str]:
    """Canonical host, port, and path with query. Raises `UsageError`."""
    text = url if "://" in url else f"https://{url}"
    try:
        parts = urlsplit(text)
        if parts.scheme not in _PORTS:
            raise UsageError(f"{parts.scheme}: only http and https pass the proxy")
        host, port = split_authority(parts.netloc)
    except HostError as error:
        raise UsageError(f"the URL's host is {error}") from None
    except ValueError:
        raise UsageError("not a URL; write https://HOST/PATH") from None
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return host, port or _PORTS[parts.scheme], target


def find_rule(rules: Sequence[RuleInfo], rule_id: str) -> RuleInfo:
    """The rule of that id. Raises `UsageError` that names what is close."""
    for rule in rules:
        if rule.id == rule_id:
            return rule
    close = [rule.id for rule in rules if rule_id in rule.id or rule.id in rule_id][:5]
    hint = f"; there are {', '.join(close)}" if close else "; `vibedom rules list` shows them"
    raise UsageError(f"there is no rule {rule_id!r}{hint}")


def pattern_for(host: str, port: int) -> str:
    """The line that allows a host at a port."""
    shown = f"[{host}]" if ":" in canonical_host(host) else host
    return shown if port in _PORTS.values() else f"{shown}:{port}"


def _classes(policy: Policy, context: Context) -> tuple[ClassRow, ...]:
    requests = policy.contexts.table[context, "request"]
    responses = policy.contexts.table[context, "response"]
    return tuple(ClassRow(secret_class=kind, request=requests[kind], response=responses[kind]) for kind in requests)


def _places(policy: Policy, rule: RuleInfo, host: str, context: Context) -> tuple[RuleRow, ...]:
    rows = []
    for direction, location in PLACES:
        action, is_home = policy.contexts.choose(
            rule, host=host, context=context, direction=direction, location=location
        )
        rows.append(RuleRow(direction=direction, location=location, action=action, is_home=is_home))
    return tuple(rows)


def _hint(decision: Decision, host: str, port: int) -> str:
    if decision.verdict == "allow":
        return ""
    if decision.reason == "not-listed":
        kind = "its address" if is_ip_literal(host) else "it"
        return f"vibedom allow {pattern_for(host, port)}   (or put {kind} into trusted_domains.txt)"
    return f"change {decision.rule.partition(' ')[0]}, or add a more specific rule"
