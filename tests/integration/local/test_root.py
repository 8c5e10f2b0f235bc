"""`--root`: a foreign root file system as a directory or as an archive; hostile ones stay inside."""

import contextlib
from collections.abc import Callable, Sequence
from pathlib import Path

import msgspec
import pytest

from tests.integration.local import foreign
from tests.integration.runtimes import finish, locked, make_spec
from vibedom.errors import SandboxError
from vibedom.sandbox.local import LocalRuntime
from vibedom.sandbox.local_lookup import find_inside
from vibedom.sandbox.runtime import SandboxSpec

pytestmark = [pytest.mark.anyio]

LOOK = (
    "cat /etc/marker; ls /usr/bin/python3 2>&1; cat readme.txt; echo changed >>readme.txt; id -u >/tmp/x && cat /tmp/x;"
    "cat /etc/resolv.conf | { read a; echo $a; }; readlink /etc/ssl/certs/ca-certificates.crt; cat /etc/passwd"
)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return foreign.make_root(tmp_path / "root")


def rooted(base: Path, root: Path) -> SandboxSpec:
    return msgspec.structs.replace(make_spec(base), root=root)


def listing(directory: Path) -> list[str]:
    return sorted(str(path) for path in directory.rglob("*"))


async def look(runtime: LocalRuntime, tmp_path: Path, root: Path) -> list[str]:
    spec = rooted(tmp_path / "run", root)
    async with locked(runtime, spec) as box:
        outcome = await finish(await box.start("/bin/sh", "-c", LOOK))
    assert (spec.upper / "readme.txt").read_text() == "the project\nchanged\n"
    assert outcome.code == 0, outcome.err
    return outcome.out.splitlines()


async def test_a_directory_is_the_agents_root_and_stays_as_it_is(
    runtime: LocalRuntime, tmp_path: Path, root: Path
) -> None:
    before = listing(root)
    lines = await look(runtime, tmp_path, root)
    assert lines[0] == "foreign"
    assert "No such file" in lines[1]
    assert lines[2] == "the project"
    assert lines[4] == "nameserver 127.0.0.1"
    assert lines[5] == "/etc/vibedom/ca-bundle.pem"
    assert lines[6].startswith("agent:x:")
    assert lines[7:] == ["root:x:0:0::/:/bin/sh"]
    assert listing(root) == before


async def test_a_link_in_the_root_does_not_show_a_host_file(runtime: LocalRuntime, tmp_path: Path, root: Path) -> None:
    """`mnt` leads to `/etc`, and vibedom itself mounts something below it."""
    (tmp_path / "secret").write_text("secret of the host")
    (root / "etc" / "passwd").unlink()
    (root / "etc" / "passwd").symlink_to(tmp_path / "secret")
    spec = rooted(tmp_path / "run", root)
    async with locked(runtime, spec) as box:
        outcome = await finish(
            await box.start(
                "/bin/sh", "-c", "cat /etc/passwd /etc/group; ls /etc/workspace; cat /mnt/workspace/readme.txt"
            )
        )
    assert "secret of the host" not in outcome.out
    assert outcome.out.endswith("readme.txt\nthe project\n")


@pytest.mark.parametrize("pack", [foreign.docker_save, foreign.oci_archive])
async def test_an_image_is_unpacked_once_with_its_whiteouts(
    runtime: LocalRuntime, tmp_path: Path, root: Path, pack: Callable[[Path, Sequence[bytes]], Path]
) -> None:
    (root / "etc" / "old").mkdir()
    (root / "etc" / "old" / "gone").write_text("gone")
    (root / "etc" / "removed").write_text("removed")
    changes = foreign.layer(
        [
            ("etc/.wh.removed", b""),
            ("etc/old/.wh..wh..opq", b""),
            ("./etc/old/new", b"new\n"),
            ("etc/marker", b"foreign\n"),
            ("etc/tool", b"#!/bin/sh\n"),
        ]
    )
    archive = pack(tmp_path / "image.tar", [foreign.packed(root), changes])
    assert (await look(runtime, tmp_path, archive))[0] == "foreign"
    cache = tmp_path / "state" / "cache" / "roots"
    (unpacked,) = cache.iterdir()
    assert not (unpacked / "etc" / "removed").exists()
    assert sorted(path.name for path in (unpacked / "etc" / "old").iterdir()) == ["new"]
    assert (unpacked / "etc" / "tool").stat().st_mode & 0o7777 == 0o755
    stamp = unpacked.stat().st_mtime_ns
    assert (await look(runtime, tmp_path / "again", archive))[0] == "foreign"
    assert [path.stat().st_mtime_ns for path in cache.iterdir()] == [stamp]


