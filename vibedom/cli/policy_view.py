"""The policy and explanations as lines and as JSON data."""

from collections.abc import Iterator

import msgspec

from vibedom.alert_sinks import describe
from vibedom.cli.render import printable, table
from vibedom.explanation import Explanation
from vibedom.settings import Policy


def explanation_lines(answer: Explanation) -> Iterator[str]:
    """The answer for people."""
    decision = answer.decision
    yield printable(f"{decision.verdict}  {answer.method} {answer.host}:{answer.port}{answer.path}")
    yield printable(f"  reason   {decision.reason}" + (f" ({decision.rule})" if decision.rule else ""))
    if answer.hint:
        yield printable(f"  to allow {answer.hint}")
    yield f"  context  {answer.context}"
    yield f"  name     {'resolves' if answer.is_resolvable else 'does not resolve'} inside the sandbox"
    if answer.dial is not None:
        yield printable(f"  dialled  {answer.dial.address} port {answer.dial.port}")
    if answer.is_passthrough:
        yield "  TLS      passes without being intercepted: nothing in it is scrubbed"
    yield ""
    rows = [(row.secret_class, row.request, row.response) for row in answer.classes]
    yield table(rows, ("finding", "in requests", "in answers"))
    if answer.rule:
        yield ""
        yield printable(f"{answer.rule} ({answer.rule_class})")
        places = [
            (row.direction, row.location, row.action + (", at home" if row.is_home else "")) for row in answer.places
        ]
        yield table(places, ("direction", "place", "action"))


def policy_lines(policy: Policy) -> Iterator[str]:
    """The policy for people."""
    hosts = policy.hosts
    allowed = [("allow", p.text, p.source, policy.contexts.context_of(p.example_host)) for p in hosts.allow]
    denied = [("deny", p.text, p.source, "") for p in hosts.deny]
    yield table([*allowed, *denied], ("verdict", "pattern", "from", "context"))
    yield ""
    yield "groups: " + ", ".join("@" + name for name in policy.groups.names())
    yield ""
    cells = [
        (context, direction, *(row[kind] for kind in ("secret", "credential", "pii", "private-ip")))
        for (context, direction), row in policy.contexts.table.items()
    ]
    yield table(cells, ("context", "direction", "secret", "credential", "pii", "private-ip"))
    yield ""
    dlp = policy.dlp
    yield f"bodies over {dlp.max_body_bytes} bytes: {dlp.oversize}; that cannot be decoded: {dlp.undecodable}"
    for name, most in {r.budget.name: r.budget.max_bytes for r in hosts.routes if r.budget}.items():
        yield printable(f"a session may send {most} bytes to {name}")
    for setting in policy.sinks:
        yield printable(f"sink: {describe(setting)} from {setting.min_severity}")


def policy_data(policy: Policy) -> dict[str, object]:
    """The policy as data: nothing that a secret could be in."""
    hosts = policy.hosts
    return {
        "allow": [{"pattern": p.text, "source": p.source} for p in hosts.allow],
        "deny": [{"pattern": p.text, "source": p.source} for p in hosts.deny],
        "routes": [
            {
                "pattern": r.pattern.text,
                "dial": r.dial,
                "networks": r.networks,
                "passthrough": r.is_passthrough,
                "ssh": r.is_ssh,
                "max_upload_bytes": r.budget.max_bytes if r.budget else None,
            }
            for r in hosts.routes
        ],
        "groups": policy.groups.names(),
        "contexts": [
            {"context": context, "direction": direction, **dict(row)}
            for (context, direction), row in policy.contexts.table.items()
        ],
        "dlp": msgspec.to_builtins(policy.dlp),
        "exfiltration": msgspec.to_builtins(policy.exfiltration),
        "audit": msgspec.to_builtins(policy.audit),
        "limits": msgspec.to_builtins(policy.limits),
        "alerts": [rule.name for rule in policy.alerts],
        "sinks": [describe(setting) for setting in policy.sinks],
        "sources": [str(path) for path in policy.sources],
    }
