"""Random edits by a shell in a real sandbox: applied is what it saw, a part is that part, undo is the original."""

import json
import random
import shlex
from pathlib import Path

import anyio
import pytest

from tests.integration.run.conftest import Vibedom
from tests.support.overlays import snapshot

pytestmark = pytest.mark.anyio
TOPS = [f"top{number}" for number in range(8)]
NAMES = ["a", "b c", "ü", "-x", "deep/er", "deep/er/leaf", "deep"]
STEPS = 150


def _fill(project: Path, chance: random.Random) -> None:
    for top in TOPS[:5]:
        (project / top / "deep/er").mkdir(parents=True)
        for name in ("a", "b c", "deep/er/leaf"):
            (project / top / name).write_bytes(chance.randbytes(chance.randrange(5000)))
        (project / top / "link").symlink_to("a")


def _script(chance: random.Random) -> str:
    """Edits that may fail: the shell goes on, and the view it ends with is what counts."""
    lines = ["exec 2>/dev/null"]
    for number in range(STEPS):
        path, other = (shlex.quote(f"./{chance.choice(TOPS)}/{chance.choice(NAMES)}") for _ in range(2))
        lines.append(
            chance.choice(
                [
                    f"mkdir -p {path}",
                    f"mkdir -p $(dirname {path}); printf 'text %s\\n' {number} > {path}",
                    f"head -c {chance.randrange(9000)} /dev/urandom > {path}",
                    f"printf 'more\\n' >> {path}",
                    f"rm -rf {path}",
                    f"mv {path} {other}",
                    f"ln -sf a {path}",
                    f"chmod {chance.choice(('755', '700'))} {path}",
                    f"test -f {path} && chmod {chance.choice(('600', '644'))} {path}",
                    f"truncate -s {chance.randrange(20000)} {path}",
                    f"rm -rf {shlex.quote(chance.choice(TOPS))}",
                ]
            )
        )
    return "\n".join([*lines, "tar -cf ~/seen.tar ."])


@pytest.mark.parametrize("seed", [1, 2])
async def test_random_edits_come_home_exactly_and_go_back_exactly(vibedom: Vibedom, tmp_path: Path, seed: int) -> None:
    chance = random.Random(seed)
    _fill(vibedom.project, chance)
    original = snapshot(vibedom.project, times=True)
    before = snapshot(vibedom.project)
    done = await vibedom.sh(_script(chance), options=("--name", "calm-otter-1"))
    assert done.code == 0, done
    seen_at = tmp_path / "seen"
    seen_at.mkdir()
    tar = vibedom.session / "home/seen.tar"
    await anyio.run_process(["tar", "-C", str(seen_at), "-xpf", str(tar)])
    seen = snapshot(seen_at)
    assert seen != before
    changes = json.loads((await vibedom("diff", "calm-otter-1", "--json")).out)["changes"]
    part = chance.sample(sorted({change["path"].split("/")[0] for change in changes}), 3)
    applied = await vibedom("apply", "calm-otter-1", *(f"{vibedom.project}/{top}" for top in part), "--yes")
    assert applied.code == 0, applied
    assert snapshot(vibedom.project) == {**_tops(before, part, are_in=False), **_tops(seen, part, are_in=True)}
    applied = await vibedom("apply", "calm-otter-1", "--all", "--yes", "--include-dangerous")
    assert applied.code == 0, applied
    assert snapshot(vibedom.project) == seen
    for _ in range(2):
        assert (await vibedom("undo", "calm-otter-1")).code == 0
    assert snapshot(vibedom.project, times=True) == original


def _tops(files: dict[bytes, tuple[object, ...]], tops: list[str], *, are_in: bool) -> dict[bytes, tuple[object, ...]]:
    return {path: state for path, state in files.items() if (path.split(b"/")[0].decode() in tops) == are_in}
