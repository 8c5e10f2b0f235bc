"""What a session's border stands on. Importing it brings mitmproxy and the engine along: done while others wait."""

from collections.abc import Callable
from pathlib import Path

import msgspec

from vibedom.certificates import Certificates
from vibedom.paths import SessionDir
from vibedom.proxy.authority import Authority
from vibedom.settings import Policy
from vibedom.wiring import Detection


class Groundwork(msgspec.Struct, frozen=True, kw_only=True):
    """What `make_border` needs and takes its time to get."""

    authority: Authority
    """The session's own."""
    roots: Path
    """A file of certificates: what upstream hosts are verified against."""
    detection: Detection


def lay(
    certificates: Certificates, directory: SessionDir, policy: Policy, load_detection: Callable[[], Detection]
) -> Groundwork:
    """Load the session's detection, beside its certificates. Blocking. Raises what `load_detection` raises."""
    roots = _upstream_roots(directory, policy, certificates.roots)
    return Groundwork(authority=certificates.authority, roots=roots, detection=load_detection())


def _upstream_roots(directory: SessionDir, policy: Policy, roots: bytes) -> Path:
    """A file with this machine's roots and the user's extra one."""
    extra = policy.upstream.ca
    path = directory.root / "upstream-roots.pem"
    path.touch(mode=0o600)
    path.write_bytes(roots + (b"\n" + Path(extra).read_bytes() if extra else b""))
    return path
