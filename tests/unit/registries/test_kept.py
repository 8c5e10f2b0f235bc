"""The answer of the package clients is kept while it is true, and asked for again when it may not be."""

import os
import stat
from pathlib import Path

from vibedom.registries.kept import kept_registry_hosts


class Clients:
    """Counts how often they are asked."""

    def __init__(self) -> None:
        self.asked = 0

    def __call__(self) -> list[str]:
        self.asked += 1
        return [f"registry-{self.asked}.test"]


def test_a_second_start_asks_nobody(tmp_path: Path) -> None:
    clients = Clients()
    for _ in range(2):
        found = kept_registry_hosts(tmp_path / "cache", ask=clients, environment={}, user=tmp_path)
        assert list(found) == ["registry-1.test"]
    assert clients.asked == 1
    assert stat.S_IMODE((tmp_path / "cache" / "registries.json").stat().st_mode) == 0o600


def test_a_changed_file_or_variable_asks_again_and_no_variable_is_written_down(tmp_path: Path) -> None:
    clients, secret = Clients(), "hunter2-" + "index"
    changes = (
        lambda: (tmp_path / ".npmrc").write_text("registry=https://a.test/\n"),
        lambda: (tmp_path / ".npmrc").write_text("registry=https://b.test/ \n"),
        lambda: (tmp_path / ".npmrc").unlink(),
    )
    for number, change in enumerate(changes, start=1):
        kept_registry_hosts(tmp_path, ask=clients, environment={}, user=tmp_path)
        assert clients.asked == number
        change()
    kept_registry_hosts(tmp_path, ask=clients, environment={"PIP_INDEX_URL": secret}, user=tmp_path)
    kept_registry_hosts(tmp_path, ask=clients, environment={"PIP_INDEX_URL": secret}, user=tmp_path)
    assert clients.asked == 4
    assert secret.encode() not in (tmp_path / "registries.json").read_bytes()


def test_a_file_that_is_old_damaged_or_cannot_be_written_costs_only_the_time(tmp_path: Path) -> None:
    clients = Clients()
    kept_registry_hosts(tmp_path, ask=clients, environment={}, user=tmp_path)
    path = tmp_path / "registries.json"
    path.write_bytes(path.read_bytes()[:-5])
    kept_registry_hosts(tmp_path, ask=clients, environment={}, user=tmp_path)
    path.unlink()
    path.mkdir()
    assert kept_registry_hosts(tmp_path, ask=clients, environment=dict(os.environ), user=tmp_path)
    assert clients.asked == 3
