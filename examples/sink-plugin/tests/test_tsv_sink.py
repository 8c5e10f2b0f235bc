"""The sink keeps vibedom's contract."""

from pathlib import Path

import pytest
from vibedom_tsv_sink import TsvSink, open_sink

from vibedom.testing import SinkContract


class TestTsvSink(SinkContract):
    @pytest.fixture(autouse=True)
    def directory(self, tmp_path: Path) -> None:
        self.path = tmp_path

    def open_sink(self) -> TsvSink:
        return open_sink({"directory": str(self.path)}, session="s1")

    def arrived(self) -> bytes:
        return (self.path / "s1.tsv").read_bytes()


def test_directory_has_to_be_named() -> None:
    with pytest.raises(ValueError, match="directory"):
        open_sink({}, session="s1")
