"""Rules as data: gitleaks' TOML format, and the table of our own that lives beside it in the same file.

The file stays valid for the gitleaks binary (8.30.1 ignores the table `vibedom`):

    [[rules]]
    id = "acme-token"                       # lower case, `-`
    description = "Acme API token"
    regex = '''\\b(acme_[a-z0-9]{32})'''      # Go RE2 syntax
    keywords = ["acme_"]
    secretGroup = 1                         # default: the first group that matched something, else the whole match
    entropy = 3.0                           # bits a byte; must be exceeded

    [vibedom.rules.acme-token]
    class = "credential"                    # secret | credential | pii | private-ip      (default secret)
    severity = "high"                       # low | medium | high | critical              (default high)
    homes = ["api.acme.test", "*.acme.test"]
    validate = "luhn"                       # a name of validators.py                     (default none)
    match = [["acme_", "0123456789abcdef0123456789abcdef"], "..."]
    no_match = ["acme_short"]

A sample is a string or an array of strings that is joined when it is loaded: so no file holds a whole token that a
scanner of repositories would take for a real one. A sample of `match` must give a finding of its rule, one of
`no_match` must not.
"""

from collections.abc import Callable, Mapping
from typing import Any, cast

import msgspec

from pipeline.scrubber.go_syntax import GoSyntaxError, parse_go
from pipeline.scrubber.model import RuleInfo
from pipeline.scrubber.pattern import PatternError, compile_pattern
from pipeline.scrubber.rule import Allowlist, Rule, RuleSet
from pipeline.scrubber.rule_extras import ExtraError, Extras, read_extras

__all__ = ["Allowlist", "Rule", "RuleError", "RuleSet", "merge", "parse_rules"]

MAX_EXTENDS = 2
"""Levels of `[extend]` that are followed, as gitleaks does."""


class RuleError(ValueError):
    """A rule file cannot be loaded. One line: source, rule, reason."""


def parse_rules(
    text: str, *, source: str, extends: Callable[[str], str] | None = None, require_samples: bool = False
) -> RuleSet:
    """Rules of one file.

    `source` names the file in errors. `extends` gives the text of the file named by `[extend] path`, or of our own
    rules for the name `default` (`useDefault = true`). Raises RuleError for anything that cannot be loaded exactly as
    it is written; with `require_samples` also for a rule without samples of both kinds.
    """
    return _parse(text, source=source, extends=extends, require_samples=require_samples, depth=0)


def merge(*rule_sets: RuleSet) -> RuleSet:
    """One rule set of several. Allowlists that are global in their file stay with that file's rules; of two rules with
    one id the later one is taken, in the place of the earlier."""
    rules: dict[str, Rule] = {}
    for rule_set in rule_sets:
        for rule in rule_set.rules:
            rules[rule.id] = msgspec.structs.replace(rule, allowlists=rule_set.allowlists + rule.allowlists)
    return RuleSet(rules=tuple(rules.values()))


def _parse(
    text: str, *, source: str, extends: Callable[[str], str] | None, require_samples: bool, depth: int
) -> RuleSet:
    import tomli  # parsed rules are kept: a start that finds them there saves this

    try:
        document = tomli.loads(text)
    except tomli.TOMLDecodeError as exc:
        raise RuleError(f"{source}: not TOML: {exc}") from exc
    where = _Where(source)
    extras = _extras(document, where)
    rules = _rules(document, extras, where, require_samples=require_samples)
    allowlists, targeted = _global_allowlists(document, rules, where)
    for rule_id, more in targeted.items():
        rules[rule_id] = msgspec.structs.replace(rules[rule_id], allowlists=rules[rule_id].allowlists + more)
    found = RuleSet(rules=tuple(rules.values()), allowlists=allowlists)
    return _extended(found, document, where, extends, depth)


