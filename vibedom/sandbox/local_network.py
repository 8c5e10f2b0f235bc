"""The sandbox's network, made from inside it: `lo`, every address routed to it, and the listeners at its ports."""

import errno
import fcntl
import socket
import struct

_SIOCSIFFLAGS, _IFF_UP = 0x8914, 1
_NLM_F_REQUEST, _NLM_F_ACK, _NLM_F_REPLACE, _NLM_F_CREATE = 0x1, 0x4, 0x100, 0x400
_NLMSG_ERROR, _RTM_NEWROUTE = 2, 24
_RT_TABLE_LOCAL, _RTPROT_BOOT, _RT_SCOPE_HOST, _RTN_LOCAL = 255, 3, 254, 2
_RTA_DST, _RTA_OIF = 1, 4
_DNS, _HTTP, _HTTPS = 53, 80, 443
_BACKLOG = 1024

_ANY = {socket.AF_INET: "0.0.0.0", socket.AF_INET6: "::"}  # noqa: S104 - of a network that only the sandbox is in


def raise_loopback() -> None:
    """Bring `lo` up. The kernel gives it 127.0.0.1 and ::1."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        request = struct.pack("16sH14x", b"lo", _IFF_UP)
        fcntl.ioctl(any_socket.fileno(), _SIOCSIFFLAGS, request)


def families() -> list[socket.AddressFamily]:
    """IPv4, and IPv6 where this kernel has it switched on."""
    found = [socket.AF_INET]
    try:
        with socket.socket(socket.AF_INET6, socket.SOCK_STREAM) as trial:
            trial.bind(("::1", 0))
    except OSError:
        return found
    return [*found, socket.AF_INET6]


def route_everything_home(family: socket.AddressFamily) -> None:
    """`ip route add local 0.0.0.0/0 dev lo`: every address of the family is this host. Needs no program, no daemon."""
    _add_local_route(family, b"")
    if family == socket.AF_INET:
        # The kernel's own route would answer a question to 127.0.0.53 from 127.0.0.1, and the client drop the answer.
        _add_local_route(family, bytes([127, 0, 0, 0]), prefix=8)


def _add_local_route(family: socket.AddressFamily, destination: bytes, prefix: int = 0) -> None:
    flags = _NLM_F_REQUEST | _NLM_F_ACK | _NLM_F_CREATE | _NLM_F_REPLACE
    route = struct.pack(
        "=BBBBBBBBI", family, prefix, 0, 0, _RT_TABLE_LOCAL, _RTPROT_BOOT, _RT_SCOPE_HOST, _RTN_LOCAL, 0
    ) + struct.pack("=HHi", 8, _RTA_OIF, socket.if_nametoindex("lo"))
    if destination:
        route += struct.pack("=HH", 4 + len(destination), _RTA_DST) + destination
    message = struct.pack("=IHHII", 16 + len(route), _RTM_NEWROUTE, flags, 1, 0) + route
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, socket.NETLINK_ROUTE) as netlink:
        netlink.sendall(message)
        _check_answer(netlink.recv(4096))


def _check_answer(answer: bytes) -> None:
    _, kind, _, _, _, error = struct.unpack_from("=IHHIIi", answer)
    if kind != _NLMSG_ERROR or error:
        raise OSError(-error or errno.EPROTO, "the kernel refused the local route")


def open_listeners(proxy_port: int) -> list[tuple[str, socket.socket]]:
    """Bound sockets with their role: `proxy`, `http`, `https`, `dns_tcp`, `dns_udp`. TCP ones listen."""
    found = [("proxy", _listen(socket.AF_INET, "127.0.0.1", proxy_port))]
    for family in families():
        address = _ANY[family]
        # An answer to IPv6 leaves from ::1, whoever was asked: better no listener, and a refusal, than an answer lost.
        asked = "::1" if family == socket.AF_INET6 else address
        found += [
            ("http", _listen(family, address, _HTTP)),
            ("https", _listen(family, address, _HTTPS)),
            ("dns_tcp", _listen(family, address, _DNS)),
            ("dns_udp", _bind(family, socket.SOCK_DGRAM, asked, _DNS)),
        ]
    return found


def _listen(family: socket.AddressFamily, address: str, port: int) -> socket.socket:
    bound = _bind(family, socket.SOCK_STREAM, address, port)
    bound.listen(_BACKLOG)
    return bound


def _bind(family: socket.AddressFamily, kind: socket.SocketKind, address: str, port: int) -> socket.socket:
    # SO_REUSEADDR stays off: with it on both sides, the agent could bind a more specific address before ours.
    bound = socket.socket(family, kind)
    if family == socket.AF_INET6:
        bound.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
    bound.bind((address, port))
    return bound
