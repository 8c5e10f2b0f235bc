"""TLS on both sides: leaf certificates of the session's CA towards the sandbox, verified connections upstream."""

import ipaddress
from collections.abc import Callable, Collection
from pathlib import Path

from cryptography import x509
from mitmproxy import connection, tls
from mitmproxy.net import tls as net_tls
from OpenSSL import SSL

from pipeline.hosts import HostError, canonical_host
from pipeline.whitelist import HostPolicy
from vibedom.proxy.authority import Authority

LEAF_CACHE = 512
"""Leaf certificates kept; signing one costs about 0.2 ms."""
PROTOCOLS = (b"h2", b"http/1.1")
"""What is spoken here, best first (ALPN, RFC 7301)."""
NO_PARTIAL_WILDCARDS = 0x4
NEVER_CHECK_SUBJECT = 0x20
"""OpenSSL's X509_CHECK_FLAG_* of these names: as browsers do it."""


class Tls:
    """Makes the OpenSSL connections. One that it does not make fails: mitmproxy closes it."""

    def __init__(self, authority: Authority, roots: Path, policy: Callable[[], HostPolicy]) -> None:
        """`roots`: PEM file of the certificate authorities that upstream hosts are verified against."""
        self._authority = authority
        self._roots = roots
        self._policy = policy
        self._leaves: dict[str, x509.Certificate] = {}

    def start_client(self, data: tls.TlsData, tunnel_host: str | None) -> bool:
        """Offer the sandbox a certificate for the name it asked for, else for its tunnel's. False: there is none."""
        client = data.context.client
        try:
            name = canonical_host(client.sni) if client.sni else tunnel_host
        except HostError:
            return False
        if not name:
            return False
        context = net_tls.create_client_proxy_context(
            method=net_tls.Method.TLS_SERVER_METHOD,
            min_version=net_tls.DEFAULT_MIN_VERSION,
            max_version=net_tls.DEFAULT_MAX_VERSION,
            cipher_list=None,
            ecdh_curve=None,
            chain_file=None,
            alpn_select_callback=_select_protocol,
            request_client_cert=False,
            extra_chain_certs=(),
            dhparams=None,
        )
        data.ssl_conn = SSL.Connection(context)
        data.ssl_conn.use_certificate(self._leaf(name))
        data.ssl_conn.use_privatekey(self._authority.leaf_key)
        data.ssl_conn.set_accept_state()
        return True

    def start_server(self, data: tls.TlsData) -> None:
        """Connect to the host that was decided on, and to nobody else: name and chain are verified."""
        server = data.conn
        assert isinstance(server, connection.Server)  # noqa: S101
        assert server.address is not None  # noqa: S101
        host, port = server.address[0], server.address[1]
        dial = self._policy().dial(host, port)
        context = net_tls.create_proxy_server_context(
            method=net_tls.Method.TLS_CLIENT_METHOD,
            min_version=net_tls.DEFAULT_MIN_VERSION,
            max_version=net_tls.DEFAULT_MAX_VERSION,
            cipher_list=None,
            ecdh_curve=None,
            verify=net_tls.Verify.VERIFY_PEER,
            ca_path=None,
            ca_pemfile=dial.ca if dial and dial.ca else str(self._roots),
            client_cert=None,
            legacy_server_connect=False,
        )
        data.ssl_conn = SSL.Connection(context)
        _verify_name(data.ssl_conn, host)
        server.sni = host
        server.alpn_offers = server.alpn_offers or _known_protocols(data.context.client.alpn_offers)
        if server.alpn_offers:
            data.ssl_conn.set_alpn_protos(list(server.alpn_offers))
        data.ssl_conn.set_connect_state()

    def _leaf(self, name: str) -> x509.Certificate:
        leaf = self._leaves.get(name)
        if leaf is None:
            if len(self._leaves) >= LEAF_CACHE:
                self._leaves.pop(next(iter(self._leaves)))
            leaf = self._leaves[name] = self._authority.leaf([_general_name(name)])
        return leaf


def _known_protocols(offered: Collection[bytes]) -> tuple[bytes, ...]:
    """What of the client's offers is said upstream, too: the names of what is spoken here. Any others are the agent's
    own words, which nobody scrubs and no record holds, and would leave in the clear."""
    return tuple(name for name in PROTOCOLS if name in offered)


def _select_protocol(_: SSL.Connection, offered: list[bytes]) -> object:
    """The newest HTTP version that the client offers, in whatever order (httpx names the oldest first); nothing else
    is spoken here."""
    return next((name for name in PROTOCOLS if name in offered), SSL.NO_OVERLAPPING_PROTOCOLS)


def _general_name(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def _verify_name(conn: SSL.Connection, host: str) -> None:
    """Make the handshake fail unless the certificate is for `host`. pyOpenSSL has no public call for it."""
    param = SSL._lib.SSL_get0_param(conn._ssl)  # type: ignore[attr-defined]
    SSL._lib.X509_VERIFY_PARAM_set_hostflags(param, NO_PARTIAL_WILDCARDS | NEVER_CHECK_SUBJECT)  # type: ignore[attr-defined]
    try:
        packed = ipaddress.ip_address(host).packed
    except ValueError:
        name = host.encode("ascii")
        conn.set_tlsext_host_name(name)
        is_set = SSL._lib.X509_VERIFY_PARAM_set1_host(param, name, len(name))  # type: ignore[attr-defined]
    else:
        is_set = SSL._lib.X509_VERIFY_PARAM_set1_ip(param, packed, len(packed))  # type: ignore[attr-defined]
    SSL._openssl_assert(is_set == 1)
