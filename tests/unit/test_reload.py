"""A change to a file is noticed within a second, however the file was saved."""

from collections.abc import Callable
from pathlib import Path

import anyio
import pytest

from vibedom.reload import watch

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


def append(path: Path) -> None:
    with path.open("a") as file:
        file.write("b.test\n")


def replace(path: Path) -> None:
    """How most editors save: a new file in the place of the old one, of the same length."""
    fresh = path.with_name("fresh")
    fresh.write_text("b.test\n")
    fresh.rename(path)


def rewrite(path: Path) -> None:
    path.write_text("b.test\n")


def remove(path: Path) -> None:
    path.unlink()


def appear(path: Path) -> None:
    path.with_name("none").touch()


@pytest.mark.parametrize("change", [append, replace, rewrite, remove, appear])
async def test_change_is_noticed(tmp_path: Path, change: Callable[[Path], None]) -> None:
    path = tmp_path / "list.txt"
    await anyio.Path(path).write_text("a.test\n")
    changes = watch([path, tmp_path / "none"], poll_seconds=0.01)
    async with anyio.create_task_group() as tasks:
        noticed = anyio.Event()

        async def follow() -> None:
            await anext(changes)
            noticed.set()

        tasks.start_soon(follow)
        await anyio.wait_all_tasks_blocked()
        change(path)
        with anyio.fail_after(1):
            await noticed.wait()
    await changes.aclose()  # type: ignore[attr-defined]


async def test_untouched_files_are_quiet(tmp_path: Path) -> None:
    await anyio.Path(tmp_path / "list.txt").write_text("a.test\n")
    changes = watch([tmp_path / "list.txt"], poll_seconds=0.01)
    with anyio.move_on_after(0.1) as waiting:
        await anext(changes)
    assert waiting.cancelled_caught
    await changes.aclose()  # type: ignore[attr-defined]
