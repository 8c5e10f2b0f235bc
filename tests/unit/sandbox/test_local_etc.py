"""The `/etc` of a local sandbox."""

import datetime
import subprocess
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tests.unit.sandbox.test_trust import make_ca
from vibedom.sandbox import local_etc, trust


def ca_named(*parts: tuple[x509.ObjectIdentifier, str]) -> bytes:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(oid, text) for oid, text in parts])
    start = datetime.datetime(2025, 1, 1, tzinfo=datetime.UTC)
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    dated = builder.serial_number(1).not_valid_before(start).not_valid_after(start + datetime.timedelta(days=1))
    return dated.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)


@pytest.mark.parametrize(
    "parts",
    [
        [(NameOID.COMMON_NAME, "mitmproxy"), (NameOID.ORGANIZATION_NAME, "mitmproxy")],
        [(NameOID.COMMON_NAME, "  vibedom   Session CA ")],
        [(NameOID.ORGANIZATION_NAME, "Müller"), (NameOID.COMMON_NAME, "a" * 64)],
    ],
)
def test_a_ca_is_filed_under_the_name_openssl_looks_for(
    tmp_path: Path, parts: list[tuple[x509.ObjectIdentifier, str]]
) -> None:
    pem = ca_named(*parts)
    (tmp_path / "ca.pem").write_bytes(pem)
    asked = ["openssl", "x509", "-noout", "-subject_hash", "-in", str(tmp_path / "ca.pem")]
    assert local_etc.subject_hash(pem) == subprocess.run(asked, capture_output=True, text=True).stdout.strip()


def test_the_sessions_ca_gets_a_free_name_beside_the_roots(tmp_path: Path) -> None:
    trust.write_trust(tmp_path, make_ca()[0], trust.public_roots())
    links = local_etc.certificate_links(tmp_path)
    ours = [name for name, points_to in links.items() if points_to == trust.CA_FILE]
    assert len(ours) == 1
    assert ours[0].startswith(local_etc.subject_hash((tmp_path / "ca.pem").read_bytes()))
    assert links["ca-certificates.crt"] == trust.BUNDLE_FILE


@pytest.mark.parametrize("uid", [0, 1000])
def test_the_agents_user_and_group_have_a_name(uid: int) -> None:
    files = local_etc.written(uid, uid, "/bin/sh")
    users = [line.split(":") for line in files["/etc/passwd"].splitlines()]
    groups = [line.split(":") for line in files["/etc/group"].splitlines()]
    assert [user[0] for user in users if user[2] == str(uid)] == ["agent"]
    assert [group[0] for group in groups if group[2] == str(uid)] == ["agent"]
    assert {len(user) for user in users} == {7}
    assert {len(group) for group in groups} == {4}


def test_names_are_looked_up_at_the_sandboxs_own_loopback_only() -> None:
    files = local_etc.network_files()
    servers = [line for line in files["/etc/resolv.conf"].splitlines() if line.startswith("nameserver")]
    assert servers == ["nameserver 127.0.0.1"]


def test_no_visible_entry_can_hold_a_credential() -> None:
    secret = {"shadow", "gshadow", "ssh", "ssl/private", "ssl", "apt", "npmrc", "pip.conf", "gitconfig", "sudoers"}
    assert not secret & set(local_etc.VISIBLE)
