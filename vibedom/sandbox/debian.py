"""A Debian root file system for the sandbox image, made with mmdebstrap from this machine's own package sources."""

import os
import platform
import shutil
from pathlib import Path

import anyio

from vibedom.errors import RuntimeUnavailableError, SandboxError
from vibedom.sandbox import image

BOOTSTRAP_SECONDS = 600.0

_LEFT_OUT = ("man", "doc", "info", "locale", "groff", "lintian")
"""Directories of /usr/share that no agent reads."""


async def bootstrap(target: Path, apt: Path = Path("/etc/apt")) -> None:
    """Write the root file system to the tar file `target`; takes 10-30 s and about 200 MB.

    Raises `RuntimeUnavailableError` where this machine cannot (no mmdebstrap, no apt sources), `SandboxError` where
    mmdebstrap fails.
    """
    if shutil.which("mmdebstrap") is None:
        raise RuntimeUnavailableError("mmdebstrap is not installed; `apt-get install mmdebstrap` and retry")
    suite = codename(Path("/etc/os-release"))
    sources = package_sources(apt, suite)
    with anyio.move_on_after(BOOTSTRAP_SECONDS) as scope:
        result = await anyio.run_process(
            command(suite, target, sources),
            check=False,
            env={**os.environ, "SOURCE_DATE_EPOCH": "0", "DEBIAN_FRONTEND": "noninteractive"},
        )
    if scope.cancelled_caught:
        raise SandboxError(f"mmdebstrap did not finish within {BOOTSTRAP_SECONDS:.0f} s; is the package source slow?")
    if result.returncode != 0:
        raise SandboxError(f"mmdebstrap failed: {_reason(result.stderr)}; try `apt-get update` on this machine")


def command(suite: str, target: Path, sources: list[Path]) -> list[str]:
    """The command line of mmdebstrap."""
    packages = ",".join(image.recipe("debian.packages").decode().split())
    return [
        "mmdebstrap",
        "--variant=essential",
        "--mode=auto",
        "--format=tar",
        f"--include={packages}",
        "--aptopt=Acquire::Languages none",
        "--dpkgopt=force-unsafe-io",
        # Removed afterwards: with dpkg's path-exclude mmdebstrap takes twice as long.
        '--customize-hook=cd "$1"/usr/share && rm -rf ' + " ".join(_LEFT_OUT),
        # pip may install: the sandbox is thrown away, there is nothing of a distribution to protect.
        '--customize-hook=rm -f "$1"/usr/lib/python3*/EXTERNALLY-MANAGED',
        '--customize-hook=mkdir -p "$1"/etc/vibedom "$1"/home/agent "$1"/mnt/workspace "$1"/work',
        suite,
        str(target),
        *map(str, sources),
    ]


def codename(os_release: Path) -> str:
    """The name of this machine's release, whose packages its sources hold."""
    if os_release.is_file():
        for line in os_release.read_text("utf-8").splitlines():
            key, _, value = line.partition("=")
            if key == "VERSION_CODENAME" and value.strip('"'):
                return value.strip('"')
    raise RuntimeUnavailableError("this machine is no Debian; build the image with `vibedom image build --from alpine`")


def package_sources(apt: Path, suite: str) -> list[Path]:
    """The files of `apt` that name `suite` itself; others (a vendor's own repository) are left out."""
    candidates = [apt / "sources.list", *sorted((apt / "sources.list.d").glob("*.list"))]
    candidates += sorted((apt / "sources.list.d").glob("*.sources"))
    found = [path for path in candidates if path.is_file() and _offers(path, suite)]
    if not found:
        raise RuntimeUnavailableError(
            f"no file below {apt} names packages of {suite}; repair this machine's apt sources"
        )
    return found


def _offers(path: Path, suite: str) -> bool:
    """Whether a line or stanza that is not a comment offers the component `main` of `suite`."""
    lines = [line for line in path.read_text("utf-8").splitlines() if not line.lstrip().startswith("#")]
    if path.suffix == ".list":
        return any({"deb", suite, "main"} <= set(line.split()) for line in lines)
    stanzas = "\n".join(lines).split("\n\n")
    return any(suite in _field(stanza, "Suites") and "main" in _field(stanza, "Components") for stanza in stanzas)


def _field(stanza: str, name: str) -> list[str]:
    values = [line.partition(":")[2] for line in stanza.splitlines() if line.lower().startswith(f"{name.lower()}:")]
    return " ".join(values).split()


def architecture() -> str:
    """This machine's processor as image configurations name it."""
    names = {"x86_64": "amd64", "aarch64": "arm64", "armv7l": "arm", "ppc64le": "ppc64le", "s390x": "s390x"}
    return names.get(platform.machine(), platform.machine())


def _reason(stderr: bytes) -> str:
    lines = [line for line in stderr.decode("utf-8", "replace").splitlines() if line.startswith("E:")]
    return lines[-1][2:].strip() if lines else "it gave no reason"
