"""The session's detection: rules of the shipped and the user's files, and the secrets pre-flight knows by value."""

from collections.abc import Callable

from pipeline.scrubber.exact import exact_engine
from pipeline.scrubber.exact_values import ExactValues
from pipeline.scrubber.model import Engine
from vibedom.fingerprints import fingerprinter
from vibedom.paths import Home
from vibedom.preflight.known_values import KnownValues
from vibedom.rule_files import load_engine, load_hints
from vibedom.settings import Policy
from vibedom.wiring import Detection


def load_detection(
    home: Home, policy: Policy, known: KnownValues, *, progress: Callable[[str], object] = lambda text: None
) -> Detection:
    """Blocking: some tens of milliseconds from the cache; seconds without, which `progress` is told. Raises
    `SettingsError`."""
    engine: Engine = load_engine(home, policy.dlp.rule_files, progress=progress)
    load_hints(home)
    engine = exact_engine(engine, ExactValues(known.reveal()))
    return Detection(engine=engine, fingerprint=fingerprinter(home))
