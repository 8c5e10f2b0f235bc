"""Patterns of file names: what the shell's would match, and nothing else."""

from fnmatch import fnmatchcase

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vibedom.workspace.name_patterns import NamePatterns

_NAMES = st.text("ab.", max_size=6)
_PATTERNS = st.lists(st.one_of(_NAMES, st.tuples(_NAMES, _NAMES).map("*".join)), unique=True, max_size=8)


@given(_PATTERNS, _NAMES)
def test_a_name_matches_as_in_the_shell_and_means_what_the_first_pattern_does(patterns: list[str], name: str) -> None:
    found = NamePatterns({pattern: f"means {pattern}" for pattern in patterns}).find(name)
    matching = [pattern for pattern in patterns if fnmatchcase(name, pattern)]
    plain = [pattern for pattern in matching if "*" not in pattern]
    assert found == (f"means {(plain or matching)[0]}" if matching else "")


@pytest.mark.parametrize("pattern", ["a*b*", "[ab]*", "?*"])
def test_what_it_would_not_understand_is_no_pattern(pattern: str) -> None:
    with pytest.raises(ValueError, match="one \\*"):
        NamePatterns({pattern: "x"})
