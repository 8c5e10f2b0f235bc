"""What makes clients in the sandbox trust the session's CA and find the proxy: certificate files and environment."""

import re
import ssl
import warnings
from collections.abc import Sequence
from pathlib import Path

import certifi
from cryptography import x509
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, pkcs12
from cryptography.utils import CryptographyDeprecationWarning

from vibedom.errors import SandboxError
from vibedom.sandbox.runtime import TRUST_MOUNT, WORK_MOUNT, WORKSPACE_MOUNT

CA_NAME = "ca.pem"
BUNDLE_NAME = "ca-bundle.pem"
STORE_NAME = "ca-bundle.p12"
CA_FILE = f"{TRUST_MOUNT}/{CA_NAME}"
"""The session's CA alone, as the sandbox sees it: for variables that add to what a client trusts."""
BUNDLE_FILE = f"{TRUST_MOUNT}/{BUNDLE_NAME}"
"""Public roots and the session's CA: for variables that replace what a client trusts."""

STORE_FILE = f"{TRUST_MOUNT}/{STORE_NAME}"
"""The same for Java, which reads no PEM."""

_STORE_PASSWORD = "changeit"  # noqa: S105
"""Java's own default for trust stores, known to everybody: it protects nothing, JVMs before 18 want one."""

SYSTEM_BUNDLES = (
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/ssl/cert.pem",
    "/etc/ssl/ca-bundle.pem",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/pki/tls/cert.pem",
    "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
    "/usr/lib/ssl/cert.pem",
)
"""Where Debian, Alpine, Fedora, SUSE and their OpenSSLs look when no variable says otherwise (`env -i`)."""

FEWEST_ROOTS = 100
"""Mozilla's list has had more than this for fifteen years: with fewer, the merge has gone wrong."""

_CERTIFICATE = re.compile(rb"-----BEGIN CERTIFICATE-----.+?-----END CERTIFICATE-----", re.DOTALL)

_REPLACING = (
    "SSL_CERT_FILE",
    "REQUESTS_CA_BUNDLE",
    "CURL_CA_BUNDLE",
    "PIP_CERT",
    "GIT_SSL_CAINFO",
    "CARGO_HTTP_CAINFO",
    "AWS_CA_BUNDLE",
    "HTTPLIB2_CA_CERTS",
    "GRPC_DEFAULT_SSL_ROOTS_FILE_PATH",
    "CLOUDSDK_CORE_CUSTOM_CA_CERTS_FILE",
    "NIX_SSL_CERT_FILE",
    "PERL_LWP_SSL_CA_FILE",
    "BUNDLE_SSL_CA_CERT",
    "COMPOSER_CAFILE",
    "HEX_CACERTS_PATH",
)


def environment(proxy_url: str, safe_directories: Sequence[str] = (WORK_MOUNT, WORKSPACE_MOUNT)) -> dict[str, str]:
    """Variables for every process of the sandbox, the main one and each exec.

    `proxy_url` is `http://HOST:PORT` as the sandbox reaches it. Only the sandbox's own loopback goes past the proxy.
    """
    proxies = dict.fromkeys(("HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy"), proxy_url)
    local = dict.fromkeys(("NO_PROXY", "no_proxy"), "localhost,127.0.0.1,::1")
    return (
        proxies
        | local
        | dict.fromkeys(_REPLACING, BUNDLE_FILE)
        | {
            "NODE_EXTRA_CA_CERTS": CA_FILE,
            "NODE_USE_SYSTEM_CA": "1",
            "NODE_USE_ENV_PROXY": "1",
            "DENO_CERT": CA_FILE,
            "DENO_TLS_CA_STORE": "mozilla,system",
            "UV_NATIVE_TLS": "1",
            "JAVA_TOOL_OPTIONS": f"-Djavax.net.ssl.trustStore={STORE_FILE} -Djavax.net.ssl.trustStoreType=PKCS12"
            f" -Djavax.net.ssl.trustStorePassword={_STORE_PASSWORD}",
        }
        | _git_configuration(safe_directories)
    )


