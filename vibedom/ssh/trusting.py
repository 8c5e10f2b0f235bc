"""Where a host key can be had from: the user's own known_hosts, or the host itself."""

import subprocess
from collections.abc import Sequence
from pathlib import Path

from pipeline.hosts import HostError, split_authority
from vibedom.errors import UsageError
from vibedom.ssh.known_hosts import HostKey, keys_in, place

_SECONDS = 15


def parse_host(text: str) -> tuple[str, int]:
    """`HOST` or `HOST:PORT`. Raises `UsageError`."""
    try:
        host, port = split_authority(text)
    except HostError:
        raise UsageError(f"{text!r}: write a host such as github.com, or host:port") from None
    return host, port or 22


def known_to_user(files: Sequence[Path], host: str, port: int) -> list[HostKey]:
    """What the user's own files say about the host; files that are missing or cannot be read say nothing."""
    found: list[HostKey] = []
    for path in files:
        try:
            found += keys_in(path.read_text("utf-8", "replace"), host, port)
        except OSError:
            continue
    return list(dict.fromkeys(found))


def ask_host(host: str, port: int) -> list[HostKey]:
    """The keys the host shows now. Whoever is between could show theirs: compare the fingerprints with published ones.

    Blocking, at most 15 s. Raises `UsageError` where nothing comes.
    """
    argv = ["ssh-keyscan", "-T", str(_SECONDS - 5), "-p", str(port), "--", host]
    try:
        done = subprocess.run(argv, capture_output=True, stdin=subprocess.DEVNULL, timeout=_SECONDS, check=False)
    except FileNotFoundError:
        raise UsageError(
            "ssh-keyscan is not installed; install OpenSSH's client, or give the host key in a file"
        ) from None
    except subprocess.TimeoutExpired:
        raise UsageError(f"{place(host, port)}: no answer within {_SECONDS} s; is it reachable from here?") from None
    found = keys_in(done.stdout.decode("utf-8", "replace"), host, port)
    if not found:
        raise UsageError(f"{place(host, port)}: shows no SSH host key; is it reachable from here?")
    return found
