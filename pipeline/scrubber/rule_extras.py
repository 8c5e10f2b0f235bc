"""The table `[vibedom.rules.<id>]` of a rule file: what gitleaks' format has no place for."""

from typing import Any

import msgspec

from pipeline.events import SecretClass, Severity
from pipeline.scrubber.validators import VALIDATORS


class ExtraError(ValueError):
    """The table is wrong; the message names the place in it."""


class Extras(msgspec.Struct, frozen=True, kw_only=True):
    """What `[vibedom.rules.<id>]` says of one rule; samples are joined and encoded."""

    secret_class: SecretClass = "secret"  # noqa: S105
    severity: Severity = "high"
    homes: tuple[str, ...] = ()
    validate: str | None = None
    match: tuple[bytes, ...] = ()
    no_match: tuple[bytes, ...] = ()


class _Row(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    secret_class: SecretClass = msgspec.field(default="secret", name="class")
    severity: Severity = "high"
    homes: tuple[str, ...] = ()
    validate: str | None = None
    match: tuple[str | list[str], ...] = ()
    no_match: tuple[str | list[str], ...] = ()


class _Table(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    rules: dict[str, _Row] = {}


def read_extras(table: Any) -> dict[str, Extras]:
    """Extras by rule id. Raises ExtraError for an unknown key, class, severity or validator."""
    try:
        rows = msgspec.convert(table, _Table).rules
    except msgspec.ValidationError as exc:
        raise ExtraError(f"[vibedom]: {exc}") from exc
    return {rule_id: _extras(rule_id, row) for rule_id, row in rows.items()}


def _extras(rule_id: str, row: _Row) -> Extras:
    if row.validate is not None and row.validate not in VALIDATORS:
        known = ", ".join(sorted(VALIDATORS))
        raise ExtraError(f"[vibedom.rules.{rule_id}]: validate is {row.validate!r}, must be one of {known}")
    return Extras(
        secret_class=row.secret_class,
        severity=row.severity,
        homes=row.homes,
        validate=row.validate,
        match=tuple(_joined(sample) for sample in row.match),
        no_match=tuple(_joined(sample) for sample in row.no_match),
    )


def _joined(sample: str | list[str]) -> bytes:
    return (sample if isinstance(sample, str) else "".join(sample)).encode()
