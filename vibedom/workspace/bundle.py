"""Makes a bundle of the agent's commits inside the sandbox, where its git configuration may do what it likes."""

import os
from pathlib import Path

import anyio
import anyio.to_thread

from vibedom.errors import WorkspaceError
from vibedom.sandbox.runtime import WORK_MOUNT, Command, Sandbox

LIMIT_BYTES = 4 << 30
TIMEOUT_SECONDS = 300
_BUNDLE = """
command -v git >/dev/null || exit 3
cd "$1" || exit 0
# A repository inside another one: without its .git, git would take the one around it.
GIT_CEILING_DIRECTORIES=${PWD%/*}
export GIT_CEILING_DIRECTORIES
quiet() { git -c safe.directory='*' -c core.hooksPath=/dev/null -c core.fsmonitor=false "$@" 2>/dev/null; }
head=$(quiet rev-parse -q --verify 'HEAD^{commit}') || exit 0
known=
if [ -n "$2" ] && quiet cat-file -e "$2^{commit}"; then
  [ -n "$(quiet rev-list -n 1 "$head" "^$2")" ] || exit 0
  known="^$2"
fi
quiet bundle create - HEAD $known || exit 4
"""
"""`$1` is the repository, `$2` the commit that the project was at, or nothing. No output: there are no new commits."""
_REASONS = {
    3: "the agent's image has no git to bundle commits with",
    4: "git in the sandbox could not bundle the agent's commits",
    126: "the agent's image has no shell to bundle commits with",
    127: "the agent's image has no shell to bundle commits with",
}


def bundle_command(known: str | None, repository: str = WORK_MOUNT) -> Command:
    """What to run in the sandbox: a bundle of the commits since `known` comes on its standard output, or nothing."""
    return Command(argv=("sh", "-c", _BUNDLE, "bundle", repository, known or ""), tty=False)


async def collect_bundle(sandbox: Sandbox, known: str | None, into: Path, repository: str = WORK_MOUNT) -> None:
    """Run that in the sandbox, which must still be alive, and keep the bundle as the file `into` (0600).

    Raises `WorkspaceError` where it cannot be made, takes too long or gets too large, `SandboxError` where the sandbox
    runs nothing any more.
    """
    process = await sandbox.exec(bundle_command(known, repository))
    descriptor = os.open(into, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o600)
    size = 0
    try:
        with os.fdopen(descriptor, "wb") as file, anyio.fail_after(TIMEOUT_SECONDS):
            while (data := await process.read()) is not None:
                size += len(data)
                if size > LIMIT_BYTES:
                    raise WorkspaceError(f"commits larger than {LIMIT_BYTES >> 30} GiB are not imported")
                await anyio.to_thread.run_sync(file.write, data)
            code = await process.wait()
    except TimeoutError:
        raise WorkspaceError(f"bundling the agent's commits took over {TIMEOUT_SECONDS} s; no branch is made") from None
    if code != 0:
        raise WorkspaceError(f"{_REASONS.get(code, f'bundling the commits ended with {code}')}; no branch is made")
