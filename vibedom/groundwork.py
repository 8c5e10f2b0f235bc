"""What a session's border stands on. Importing it brings mitmproxy and the engine along: done while others wait."""

from collections.abc import Callable
from pathlib import Path

import msgspec

from vibedom.paths import SessionDir
from vibedom.proxy.authority import Authority
from vibedom.sandbox import trust
from vibedom.settings import Policy
from vibedom.wiring import Detection


class Groundwork(msgspec.Struct, frozen=True, kw_only=True):
    """What `make_border` needs and takes its time to get."""

    authority: Authority
    """The session's own."""
    roots: Path
    """A file of certificates: what upstream hosts are verified against."""
    detection: Detection


def lay(session: str, directory: SessionDir, policy: Policy, load_detection: Callable[[], Detection]) -> Groundwork:
    """Make the session's certificates, which go into `directory.trust`, and load its detection. Blocking.

    Raises `SandboxError` where this machine's root certificates are no whole bundle, and what `load_detection` raises.
    """
    authority = Authority(session)
    roots = trust.public_roots()
    trust.write_trust(directory.trust, authority.pem, roots)
    return Groundwork(authority=authority, roots=_upstream_roots(directory, policy, roots), detection=load_detection())


def _upstream_roots(directory: SessionDir, policy: Policy, roots: bytes) -> Path:
    """A file with this machine's roots and the user's extra one."""
    extra = policy.upstream.ca
    path = directory.root / "upstream-roots.pem"
    path.touch(mode=0o600)
    path.write_bytes(roots + (b"\n" + Path(extra).read_bytes() if extra else b""))
    return path
