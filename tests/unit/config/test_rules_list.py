"""docs/rules-list.md is what docs/make_rules_list.py makes of the rule files."""

import runpy

import pytest


def test_the_list_of_rules_is_up_to_date(request: pytest.FixtureRequest) -> None:
    docs = request.config.rootpath / "docs"
    made = runpy.run_path(str(docs / "make_rules_list.py"))["text"]()
    assert (docs / "rules-list.md").read_text() == made, "run `python docs/make_rules_list.py`"
