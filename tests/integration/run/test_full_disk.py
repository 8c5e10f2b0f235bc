"""An agent that fills the disk: frozen with a message, or ended where nobody could make room; its work is there."""

import json
import os
from functools import partial
from pathlib import Path

import pytest

from tests.integration.run.conftest import Vibedom, until
from tests.integration.run.live import detached

pytestmark = [pytest.mark.anyio, pytest.mark.engine]

LIMIT, FILES = 32 << 20, 500
LAG_BYTES = 4 << 30
"""Far more than any lag that was seen, and far less than these writers would take if nobody stopped them."""

WRITERS = {
    "bytes": "while :; do for d in . $HOME; do i=$((i+1)); dd if=/dev/zero of=$d/fill$i bs=1M count=30; done; done",
    "files": "while :; do i=$((i+1)); : > fill$i; done",
}
SAID = {"files": "files, and disk_files allows 500"}


def policy(size: int = LIMIT, wait: float = 0) -> str:
    return f"[limits]\ndisk_bytes = {size}\ndisk_files = {FILES}\ndisk_wait_seconds = {wait}\n"


def taken(*directories: Path) -> int:
    found = [path for directory in directories for path in directory.rglob("*")]
    return sum(path.lstat().st_blocks * 512 for path in found)


@pytest.mark.parametrize("writer", WRITERS)
async def test_without_a_terminal_the_session_ends_and_its_work_applies(vibedom: Vibedom, writer: str) -> None:
    vibedom.policy(policy=policy())
    done = await vibedom.sh(f"echo kept > work.txt; {WRITERS[writer]}")
    assert done.code == 73, done
    assert SAID.get(writer, "and disk_bytes allows 32.0 MiB") in done.err
    assert "ended because of the disk" in done.err
    directory = vibedom.session
    assert taken(directory / "upper", directory / "home") < LIMIT + LAG_BYTES
    assert any("paused: the agent" in str(record.get("note")) for record in vibedom.records())
    assert (await vibedom("apply", directory.name, "work.txt", "--yes")).code == 0
    assert (vibedom.project / "work.txt").read_text() == "kept\n"


async def test_no_single_file_gets_longer_than_the_limit_and_scratch_files_are_in_memory(vibedom: Vibedom) -> None:
    vibedom.policy(policy=policy())
    script = "truncate -s 33M sparse; echo $?; dd if=/dev/zero of=/tmp/big bs=1M count=40; echo $?; "
    done = await vibedom.sh(script + "stat -f -c %T /tmp /var/tmp; cp /bin/true /tmp/copy && /tmp/copy && echo ran")
    assert done.out.split() == ["153", "153", "tmpfs", "tmpfs", "ran"], done  # SIGXFSZ


async def test_a_machine_short_of_space_freezes_the_agent_before_it_has_written_anything(vibedom: Vibedom) -> None:
    reserve = os.statvfs(vibedom.home)
    vibedom.policy(
        policy=f"[limits]\ndisk_reserve_bytes = {reserve.f_blocks * reserve.f_frsize}\ndisk_wait_seconds = 0\n"
    )
    done = await vibedom.sh("sleep 60")
    assert done.code == 73, done
    assert "of this machine's disk are free, less than the reserve of" in done.err


async def test_with_a_terminal_it_is_frozen_until_its_user_gives_more_or_stops_it(vibedom: Vibedom) -> None:
    vibedom.policy(policy=policy())
    async with detached(vibedom, f"echo kept > work.txt; {WRITERS['bytes']}", name="more") as name:
        log = vibedom.home / "sessions" / name / "session.log"

        def said(text: str, times: int) -> bool:
            return log.exists() and log.read_text().count(text) >= times

        await until(partial(said, "the agent is frozen", 1), "the agent to be frozen")
        report = json.loads((await vibedom("status", name, "--json")).out)["supervisor"]
        assert report["is_paused"]
        assert "disk_bytes allows 32.0 MiB" in report["held"]
        assert (await vibedom("resume", name)).code == 0
        await until(partial(said, "the agent is frozen", 2), "the agent to be frozen again")
        directory = vibedom.home / "sessions" / name
        vibedom.policy(policy=policy(taken(directory / "upper", directory / "home") + (64 << 20)))
        await until(partial(said, "the agent goes on", 1), "the agent to go on")
        assert (await vibedom("stop", name)).code == 0
    assert (await vibedom("apply", name, "work.txt", "--yes")).code == 0
    assert (vibedom.project / "work.txt").read_text() == "kept\n"
