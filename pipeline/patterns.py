"""Host patterns: how one line of the whitelist is read, what it matches, and how specific it is.

api.github.com                    that host, ports 80 and 443
*.github.com                      every subdomain at any depth, not github.com itself
192.0.2.10:1234  [2001:db8::1]:8443  10.0.0.0/8       addresses, ports, networks; `:*` is any port
GET,HEAD api.github.com/repos/**  methods and a path: `*` one segment, `**` any number, `/` at the end all below
"""

import ipaddress
import re

import msgspec

from pipeline.addresses import parse_address
from pipeline.hosts import HostError, canonical_host, is_ip_literal, parse_port
from pipeline.path_rule import PathRule, PathRuleError, parse_path

DEFAULT_PORTS = (80, 443)
_METHODS = re.compile(r"[A-Z][A-Z-]*(?:,[A-Z][A-Z-]*)*")
_SCHEME = re.compile(r"[a-z][a-z0-9+.-]*://", re.IGNORECASE)
_PREFIX_LENGTH = re.compile(r"/[0-9]{1,3}")

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


class PatternError(ValueError):
    """A line that is no pattern; its message says what to write instead."""


class Pattern(msgspec.Struct, frozen=True, kw_only=True):
    """One rule: a host with optional port, methods and path. Exactly one of `host` and `network` is set."""

    text: str
    """As written, trimmed."""
    source: str = ""
    """`trusted_domains.txt:12`."""
    host: str = ""
    """Canonical name or address; for a wildcard the part after `*.`, "" for `*` alone."""
    is_wildcard: bool = False
    network: Network | None = None
    port: int | None = None
    """None: 80 and 443 for a rule that allows, every port for one that denies."""
    is_any_port: bool = False
    methods: tuple[str, ...] = ()
    """Upper case; empty is every method."""
    path: PathRule | None = None

    @property
    def label(self) -> str:
        """Source and text, as explanations and records show them."""
        return f"{self.source} {self.text}".strip()

    @property
    def specificity(self) -> tuple[int, int, bool, tuple[int, bool], bool]:
        """Greater is more specific: host, then port, then path, then methods."""
        return (*self._host_specificity, self.port is not None, self._path_specificity, bool(self.methods))

    @property
    def _host_specificity(self) -> tuple[int, int]:
        if self.network is not None:
            return 1, self.network.prefixlen
        if self.is_wildcard:
            return (1, self.host.count(".") + 1) if self.host else (0, 0)
        return 2, 0

    @property
    def _path_specificity(self) -> tuple[int, bool]:
        return self.path.specificity if self.path else (0, False)

    @property
    def example_host(self) -> str:
        """A host the pattern matches."""
        if self.network is not None:
            return str(self.network.network_address)
        return f"x.{self.host}".rstrip(".") if self.is_wildcard else self.host

    def matches_host(self, host: str) -> bool:
        """Whether a canonical host is meant, whatever the port."""
        if self.network is not None:
            address = parse_address(host)
            return address is not None and address in self.network
        if self.is_wildcard:
            return not self.host or (host.endswith("." + self.host) and not is_ip_literal(host))
        return host == self.host

    def allows_port(self, port: int) -> bool:
        """Whether a rule that allows covers the port."""
        return self.is_any_port or (port in DEFAULT_PORTS if self.port is None else port == self.port)

    def denies_port(self, port: int) -> bool:
        """Whether a rule that denies covers the port."""
        return self.port is None or port == self.port

    def covers_method(self, method: str) -> bool:
        return not self.methods or method in self.methods


def parse_pattern(text: str, *, source: str = "") -> Pattern:
    """Read one pattern. Raises `PatternError`: what is wrong and what to write, in one line without the source."""
    trimmed = text.strip()
    methods, rest = _split_methods(trimmed)
    if _SCHEME.match(rest):
        raise PatternError(f"a scheme is not part of a pattern: write {_SCHEME.sub('', rest).partition('/')[0]!r}")
    authority, path = _split_path(rest)
    network = _network(rest)
    if network is not None:
        return Pattern(text=trimmed, source=source, network=network, methods=methods)
    host, port_text = _split_port(authority)
    name, is_wildcard = _host(host)
    return Pattern(
        text=trimmed,
        source=source,
        host=name,
        is_wildcard=is_wildcard,
        port=None if port_text in ("", "*") else _port(port_text),
        is_any_port=port_text == "*",
        methods=methods,
        path=_path(path) if path else None,
    )


def _split_methods(text: str) -> tuple[tuple[str, ...], str]:
    parts = text.split()
    if len(parts) == 1:
        return (), parts[0]
    if len(parts) != 2 or not _METHODS.fullmatch(parts[0]):
        raise PatternError("write 'host', or 'METHOD host/path' with methods in upper case, separated by commas")
    return tuple(parts[0].split(",")), parts[1]


def _split_path(text: str) -> tuple[str, str]:
    authority, slash, path = text.partition("/")
    return authority, slash + path


def _network(text: str) -> Network | None:
    authority, length = _split_path(text)
    address = authority[1:-1] if authority.startswith("[") and authority.endswith("]") else authority
    if not _PREFIX_LENGTH.fullmatch(length) or parse_address(address) is None:
        return None
    try:
        return ipaddress.ip_network(address + length)
    except ValueError:
        raise PatternError(f"not a network: {text!r} has host bits set or a wrong length") from None


def _split_port(authority: str) -> tuple[str, str]:
    if parse_address(authority) is not None:
        return authority, ""
    host, colon, port = authority.rpartition(":")
    if not colon or authority.endswith("]"):
        return authority, ""
    if not port:
        raise PatternError("the port after ':' is missing")
    return host, port


def _port(text: str) -> int:
    try:
        return parse_port(text)
    except HostError as error:
        raise PatternError(str(error)) from None


def _host(text: str) -> tuple[str, bool]:
    if text == "*":
        return "", True
    if text.startswith("."):
        raise PatternError(f"write '*{text}' for the subdomains, {text[1:]!r} for the host itself, or a line for each")
    is_wildcard = text.startswith("*.")
    try:
        name = canonical_host(text[2:] if is_wildcard else text)
    except HostError as error:
        raise PatternError(f"{text!r} is {error}") from None
    if is_wildcard and is_ip_literal(name):
        raise PatternError(f"{text!r}: an address has no subdomains, write a network such as 10.0.0.0/8")
    return name, is_wildcard


def _path(text: str) -> PathRule:
    try:
        return parse_path(text)
    except PathRuleError as error:
        raise PatternError(str(error)) from None
