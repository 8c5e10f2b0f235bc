"""A server's host key: whether it has signed something."""

import base64

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256, SHA384, SHA512, HashAlgorithm
from cryptography.hazmat.primitives.serialization import load_ssh_public_key

from vibedom.ssh.wire import Reader, WireError

_RSA_HASHES: dict[bytes, type[HashAlgorithm]] = {b"rsa-sha2-256": SHA256, b"rsa-sha2-512": SHA512}
_CURVES: dict[bytes, type[HashAlgorithm]] = {
    b"ecdsa-sha2-nistp256": SHA256,
    b"ecdsa-sha2-nistp384": SHA384,
    b"ecdsa-sha2-nistp521": SHA512,
}


def has_signed(blob: bytes, signature: bytes, data: bytes) -> bool:
    """Whether `signature` (algorithm and value, as SSH writes them) over `data` is by the key `blob`.

    False for keys and algorithms that are not understood: certificates, DSA, RSA with SHA-1.
    """
    try:
        kind = Reader(blob).string()
        key = load_ssh_public_key(kind + b" " + base64.b64encode(blob))
        reader = Reader(signature)
        algorithm, value = reader.string(), reader.string()
        reader.end()
        return _verify(key, algorithm, value, data)
    except (WireError, ValueError, UnsupportedAlgorithm, InvalidSignature):
        return False


def _verify(key: object, algorithm: bytes, value: bytes, data: bytes) -> bool:
    if isinstance(key, ed25519.Ed25519PublicKey) and algorithm == b"ssh-ed25519":
        key.verify(value, data)
    elif isinstance(key, rsa.RSAPublicKey) and algorithm in _RSA_HASHES:
        key.verify(value, data, padding.PKCS1v15(), _RSA_HASHES[algorithm]())
    elif isinstance(key, ec.EllipticCurvePublicKey) and algorithm in _CURVES:
        reader = Reader(value)
        key.verify(encode_dss_signature(reader.mpint(), reader.mpint()), data, ec.ECDSA(_CURVES[algorithm]()))
    else:
        return False
    return True
