"""How a client of NATS says who it is: credentials, an nkey, a user with a password, or a token."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit


class CredentialsError(OSError):
    """A file of credentials that holds none."""


def login(
    servers: Sequence[str], *, credentials_file: str | None, nkey_file: str | None, password_file: str | None
) -> dict[str, Any]:
    """Options of nats-py. Raises `OSError` for a file that cannot be read or holds no credentials."""
    if credentials_file is not None:
        _check_seed(_text(credentials_file), beside="BEGIN NATS USER JWT")
        return {"user_credentials": credentials_file}
    if nkey_file is not None:
        _check_seed(_text(nkey_file))
        return {"nkeys_seed": nkey_file}
    user, password = _user_of(servers)
    if password_file is not None:
        password = _text(password_file)
    if user and password:
        return {"user": user, "password": password}
    return {"token": user or password} if user or password else {}


def _user_of(servers: Sequence[str]) -> tuple[str, str]:
    """User and password of the first server that has some. nats-py would send the escapes that a URL needs, too."""
    for server in servers:
        parts = urlsplit(server)
        if parts.username or parts.password:
            return unquote(parts.username or ""), unquote(parts.password or "")
    return "", ""


def _text(file: str) -> str:
    return Path(file).read_text(encoding="utf-8", errors="replace").strip()


def _check_seed(text: str, *, beside: str = "") -> None:
    """What nats-py makes of a damaged file are errors of many libraries."""
    import nkeys

    if beside not in text:
        raise CredentialsError
    seed = next((word for word in text.split() if word.startswith("SU")), "")
    try:
        nkeys.from_seed(bytearray(seed.encode()))
    except (nkeys.NkeysError, ValueError):
        raise CredentialsError from None
