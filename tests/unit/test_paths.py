"""The state directory: its modes, and one clear line where it cannot be had."""

import stat
from pathlib import Path

import pytest

from vibedom.errors import SettingsError
from vibedom.paths import ensure_private


def test_directories_are_for_their_owner_only_even_where_they_were_there(tmp_path: Path) -> None:
    old = tmp_path / "old"
    old.mkdir(mode=0o755)
    for directory in (old, tmp_path / "new" / "below"):
        assert stat.S_IMODE(ensure_private(directory).stat().st_mode) == 0o700


@pytest.mark.parametrize("place", ["file/below", "file", "/proc/vibedom"])
def test_a_place_that_cannot_be_one_is_named_with_what_to_do(tmp_path: Path, place: str) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(SettingsError, match=r"set VIBEDOM_HOME") as caught:
        ensure_private(tmp_path / place)
    assert str(tmp_path / place) in str(caught.value)
    assert "\n" not in str(caught.value)
