"""trust: the merged bundle is whole or there is none, and every client's variable names the right file."""

import datetime
import ssl
import stat
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import pkcs12
from cryptography.x509.oid import NameOID

from vibedom.errors import SandboxError
from vibedom.sandbox import trust


def make_ca(name: str = "vibedom test CA") -> tuple[bytes, bytes]:
    """A CA as PEM: certificate, private key."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    secret = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return certificate.public_bytes(serialization.Encoding.PEM), secret


def test_the_merged_bundle_holds_the_public_roots_and_ours(tmp_path: Path) -> None:
    ca, _ = make_ca()
    trust.write_trust(tmp_path / "trust", ca, trust.public_roots())
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(cafile=tmp_path / "trust" / trust.BUNDLE_NAME)
    subjects = [dict(part[0] for part in entry["subject"]) for entry in context.get_ca_certs()]  # type: ignore[misc]
    assert len(subjects) > 100
    assert {"commonName": "vibedom test CA"} in subjects


def test_a_bundle_without_the_public_roots_is_refused_and_nothing_is_written(tmp_path: Path) -> None:
    ca, _ = make_ca()
    few = b"".join(make_ca(f"root {number}")[0] for number in range(3))
    with pytest.raises(SandboxError, match="only 3 public root certificates"):
        trust.write_trust(tmp_path / "trust", ca, few)
    assert not (tmp_path / "trust").exists()


def test_a_certificate_that_does_not_parse_is_refused(tmp_path: Path) -> None:
    ca, _ = make_ca()
    broken = b"-----BEGIN CERTIFICATE-----\nbm90IGEgY2VydGlmaWNhdGU=\n-----END CERTIFICATE-----\n"
    with pytest.raises(SandboxError, match="does not parse"):
        trust.write_trust(tmp_path / "trust", ca, trust.public_roots() + broken)


def test_a_private_key_beside_the_certificate_never_reaches_the_sandbox(tmp_path: Path) -> None:
    ca, key = make_ca()
    trust.write_trust(tmp_path / "trust", key + ca, trust.public_roots())
    written = b"".join(path.read_bytes() for path in (tmp_path / "trust").iterdir())
    assert b"PRIVATE KEY" not in written
    assert ca.strip() in written


def test_every_uid_can_read_the_files(tmp_path: Path) -> None:
    ca, _ = make_ca()
    trust.write_trust(tmp_path / "trust", ca, trust.public_roots())
    assert stat.S_IMODE((tmp_path / "trust").stat().st_mode) == 0o755
    for path in (tmp_path / "trust").iterdir():
        assert stat.S_IMODE(path.stat().st_mode) == 0o644


def test_variables_that_replace_the_trust_name_the_merged_bundle_and_those_that_add_name_the_ca() -> None:
    environment = trust.environment("http://172.18.0.1:8080")
    for name in ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "PIP_CERT", "CARGO_HTTP_CAINFO"):
        assert environment[name] == trust.BUNDLE_FILE
    for name in ("NODE_EXTRA_CA_CERTS", "DENO_CERT"):
        assert environment[name] == trust.CA_FILE
    assert environment["DENO_TLS_CA_STORE"] == "mozilla,system"
    assert environment["NODE_USE_SYSTEM_CA"] == environment["NODE_USE_ENV_PROXY"] == environment["UV_NATIVE_TLS"] == "1"


def test_java_gets_a_store_with_the_public_roots_and_ours(tmp_path: Path) -> None:
    ca, _ = make_ca()
    trust.write_trust(tmp_path / "trust", ca, trust.public_roots())
    store = pkcs12.load_pkcs12((tmp_path / "trust" / trust.STORE_NAME).read_bytes(), b"changeit")
    subjects = [entry.certificate.subject.rfc4514_string() for entry in store.additional_certs]
    assert len(subjects) > 100
    assert "CN=vibedom test CA" in subjects
    assert store.key is None
    options = trust.environment("http://p:1")["JAVA_TOOL_OPTIONS"].split()
    assert f"-Djavax.net.ssl.trustStore={trust.STORE_FILE}" in options


def test_only_the_sandbox_own_loopback_goes_past_the_proxy() -> None:
    environment = trust.environment("http://172.18.0.1:8080")
    assert environment["HTTPS_PROXY"] == environment["http_proxy"] == "http://172.18.0.1:8080"
    assert environment["NO_PROXY"] == environment["no_proxy"] == "localhost,127.0.0.1,::1"


def test_git_trusts_the_mounted_directories_by_environment_alone() -> None:
    environment = trust.environment("http://p:1")
    assert environment["GIT_CONFIG_COUNT"] == "2"
    assert {environment["GIT_CONFIG_VALUE_0"], environment["GIT_CONFIG_VALUE_1"]} == {"/work", "/mnt/workspace"}
    assert environment["GIT_CONFIG_KEY_0"] == environment["GIT_CONFIG_KEY_1"] == "safe.directory"
