"""Host names: the one canonicaliser every host goes through, whether a client, a server name or a rule said it."""

import ipaddress
import re
from functools import lru_cache

import idna

from pipeline.addresses import is_public_address as is_public_address
from pipeline.events import Reason

MAX_RAW_LENGTH = 1024
"""Characters; anything longer is refused before it costs time."""
MAX_NAME_LENGTH = 253
MAX_REMEMBERED = 256
"""Hosts whose one spelling is known: a flow asks for the same one three times."""
_UNICODE_DOTS = str.maketrans("\u3002\uff0e\uff61", "...")
_LABEL = re.compile(r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?")
_PORT = re.compile(r"[1-9][0-9]{0,4}")
_NUMBER = re.compile(r"[0-9]+|0x[0-9a-f]*")
_IPV4 = re.compile(r"(?:(?:0|[1-9][0-9]{0,2})\.){3}(?:0|[1-9][0-9]{0,2})")


class HostError(ValueError):
    """No canonical form: the text is not a host. Its message never repeats the text."""

    reason: Reason = "bad-host"


class PortError(HostError):
    """The port is not a number from 1 to 65535."""

    reason: Reason = "bad-port"


@lru_cache(MAX_REMEMBERED)
def canonical_host(raw: str | bytes) -> str:
    """The one spelling of a host: lower case, no trailing dot, IDNA to ASCII, IP literals in their shortest form.

    IPv6 comes without brackets, IPv4 mapped into IPv6 as IPv4. Raises `HostError` for everything a resolver could read
    in two ways: octal, hex and short IPv4, control characters, blanks, `%`, `@`, `\\`, empty or over-long labels.
    """
    text = _text(raw)
    if text.startswith("[") or ":" in text:
        return _ipv6(text)
    name = _ascii_name(text)
    if name.endswith("."):
        name = name[:-1]
    labels = name.split(".")
    if _NUMBER.fullmatch(labels[-1]):
        return _ipv4(name)
    if len(name) > MAX_NAME_LENGTH or not all(_LABEL.fullmatch(label) for label in labels):
        raise HostError("not a host name: labels are 1-63 letters, digits, hyphens or underscores, 253 in all")
    return name


def split_authority(raw: str | bytes) -> tuple[str, int | None]:
    """Canonical host and port of `host`, `host:port`, `[v6]` or `[v6]:port`; the port is None where there is none.

    Raises `HostError` (`PortError` for the port alone). User information is refused, and so is IPv6 without brackets.
    """
    text = _text(raw)
    host, colon, port = text.rpartition(":")
    if not colon or text.endswith("]"):
        host, port = text, ""
    if ":" in host and not host.startswith("["):
        raise HostError("not an authority: IPv6 addresses are written in brackets")
    return canonical_host(host), parse_port(port) if port else None


def parse_port(text: str) -> int:
    """A port in plain decimal, 1-65535. Raises `PortError`."""
    if not _PORT.fullmatch(text) or int(text) > 65535:
        raise PortError("not a port: write a number from 1 to 65535")
    return int(text)


def is_ip_literal(host: str) -> bool:
    """Whether a canonical host is an address."""
    return ":" in host or _IPV4.fullmatch(host) is not None


def _text(raw: str | bytes) -> str:
    if len(raw) > MAX_RAW_LENGTH:
        raise HostError("not a host: too long")
    if isinstance(raw, str):
        return raw
    try:
        return raw.decode()
    except UnicodeDecodeError:
        raise HostError("not a host: not UTF-8") from None


def _ascii_name(text: str) -> str:
    dotted = text.translate(_UNICODE_DOTS)
    if dotted.isascii():
        return dotted.lower()
    try:
        return idna.encode(dotted, uts46=True, std3_rules=True).decode().lower()
    except UnicodeError:  # idna.IDNAError is one
        raise HostError("not a host name: it has no IDNA form") from None


def _ipv4(name: str) -> str:
    """Only four plain decimal parts: every other form is read differently by different resolvers."""
    if not _IPV4.fullmatch(name) or any(int(part) > 255 for part in name.split(".")):
        raise HostError("not an IPv4 address: write four decimal numbers without leading zeros")
    return name


def _ipv6(text: str) -> str:
    if text.startswith("[") and text.endswith("]"):
        text = text[1:-1]
    if "%" in text or not text.isascii():
        raise HostError("not an IPv6 address: zones and non-ASCII are refused")
    try:
        address = ipaddress.IPv6Address(text)
    except ValueError:
        raise HostError("not an IPv6 address") from None
    return str(address.ipv4_mapped or address.compressed)