@pytest.mark.parametrize(
    "entries",
    [
        [("../escaped", b"x")],
        [("a/../../escaped", b"x")],
        [("link", "{outside}"), ("link/escaped", b"x")],
        [("link", "../../../../../../..{outside}"), ("link/escaped", b"x")],
        [("here", "{outside}/escaped"), ("here", b"x")],
        [("loop", "loop"), ("loop/escaped", b"x")],
    ],
    ids=["dots", "dots-in-between", "through-a-link", "through-dots-in-a-link", "over-a-link", "through-a-loop"],
)
async def test_a_hostile_layer_writes_nothing_outside(
    runtime: LocalRuntime, tmp_path: Path, root: Path, entries: list[tuple[str, bytes | str]]
) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    hostile = [
        (name, content.replace("{outside}", str(outside)) if isinstance(content, str) else content)
        for name, content in entries
    ]
    archive = foreign.docker_save(tmp_path / "image.tar", [foreign.packed(root), foreign.layer(hostile)])
    with contextlib.suppress(SandboxError):
        await look(runtime, tmp_path, archive)
    assert list(outside.iterdir()) == []
    assert not (tmp_path / "escaped").exists()
    assert list((tmp_path / "state").rglob(".unpack-*")) == []


async def test_a_changed_layer_is_refused(runtime: LocalRuntime, tmp_path: Path, root: Path) -> None:
    archive = foreign.oci_archive(tmp_path / "image.tar", [foreign.packed(root)])
    archive.write_bytes(archive.read_bytes().replace(b"foreign\n", b"altered\n"))
    with pytest.raises(SandboxError, match="does not have the content its name says"):
        await runtime.create(rooted(tmp_path / "run", archive))


async def test_an_image_for_another_machine_is_refused(runtime: LocalRuntime, tmp_path: Path, root: Path) -> None:
    archive = foreign.oci_archive(tmp_path / "image.tar", [foreign.packed(root)], machine="s390x")
    with pytest.raises(SandboxError, match="no image for"):
        await runtime.create(rooted(tmp_path / "run", archive))


@pytest.mark.parametrize("content", [b"", b"no archive at all", b"\x00" * 10240])
async def test_a_file_that_is_no_image_is_refused(runtime: LocalRuntime, tmp_path: Path, content: bytes) -> None:
    (tmp_path / "image.tar").write_bytes(content)
    with pytest.raises(SandboxError, match=r"cannot unpack .*image\.tar"):
        await runtime.create(rooted(tmp_path / "run", tmp_path / "image.tar"))


async def test_a_directory_without_a_shell_is_refused(runtime: LocalRuntime, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(SandboxError, match="no root file system"):
        await runtime.create(rooted(tmp_path / "run", tmp_path / "empty"))


def test_a_path_is_looked_up_inside_the_root(tmp_path: Path) -> None:
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc" / "file").touch()
    (tmp_path / "up").symlink_to("../../../etc")
    (tmp_path / "absolute").symlink_to("/etc/file")
    (tmp_path / "loop").symlink_to("loop")
    assert find_inside(tmp_path, "/up/file") == tmp_path / "etc" / "file"
    assert find_inside(tmp_path, "/absolute") == tmp_path / "etc" / "file"
    assert find_inside(tmp_path, "/../../etc/./file") == tmp_path / "etc" / "file"
    assert find_inside(tmp_path, "/loop") is None
    assert find_inside(tmp_path, "/etc/none") is None
