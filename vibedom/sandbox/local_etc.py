"""The `/etc` of a local sandbox: what is shown of the host's, and the files written for the agent."""

import hashlib
import os
from pathlib import Path

from cryptography import x509
from cryptography.x509.oid import NameOID

from vibedom.sandbox.runtime import HOME_MOUNT
from vibedom.sandbox.trust import BUNDLE_FILE, CA_FILE, CA_NAME

AGENT = "agent"
"""Name of the agent's user and group in the sandbox."""
HOSTNAME = "vibedom"

VISIBLE = (
    "ImageMagick-6",
    "ImageMagick-7",
    "X11",
    "alternatives",
    "bash.bashrc",
    "bash_completion.d",
    "crypto-policies",
    "debian_version",
    "default/locale",
    "environment.d",
    "fonts",
    "gai.conf",
    "ghostscript",
    "groff",
    "host.conf",
    "inputrc",
    "java",
    "java-11-openjdk",
    "java-17-openjdk",
    "java-21-openjdk",
    "ld.so.cache",
    "ld.so.conf",
    "ld.so.conf.d",
    "locale.alias",
    "locale.conf",
    "localtime",
    "lsb-release",
    "magic",
    "magic.mime",
    "mailcap",
    "manpath.config",
    "mime.types",
    "networks",
    "openal",
    "os-release",
    "perl",
    "profile",
    "profile.d",
    "protocols",
    "python3",
    "python3.11",
    "python3.12",
    "python3.13",
    "rpc",
    "sensors3.conf",
    "services",
    "shells",
    "skel",
    "ssl/openssl.cnf",
    "terminfo",
    "timezone",
    "vim",
    "xattr.conf",
    "xml",
    "sgml",
)
"""What tools need, and nothing that can hold a credential: no apt, npm, pip, ssh, git or shadow files."""

CERTIFICATES = "/etc/ssl/certs"
"""Where OpenSSL looks for a root by the hash of its name."""


def written(uid: int, gid: int, shell: str) -> dict[str, str]:
    """Target -> text of the files made for the agent."""
    return {
        "/etc/passwd": "\n".join(
            (
                *(() if uid == 0 else ("root:x:0:0:root:/nonexistent:/usr/sbin/nologin",)),
                f"{AGENT}:x:{uid}:{gid}:{AGENT}:{HOME_MOUNT}:{shell}",
                "nobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin",
                "",
            )
        ),
        "/etc/group": "\n".join((*(() if gid == 0 else ("root:x:0:",)), f"{AGENT}:x:{gid}:", "nogroup:x:65534:", "")),
        **network_files(),
    }


def network_files() -> dict[str, str]:
    """Target -> text of the files that make names lead to the resolver at port 53 of the sandbox's own loopback."""
    return {
        "/etc/hostname": f"{HOSTNAME}\n",
        "/etc/hosts": f"127.0.0.1 localhost {HOSTNAME}\n::1 localhost ip6-localhost\n",
        "/etc/resolv.conf": "nameserver 127.0.0.1\noptions timeout:2 attempts:2\n",
        "/etc/nsswitch.conf": "passwd: files\ngroup: files\nshadow: files\nhosts: files dns\nservices: files\n"
        "protocols: files\nnetworks: files\nethers: files\nrpc: files\n",
    }


def certificate_links(trust: Path) -> dict[str, str]:
    """Name in `CERTIFICATES` -> where it points: the host's roots as OpenSSL reads them, and the session's CA.

    Clients that are started without the sandbox's environment (`env -i`) look here.
    """
    links = {"ca-certificates.crt": BUNDLE_FILE}
    if os.path.isdir(CERTIFICATES):
        for entry in os.scandir(CERTIFICATES):
            if entry.is_symlink():
                links.setdefault(entry.name, os.readlink(entry.path))
    links[_free_name(links, subject_hash((trust / CA_NAME).read_bytes()))] = CA_FILE
    return links


def _free_name(taken: dict[str, str], hashed: str) -> str:
    """`HASH.N`, the first N that no other certificate of the same hash has."""
    number = 0
    while f"{hashed}.{number}" in taken:
        number += 1
    return f"{hashed}.{number}"


def subject_hash(pem: bytes) -> str:
    """The name under which OpenSSL looks for a CA in a directory, as `openssl x509 -subject_hash` prints it.

    It is SHA-1 over the name with its text in lower case, spaces folded and encoded as UTF-8. A CA whose name has
    a country is not found this way: its text has another type.
    """
    subject = x509.load_pem_x509_certificate(pem).subject
    folded = x509.Name(
        x509.RelativeDistinguishedName(
            x509.NameAttribute(part.oid, _fold(part) if isinstance(part.value, str) else part.value) for part in rdn
        )
        for rdn in subject.rdns
    )
    sequence = folded.public_bytes()
    header = 2 + (sequence[1] & 0x7F if sequence[1] & 0x80 else 0)
    digest = hashlib.sha1(sequence[header:], usedforsecurity=False).digest()
    return digest[:4][::-1].hex()


def _fold(part: x509.NameAttribute[str | bytes]) -> str:
    text = str(part.value)
    return text if part.oid == NameOID.COUNTRY_NAME else " ".join(text.split()).lower()
