"""A certificate for the demo's origin, by a certificate authority made for the occasion."""

import ssl
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import serialization

from vibedom.proxy.authority import Authority


def server_context(host: str, directory: Path) -> ssl.SSLContext:
    """TLS for a server named `host`; the authority's certificate goes to `directory/origin-ca.pem`."""
    authority = Authority("demo-origin")
    key = authority.leaf_key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    leaf = authority.leaf([x509.DNSName(host)]).public_bytes(serialization.Encoding.PEM)
    chain = directory / "origin.pem"
    chain.touch(mode=0o600)
    chain.write_bytes(key + leaf)
    (directory / "origin-ca.pem").write_bytes(authority.pem)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(chain)
    return context