class _Where:
    """Names the place of an error."""

    def __init__(self, source: str) -> None:
        self.source = source

    def error(self, rule: str, reason: str) -> RuleError:
        return RuleError(f"{self.source}: rule {rule}: {reason}" if rule else f"{self.source}: {reason}")

    def text(self, table: Mapping[str, Any], key: str, rule: str) -> str:
        value = table.get(key, "")
        if not isinstance(value, str):
            raise self.error(rule, f"{key} must be a string")
        return value

    def texts(self, table: Mapping[str, Any], key: str, rule: str) -> tuple[str, ...]:
        value = table.get(key, [])
        if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
            raise self.error(rule, f"{key} must be an array of strings")
        return tuple(cast(list[str], value))

    def tables(self, table: Mapping[str, Any], key: str, rule: str) -> list[dict[str, Any]]:
        value = table.get(key, [])
        if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
            raise self.error(rule, f"{key} must be an array of tables")
        return cast(list[dict[str, Any]], value)

    def regex(self, pattern: str, key: str, rule: str) -> str:
        try:
            parse_go(pattern)
            compile_pattern(pattern)
        except (GoSyntaxError, PatternError) as exc:
            raise self.error(rule, f"{key} is not Go RE2 syntax: {exc}") from exc
        return pattern


def _extras(document: Mapping[str, Any], where: _Where) -> dict[str, Extras]:
    try:
        return read_extras(document.get("vibedom", {}))
    except ExtraError as exc:
        raise where.error("", str(exc)) from exc


def _rules(
    document: Mapping[str, Any], extras: dict[str, Extras], where: _Where, *, require_samples: bool
) -> dict[str, Rule]:
    rules: dict[str, Rule] = {}
    for number, table in enumerate(where.tables(document, "rules", ""), 1):
        rule_id = where.text(table, "id", f"number {number}")
        if not rule_id:
            raise where.error(f"number {number}", "has no id")
        if rule_id in rules:
            raise where.error(rule_id, "is there twice")
        rules[rule_id] = _rule(rule_id, table, extras.get(rule_id, Extras()), where)
        if require_samples and not (rules[rule_id].match and rules[rule_id].no_match):
            raise where.error(rule_id, "has no samples; add match and no_match to [vibedom.rules." + rule_id + "]")
    for rule_id in extras:
        if rule_id not in rules and not document.get("extend"):
            raise where.error(rule_id, "stands in [vibedom.rules] but is no rule")
    return rules


def _rule(rule_id: str, table: Mapping[str, Any], extra: Extras, where: _Where) -> Rule:
    if table.get("required"):
        raise where.error(rule_id, "uses required, which only gitleaks can do; take it out or give the rule one regex")
    regex, path = where.text(table, "regex", rule_id), where.text(table, "path", rule_id)
    if not regex and not path:
        raise where.error(rule_id, "has neither regex nor path")
    group = table.get("secretGroup", 0)
    entropy = table.get("entropy", 0.0)
    if not isinstance(group, int) or group < 0:
        raise where.error(rule_id, "secretGroup must be a number of a group")
    if not isinstance(entropy, int | float):
        raise where.error(rule_id, "entropy must be a number")
    if regex and group > compile_pattern(where.regex(regex, "regex", rule_id)).groups:
        raise where.error(rule_id, f"secretGroup {group} is more than the regex has groups")
    if path:
        where.regex(path, "path", rule_id)
    description = where.text(table, "description", rule_id)
    return Rule(
        id=rule_id,
        info=RuleInfo(
            id=rule_id,
            description=description,
            secret_class=extra.secret_class,
            severity=extra.severity,
            homes=extra.homes,
        ),
        regex=regex or None,
        path=path or None,
        keywords=tuple(word.lower() for word in where.texts(table, "keywords", rule_id)),
        secret_group=group,
        entropy=float(entropy),
        allowlists=_rule_allowlists(table, rule_id, where),
        skip_report=bool(table.get("skipReport", False)),
        validate=extra.validate,
        match=extra.match,
        no_match=extra.no_match,
        source=where.source,
    )


def _rule_allowlists(table: Mapping[str, Any], rule_id: str, where: _Where) -> tuple[Allowlist, ...]:
    if "allowlist" in table and "allowlists" in table:
        raise where.error(rule_id, "has both allowlist and allowlists; keep [[rules.allowlists]]")
    tables = [table["allowlist"]] if "allowlist" in table else where.tables(table, "allowlists", rule_id)
    return tuple(_allowlist(item, rule_id, where) for item in tables)


