"""image and debian: an image is current only if every byte of its recipe is; the archive is what an engine loads."""

import hashlib
import io
import json
import tarfile
from pathlib import Path

import pytest

from vibedom.errors import RuntimeUnavailableError
from vibedom.sandbox import debian, image, image_archive


def test_an_image_is_current_with_the_hash_of_its_own_recipe_only() -> None:
    for source in image.SOURCES:
        assert image.is_current(image.labels(source))
        assert not image.is_current(image.labels(source) | {image.LABEL_RECIPE: "0" * 64})
    crossed = image.labels("alpine") | {image.LABEL_RECIPE: image.recipe_hash("debian")}
    assert not image.is_current(crossed)
    assert not image.is_current({})
    assert not image.is_current(None)
    assert not image.is_current({image.LABEL_FROM: "windows", image.LABEL_RECIPE: "0"})


def test_the_build_context_holds_the_dockerfile_alone() -> None:
    with tarfile.open(fileobj=image_archive.build_context()) as tar:
        assert tar.getnames() == ["Dockerfile"]
        content = tar.extractfile("Dockerfile")
        assert content is not None
        assert content.read() == image.recipe("Dockerfile")


def test_both_recipes_hold_what_the_holder_needs() -> None:
    dockerfile = image.recipe("Dockerfile").decode()
    packages = image.recipe("debian.packages").decode().split()
    for tool in ("bash", "curl", "iptables", "git", "ca-certificates"):
        assert f" {tool}" in dockerfile
        assert tool in packages


@pytest.mark.anyio
@pytest.mark.parametrize("size", [0, 1, 512, 1023, 3 << 20])
async def test_the_archive_is_a_tar_whose_configuration_names_its_layer(tmp_path: Path, size: int) -> None:
    root = tmp_path / "root.tar"
    root.write_bytes(b"x" * size)
    layer = await image_archive.read_layer(root)
    parts = image_archive.archive(layer, name="a/b:c", architecture="arm64", image_labels={"k": "v"})
    streamed = b"".join([part async for part in parts])
    with tarfile.open(fileobj=io.BytesIO(streamed)) as tar:
        members = {name: tar.extractfile(name).read() for name in tar.getnames()}  # type: ignore[union-attr]
    [manifest] = json.loads(members["manifest.json"])
    config = json.loads(members[manifest["Config"]])
    assert manifest["Config"] == hashlib.sha256(members[manifest["Config"]]).hexdigest() + ".json"
    assert (manifest["RepoTags"], manifest["Layers"]) == (["a/b:c"], ["layer.tar"])
    assert members["layer.tar"] == b"x" * size
    assert config["rootfs"]["diff_ids"] == ["sha256:" + hashlib.sha256(b"x" * size).hexdigest()]
    assert (config["architecture"], config["config"]["Labels"]) == ("arm64", {"k": "v"})


def write_sources(apt: Path) -> None:
    directory = apt / "sources.list.d"
    directory.mkdir(parents=True)
    (apt / "sources.list").write_text("# deb http://mirror.example/debian trixie main\n")
    (directory / "own.sources").write_text(
        "Types: deb\nURIs: http://mirror.example/debian\nSuites: trixie trixie-updates\nComponents: main contrib\n"
        "\n# Suites: bookworm\n\nTypes: deb\nURIs: http://mirror.example/s\n"
        "Suites: trixie-security\nComponents: main\n"
    )
    (directory / "vendor.sources").write_text(
        "Types: deb\nURIs: http://v.example\nSuites: trixie\nComponents: stable\n"
    )
    (directory / "vendor.list").write_text("deb [arch=amd64] http://w.example stable main\n")
    (directory / "off.sources.disabled").write_text("Types: deb\nSuites: trixie\nComponents: main\n")


def test_only_sources_of_the_release_itself_are_used(tmp_path: Path) -> None:
    write_sources(tmp_path)
    assert debian.package_sources(tmp_path, "trixie") == [tmp_path / "sources.list.d" / "own.sources"]
    (tmp_path / "sources.list").write_text("deb http://mirror.example/debian bookworm main contrib\n")
    assert debian.package_sources(tmp_path, "bookworm") == [tmp_path / "sources.list"]


def test_a_machine_without_sources_of_its_release_says_so(tmp_path: Path) -> None:
    write_sources(tmp_path)
    with pytest.raises(RuntimeUnavailableError, match="names packages of sid"):
        debian.package_sources(tmp_path, "sid")


def test_the_release_is_read_from_this_machine(tmp_path: Path) -> None:
    release = tmp_path / "os-release"
    with pytest.raises(RuntimeUnavailableError, match="no Debian"):
        debian.codename(release)
    release.write_text('NAME="Debian"\nVERSION_CODENAME="trixie"\n')
    assert debian.codename(release) == "trixie"
    release.write_text("NAME=Arch\n")
    with pytest.raises(RuntimeUnavailableError, match="no Debian"):
        debian.codename(release)


def test_the_command_names_target_and_sources_last(tmp_path: Path) -> None:
    command = debian.command("trixie", tmp_path / "out.tar", [tmp_path / "a", tmp_path / "b"])
    assert command[0] == "mmdebstrap"
    assert command[-4:] == ["trixie", str(tmp_path / "out.tar"), str(tmp_path / "a"), str(tmp_path / "b")]
