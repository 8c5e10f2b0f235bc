"""Which rule files are loaded: the shipped ones, then those that `[dlp] rule_files` of policy.toml names."""

from collections.abc import Iterable
from hashlib import sha256
from pathlib import Path

import msgspec

import vibedom
from pipeline.scrubber.engine import MatchEngine, build_engine
from pipeline.scrubber.rules import RuleError, RuleSet, merge, parse_rules
from pipeline.scrubber.scrubber import Scrubber
from vibedom.errors import SettingsError
from vibedom.fingerprints import fingerprinter
from vibedom.paths import Home
from vibedom.rule_cache import RuleCache
from vibedom.settings import load_policy, shipped_text

SECRETS = "gitleaks.toml"
PII = "pii.toml"
SHIPPED = (SECRETS, PII)


def load_rules(rule_files: Iterable[str] = (), *, cache: RuleCache | None = None) -> RuleSet:
    """The shipped rules and those of more files, later ones over earlier ones of the same id.

    Files that `[extend]` names are read, too. Raises `SettingsError` that names file, rule and reason.
    """
    texts = [(name, Path(), shipped_text(name)) for name in SHIPPED]
    texts += ((name, Path(name).parent, _text(Path(name))) for name in rule_files)
    key = _key(text for _, _, text in texts)
    known = _known(cache, key)
    if known is not None:
        return known
    extended: list[str] = []
    rules = merge(*(_parsed(text, name, directory, extended) for name, directory, text in texts))
    if cache is not None and not extended:
        # A file that extends others may change with them, and is not kept.
        cache.put(key, msgspec.msgpack.encode(rules))
    return rules


def load_engine(home: Home, rule_files: Iterable[str] | None = None) -> MatchEngine:
    """The engine over all rules; `rule_files=None` takes those of the user's policy. Compiled once, then cached."""
    if rule_files is None:
        # The hosts of the policy do not matter here: no client is asked for its registries.
        rule_files = load_policy(home, clients=tuple).dlp.rule_files
    cache = RuleCache(home.cache / "rules")
    return build_engine(load_rules(rule_files, cache=cache), cache=cache)


def load_scrubber(home: Home, rule_files: Iterable[str] | None = None) -> Scrubber:
    """A scrubber with this installation's rules and fingerprint key."""
    return Scrubber(load_engine(home, rule_files), fingerprint=fingerprinter(home))


def _key(texts: Iterable[str]) -> str:
    digests = [sha256(text.encode()).hexdigest() for text in texts]
    return f"rule set of {vibedom.__version__}: {' '.join(digests)}"


def _known(cache: RuleCache | None, key: str) -> RuleSet | None:
    kept = cache.get(key) if cache is not None else None
    if kept is None:
        return None
    try:
        return msgspec.msgpack.decode(kept, type=RuleSet)
    except msgspec.MsgspecError:
        # Kept by a version whose rules looked different.
        return None


def _parsed(text: str, source: str, directory: Path, extended: list[str]) -> RuleSet:
    def extends(name: str) -> str:
        extended.append(name)
        return shipped_text(SECRETS) if name == "default" else _text(directory / name)

    try:
        return parse_rules(text, source=source, extends=extends)
    except RuleError as exc:
        raise SettingsError(str(exc)) from exc


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except OSError as exc:
        raise SettingsError(f"{path}: rule file cannot be read ({exc.strerror}); check [dlp] rule_files") from exc
    except UnicodeDecodeError as exc:
        raise SettingsError(f"{path}: rule file is not UTF-8; save it as UTF-8") from exc
