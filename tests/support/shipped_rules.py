"""The engine over the shipped rules, compiled once in a process: that takes seconds."""

from functools import cache

from pipeline.scrubber.engine import MatchEngine, build_engine
from vibedom.rule_files import load_shipped

RULES = load_shipped()


@cache
def shipped_engine(*, native: bool) -> MatchEngine:
    return build_engine(RULES, native=native)