def _global_allowlists(
    document: Mapping[str, Any], rules: dict[str, Rule], where: _Where
) -> tuple[tuple[Allowlist, ...], dict[str, tuple[Allowlist, ...]]]:
    if "allowlist" in document and "allowlists" in document:
        raise where.error("", "has both [allowlist] and [[allowlists]]; keep [[allowlists]]")
    tables = [document["allowlist"]] if "allowlist" in document else where.tables(document, "allowlists", "")
    everywhere: list[Allowlist] = []
    targeted: dict[str, tuple[Allowlist, ...]] = {}
    for table in tables:
        allowlist = _allowlist(table, "", where)
        targets = where.texts(table, "targetRules", "")
        if not targets:
            everywhere.append(allowlist)
        for target in targets:
            if target not in rules:
                raise where.error(target, "is a target of an allowlist but is no rule of this file")
            targeted[target] = (*targeted.get(target, ()), allowlist)
    return tuple(everywhere), targeted


_CONDITIONS = {"": "OR", "OR": "OR", "||": "OR", "AND": "AND", "&&": "AND"}
_TARGETS = {"": "secret", "secret": "secret", "match": "match", "line": "line"}


def _allowlist(table: Any, rule_id: str, where: _Where) -> Allowlist:
    if not isinstance(table, dict):
        raise where.error(rule_id, "an allowlist must be a table")
    condition = _CONDITIONS.get(where.text(table, "condition", rule_id).upper())
    target = _TARGETS.get(where.text(table, "regexTarget", rule_id).lower())
    if condition is None:
        raise where.error(rule_id, "condition of an allowlist must be AND or OR")
    if target is None:
        raise where.error(rule_id, "regexTarget of an allowlist must be secret, match or line")
    allowlist = Allowlist(
        condition=cast(Any, condition),
        regex_target=cast(Any, target),
        regexes=where.texts(table, "regexes", rule_id),
        paths=where.texts(table, "paths", rule_id),
        stopwords=tuple(word.lower() for word in where.texts(table, "stopwords", rule_id)),
        commits=where.texts(table, "commits", rule_id),
    )
    if not (allowlist.regexes or allowlist.paths or allowlist.stopwords or allowlist.commits):
        raise where.error(rule_id, "an allowlist needs regexes, paths, stopwords or commits")
    for pattern in allowlist.regexes:
        where.regex(pattern, "a regex of an allowlist", rule_id)
    for pattern in allowlist.paths:
        where.regex(pattern, "a path of an allowlist", rule_id)
    return allowlist


def _extended(
    own: RuleSet, document: Mapping[str, Any], where: _Where, extends: Callable[[str], str] | None, depth: int
) -> RuleSet:
    table = document.get("extend")
    if not table:
        return own
    if not isinstance(table, dict):
        raise where.error("", "extend must be a table")
    path = where.text(table, "path", "")
    names = (["default"] if table.get("useDefault") else []) + ([path] if path else [])
    if table.get("useDefault") and path:
        raise where.error("", "[extend] has both useDefault and path; keep one")
    disabled = where.texts(table, "disabledRules", "")
    if depth >= MAX_EXTENDS:
        return own
    for name in names:
        if extends is None:
            raise where.error("", f"[extend] names {name}, but nothing can be extended here")
        base = _parse(extends(name), source=name, extends=extends, require_samples=False, depth=depth + 1)
        own = _over(base, own, disabled)
    return own


def _over(base: RuleSet, own: RuleSet, disabled: tuple[str, ...]) -> RuleSet:
    """`own` laid over `base`: a rule of both keeps what `own` leaves unsaid."""
    rules = {rule.id: rule for rule in own.rules}
    for rule in base.rules:
        if rule.id in disabled:
            continue
        rules[rule.id] = _overlay(rule, rules[rule.id]) if rule.id in rules else rule
    return RuleSet(rules=tuple(rules.values()), allowlists=own.allowlists + base.allowlists)


def _overlay(base: Rule, own: Rule) -> Rule:
    return msgspec.structs.replace(
        base,
        info=msgspec.structs.replace(base.info, description=own.info.description or base.info.description),
        regex=own.regex or base.regex,
        path=own.path or base.path,
        entropy=own.entropy or base.entropy,
        secret_group=own.secret_group or base.secret_group,
        keywords=base.keywords + own.keywords,
        allowlists=base.allowlists + own.allowlists,
    )