def _git_configuration(safe_directories: Sequence[str]) -> dict[str, str]:
    """`safe.directory` for git in the sandbox, without a file: nobody's configuration is edited."""
    settings = {"GIT_CONFIG_COUNT": str(len(safe_directories))}
    for number, directory in enumerate(safe_directories):
        settings[f"GIT_CONFIG_KEY_{number}"] = "safe.directory"
        settings[f"GIT_CONFIG_VALUE_{number}"] = directory
    return settings


def write_trust(directory: Path, ca_pem: bytes, roots: bytes) -> None:
    """Write `ca.pem`, `ca-bundle.pem` and `ca-bundle.p12` into `directory`, readable by every uid of the sandbox.

    `ca_pem` is the session's CA, `roots` the public roots, both PEM; text and keys between certificates are left out.
    Raises `SandboxError` where the result is not a whole bundle: a sandbox that has lost the public roots never starts.
    """
    ca = certificates(ca_pem)
    if len(ca) != 1:
        raise SandboxError(f"the session CA has {len(ca)} certificates instead of one; delete ~/.vibedom/ca and retry")
    public = certificates(roots)
    if len(public) < FEWEST_ROOTS:
        raise SandboxError(
            f"only {len(public)} public root certificates were found (fewer than {FEWEST_ROOTS}); "
            "install ca-certificates on this machine"
        )
    directory.mkdir(mode=0o755, parents=True, exist_ok=True)
    directory.chmod(0o755)
    write_public(directory / CA_NAME, _joined(ca))
    write_public(directory / BUNDLE_NAME, _joined([*public, *ca]))
    write_public(directory / STORE_NAME, _java_store([*public, *ca]))


def certificates(pem: bytes) -> list[bytes]:
    """The certificates of a PEM file in their order, each once. Raises `SandboxError` where OpenSSL refuses one."""
    blocks = list(dict.fromkeys(_CERTIFICATE.findall(pem)))
    store = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    for number, block in enumerate(blocks, start=1):
        try:
            store.load_verify_locations(cadata=block.decode("ascii"))
        except (ssl.SSLError, UnicodeDecodeError) as exc:
            raise SandboxError(f"certificate {number} of {len(blocks)} does not parse; check the CA files") from exc
    return blocks


def _java_store(blocks: Sequence[bytes]) -> bytes:
    """A PKCS #12 trust store. A few old roots whose serial numbers break RFC 5280 are left out."""
    entries = []
    for number, block in enumerate(blocks):
        with warnings.catch_warnings(action="error", category=CryptographyDeprecationWarning):
            try:
                certificate = x509.load_pem_x509_certificate(block)
            except (ValueError, CryptographyDeprecationWarning):
                continue
        entries.append(pkcs12.PKCS12Certificate(certificate, f"vibedom-{number}".encode()))
    return pkcs12.serialize_java_truststore(entries, BestAvailableEncryption(_STORE_PASSWORD.encode()))


def public_roots() -> bytes:
    """The public root certificates of this machine as PEM, or those Python's clients carry where it has none."""
    default = ssl.get_default_verify_paths()
    named = [path for path in (default.cafile, default.openssl_cafile) if path]
    for candidate in (*named, *SYSTEM_BUNDLES, certifi.where()):
        path = Path(candidate)
        if path.is_file() and path.read_bytes().count(b"-----BEGIN CERTIFICATE-----") >= FEWEST_ROOTS:
            return path.read_bytes()
    raise SandboxError("this machine has no file of public root certificates; install ca-certificates")


def write_public(path: Path, content: bytes) -> None:
    """Replace `path` by a file that every uid of the sandbox can read."""
    path.unlink(missing_ok=True)
    path.write_bytes(content)
    path.chmod(0o644)


def _joined(blocks: Sequence[bytes]) -> bytes:
    return b"\n".join(blocks) + b"\n"
