"""The answer an agent gets instead of what it asked for: what was refused, why, and how its user can change that."""

import msgspec

from pipeline.events import Decision, Header, Reason, Target

REASONS: dict[Reason, str] = {
    "not-listed": "this host is not on the whitelist",
    "denied-by-rule": "a rule of the policy denies this host",
    "method-or-path-not-listed": "the whitelist allows other methods or paths of this host only",
    "address-not-public": "the name leads to a private, loopback or metadata address",
    "name-not-resolved": "the name has no address",
    "authority-mismatch": "the names in this request (Host, request target, tunnel) do not agree",
    "sni-missing": "TLS without a server name",
    "sni-mismatch": "the TLS server name is not the host of the request",
    "bad-host": "the host is not a valid name or address",
    "bad-port": "the port is not one this connection can be for",
    "non-http": "only HTTP is let through",
    "malformed": "the request is malformed",
    "undecodable-body": "the body cannot be decoded, so it cannot be checked",
    "unknown-encoding": "the body has a content encoding that cannot be checked",
    "oversize": "the body is larger than the policy allows",
    "partial-body": "the requested range of a body holds a secret; ask for the whole body, without Range",
    "binary-body": "the body is binary, so it can only be read for keys, not scrubbed",
    "signed-request": "the request holds a secret and is signed, so it can neither pass nor be changed",
    "finding-blocked": "the request holds a secret that the policy blocks",
    "stage-raised": "the request could not be judged",
    "timed-out": "the request could not be judged in time",
    "audit-unavailable": "the audit log cannot be written",
    "paused": "the session is paused",
    "shutting-down": "the session is ending",
    "upstream-failed": "the host could not be reached",
    "upload-budget": "what this session may send to this host is used up",
    "dns-type": "questions of this type are not answered",
}

STATUS_BAD_GATEWAY: frozenset[Reason] = frozenset({"upstream-failed", "name-not-resolved"})


class Refusal(msgspec.Struct, frozen=True, kw_only=True):
    """An HTTP answer: 403 for what the policy refuses, 502 where the host itself failed, 503 where vibedom did."""

    status: int
    headers: tuple[Header, ...]
    body: bytes


def refuse(target: Target, decision: Decision, *, accept: bytes = b"", detail: str = "") -> Refusal:
    """The answer for a denied exchange: JSON where `accept` asks for it, else one paragraph of text.

    `detail` is a fixed text of vibedom's own (what failed upstream), never an exception's.
    """
    why = detail or REASONS.get(decision.reason, "refused")
    where = f"{target.host}:{target.port}" if target.host else "this request"
    hint = _hint(target, decision)
    if b"json" in accept.lower():
        content_type = b"application/json"
        body = msgspec.json.encode(
            {
                "error": {
                    "type": "vibedom_refused",
                    "reason": decision.reason,
                    "host": target.host,
                    "port": target.port,
                    "message": f"vibedom refused {where}: {why}",
                    "rule": decision.rule,
                    "hint": hint,
                }
            }
        )
    else:
        content_type = b"text/plain; charset=utf-8"
        rule = f" ({decision.rule})" if decision.rule else ""
        body = f"vibedom refused {where}: {why}{rule}. {hint}\n".encode()
    return Refusal(status=_status(decision.reason), headers=_headers(content_type, body, decision.reason), body=body)


def _status(reason: Reason) -> int:
    if reason in STATUS_BAD_GATEWAY:
        return 502
    return 503 if reason in ("stage-raised", "timed-out", "audit-unavailable", "paused", "shutting-down") else 403


def _headers(content_type: bytes, body: bytes, reason: Reason) -> tuple[Header, ...]:
    return (
        (b"Content-Type", content_type),
        (b"Content-Length", str(len(body)).encode()),
        (b"X-Vibedom-Reason", reason.encode()),
        (b"Cache-Control", b"no-store"),
        (b"Connection", b"close"),
    )


def _hint(target: Target, decision: Decision) -> str:
    if decision.reason == "not-listed" and target.host:
        port = "" if target.port in (80, 443) else f":{target.port}"
        return f"Its user can allow it on the host with: vibedom allow {target.host}{port}"
    return "It is in the session's network.jsonl; `vibedom logs --blocked` shows it."
