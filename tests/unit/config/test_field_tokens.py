"""The rules over tokens, files, commands and sentences made from descriptions of the field, not from the rules."""

from collections import Counter
from collections.abc import Iterable

import pytest

from tests.support.field import rows
from tests.support.field.rows import Row
from tests.unit.config.redaction import Redaction


def missed(redact: Redaction, group: Iterable[Row]) -> tuple[int, Counter[str]]:
    """How many rows there are, and those by family of whose secrets one is left."""
    total, left = 0, Counter[str]()
    for row in group:
        total += 1
        text = redact(row.text)
        if any(secret in text for secret in row.secrets):
            left[row.family] += 1
    return total, left


def test_every_token_that_names_itself_is_found_wherever_it_stands(redact: Redaction) -> None:
    total, left = missed(redact, rows.named())
    assert total > 1000
    assert left == {}


def test_nearly_every_key_that_its_vendors_name_tells_is_found(redact: Redaction) -> None:
    total, left = missed(redact, rows.keyed())
    assert total > 1000
    assert left.total() <= total * 0.02
    assert max(left.values(), default=0) <= rows.PLACES_A_TOKEN // 2, left


@pytest.mark.parametrize(
    ("name", "most"),
    [
        ("connection_strings.txt", 0.0),
        ("config_files.txt", 0.03),
        ("commands.txt", 0.02),
        ("prose.txt", 0.03),
    ],
)
def test_passwords_are_found_where_people_write_them(redact: Redaction, name: str, most: float) -> None:
    # What is left are passwords of letters alone that could be names in code, in places that say little.
    total, left = missed(redact, rows.written(name))
    assert total > 90
    assert left.total() <= total * most, left


def test_private_keys_of_every_kind_go_line_by_line(redact: Redaction) -> None:
    total, left = missed(redact, rows.keys())
    assert total > 100
    assert left == {}


def test_personal_data_is_found_in_every_usual_writing(redact: Redaction) -> None:
    total, left = missed(redact, rows.personal())
    assert total > 200
    assert left == {}


def test_what_only_looks_like_a_secret_stays(redact: Redaction) -> None:
    texts = list(rows.clean())
    assert len(texts) > 300
    assert [row.text for row in texts if redact(row.text) != row.text] == []
