"""Which rule files are loaded: the shipped ones, then those that `[dlp] rule_files` of policy.toml names."""

from collections.abc import Callable, Iterable
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from pipeline.scrubber import rule, rule_extras, rules
from pipeline.scrubber.engine import MatchEngine, build_engine
from pipeline.scrubber.rules import RuleError, RuleSet, merge, parse_rules
from vibedom.errors import SettingsError
from vibedom.fingerprints import fingerprinter
from vibedom.paths import Home
from vibedom.rule_cache import RuleCache
from vibedom.user_files import ensure_files, names_rule_files, read_text, shipped_text

if TYPE_CHECKING:
    from pipeline.scrubber.hints import HintFinder
    from pipeline.scrubber.scrubber import Scrubber

SECRETS = "gitleaks.toml"
PII = "pii.toml"
SHIPPED = (SECRETS, PII)
COMPILING = "compiling the rules: some seconds, and only once"


def load_rules(rule_files: Iterable[str] = (), *, pii: bool = True, cache: RuleCache | None = None) -> RuleSet:
    """The shipped rules and those of more files, later ones over earlier ones of the same id.

    `pii=False` leaves personal data and private addresses out. Files that `[extend]` names are read, too. Raises
    `SettingsError` that names file, rule and reason.
    """
    texts = [(name, Path(), shipped_text(name)) for name in (SHIPPED if pii else (SECRETS,))]
    texts += ((name, Path(name).parent, _text(Path(name))) for name in rule_files)
    key = _key(text for _, _, text in texts)
    known = _known(cache, key)
    if known is not None:
        return known
    extended: list[str] = []
    loaded = merge(*(_parsed(text, name, directory, extended) for name, directory, text in texts))
    if cache is not None and not extended:
        # A file that extends others may change with them, and is not kept.
        cache.put(key, msgspec.msgpack.encode(loaded))
    return loaded


def load_file(path: Path) -> RuleSet:
    """The rules of one file. Raises `SettingsError`."""
    return _parsed(_text(path), str(path), path.parent, [])


def load_shipped() -> RuleSet:
    """The shipped rules, each of which must have samples. Raises `SettingsError`."""
    return merge(*(_parsed(shipped_text(name), name, Path(), [], require_samples=True) for name in SHIPPED))


def load_engine(
    home: Home,
    rule_files: Iterable[str] | None = None,
    *,
    pii: bool = True,
    progress: Callable[[str], object] = lambda text: None,
) -> MatchEngine:
    """The engine over the shipped rules and those of `rule_files`; None takes the files of the user's policy.

    Compiled once, which takes seconds and is said to `progress`, then cached in the user's state directory. Raises
    `SettingsError`.
    """
    cache = RuleCache(home.cache / "rules", on_miss=lambda: progress(COMPILING))
    files = user_rule_files(home) if rule_files is None else rule_files
    return build_engine(load_rules(files, pii=pii, cache=cache), cache=cache)


def user_rule_files(home: Home) -> tuple[str, ...]:
    """Absolute paths of `[dlp] rule_files`. Raises `SettingsError`."""
    _, policy = ensure_files(home)
    if not names_rule_files(read_text(policy)):
        return ()
    from vibedom.settings import configured_rule_files  # with all kinds of sinks: a quarter of the time of `diff`

    return configured_rule_files(home)


def load_scrubber(home: Home, rule_files: Iterable[str] | None = None) -> "Scrubber":
    """A scrubber with this installation's rules and fingerprint key."""
    from pipeline.scrubber.scrubber import Scrubber  # an engine alone is enough for `diff`

    load_hints(home)
    return Scrubber(load_engine(home, rule_files), fingerprint=fingerprinter(home))


def load_hints(home: Home) -> "HintFinder":
    """What tells whether there is anything to decode. Before the first scrubber is made, or it compiles that again."""
    from pipeline.scrubber.hints import hint_finder

    return hint_finder(RuleCache(home.cache / "rules"))


def _key(texts: Iterable[str]) -> str:
    """Changes with the files, and with the code that reads them."""
    readers = (Path(module.__file__).read_bytes() for module in (rule, rule_extras, rules) if module.__file__)
    digests = [sha256(content).hexdigest() for content in (*readers, *(text.encode() for text in texts))]
    return f"rule set {' '.join(digests)}"


def _known(cache: RuleCache | None, key: str) -> RuleSet | None:
    kept = cache.get(key) if cache is not None else None
    if kept is None:
        return None
    try:
        return msgspec.msgpack.decode(kept, type=RuleSet)
    except msgspec.MsgspecError:
        # Kept by a version whose rules looked different.
        return None


def _parsed(text: str, source: str, directory: Path, extended: list[str], *, require_samples: bool = False) -> RuleSet:
    def extends(name: str) -> str:
        extended.append(name)
        return shipped_text(SECRETS) if name == "default" else _text(directory / name)

    try:
        return parse_rules(text, source=source, extends=extends, require_samples=require_samples)
    except RuleError as exc:
        raise SettingsError(str(exc)) from exc


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except OSError as exc:
        raise SettingsError(f"{path}: rule file cannot be read ({exc.strerror}); check [dlp] rule_files") from exc
    except UnicodeDecodeError as exc:
        raise SettingsError(f"{path}: rule file is not UTF-8; save it as UTF-8") from exc
