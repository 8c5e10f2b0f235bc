"""A session's certificates: its own authority, and what its sandbox is told to trust."""

import msgspec

from vibedom.paths import SessionDir
from vibedom.proxy.authority import Authority
from vibedom.sandbox import trust


class Certificates(msgspec.Struct, frozen=True, kw_only=True):
    """What was made; the sandbox's part of it is in its files."""

    authority: Authority
    """The session's own."""
    roots: bytes
    """This machine's root certificates, PEM."""


def certify(session: str, directory: SessionDir) -> Certificates:
    """Make the session's authority, and the files of `directory.trust` that the sandbox mounts. Blocking.

    Raises `SandboxError` where this machine's root certificates are no whole bundle.
    """
    authority = Authority(session)
    roots = trust.public_roots()
    trust.write_trust(directory.trust, authority.pem, roots)
    return Certificates(authority=authority, roots=roots)
