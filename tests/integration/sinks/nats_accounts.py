"""An operator, an account and a user of NATS, as its tools make them: what a `.creds` file is for."""

import base64
import json
import secrets
import time
from pathlib import Path
from typing import Any

import nkeys

_UNLIMITED = {"subs": -1, "data": -1, "payload": -1, "imports": -1, "exports": -1, "conn": -1, "leaf": -1}
_STORAGE = {"mem_storage": -1, "disk_storage": -1, "streams": -1, "consumer": -1}


def with_accounts(directory: Path) -> tuple[str, Path]:
    """The lines of a server's configuration, and the credentials of a user who may use JetStream."""
    operator, system, account, user = (
        _pair(kind)
        for kind in (
            nkeys.PREFIX_BYTE_OPERATOR,
            nkeys.PREFIX_BYTE_ACCOUNT,
            nkeys.PREFIX_BYTE_ACCOUNT,
            nkeys.PREFIX_BYTE_USER,
        )
    )
    of_system = _token(system, operator, "account", {"limits": _UNLIMITED})
    of_account = _token(account, operator, "account", {"limits": _UNLIMITED | _STORAGE})
    of_operator = _token(operator, operator, "operator", {"system_account": _public(system)})
    lines = (
        f"operator: {of_operator}\nsystem_account: {_public(system)}\nresolver: MEMORY\n"
        f"resolver_preload: {{ {_public(system)}: {of_system}, {_public(account)}: {of_account} }}\n"
    )
    of_user = _token(user, account, "user", {"subs": -1, "data": -1, "payload": -1})
    credentials = directory / "user.creds"
    credentials.write_text(
        f"-----BEGIN NATS USER JWT-----\n{of_user}\n------END NATS USER JWT------\n\n"
        f"-----BEGIN USER NKEY SEED-----\n{bytes(user.seed).decode()}\n------END USER NKEY SEED------\n"
    )
    return lines, credentials


def with_nkey(directory: Path) -> tuple[str, Path]:
    """The public key of a user, and the file with its seed."""
    user = _pair(nkeys.PREFIX_BYTE_USER)
    file = directory / "user.nk"
    file.write_bytes(bytes(user.seed) + b"\n")
    return _public(user), file


def _pair(kind: int) -> Any:
    return nkeys.from_seed(nkeys.encode_seed(secrets.token_bytes(32), kind))


def _public(pair: Any) -> str:
    return bytes(pair.public_key).decode()


def _token(subject: Any, issuer: Any, kind: str, claims: dict[str, Any]) -> str:
    body = {
        "jti": secrets.token_hex(8),
        "iat": int(time.time()),
        "iss": _public(issuer),
        "name": kind,
        "sub": _public(subject),
        "nats": {**claims, "type": kind, "version": 2},
    }
    parts = [_text(json.dumps(part).encode()) for part in ({"typ": "JWT", "alg": "ed25519-nkey"}, body)]
    return ".".join([*parts, _text(issuer.sign(".".join(parts).encode()))])


def _text(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
