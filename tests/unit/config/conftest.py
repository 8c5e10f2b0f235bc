"""The shipped rules and an engine over them, made once."""

import pytest

from pipeline.scrubber.engine import MatchEngine, build_engine
from pipeline.scrubber.rule import RuleSet
from tests.unit.config.redaction import Redaction
from vibedom.rule_files import load_shipped


@pytest.fixture(scope="session")
def shipped() -> RuleSet:
    return load_shipped()


@pytest.fixture(scope="session")
def engine(shipped: RuleSet) -> MatchEngine:
    return build_engine(shipped)


@pytest.fixture(scope="session")
def redact(engine: MatchEngine) -> Redaction:
    return Redaction(engine)
