"""IP addresses: which of them may be dialled without a rule that names them."""

import ipaddress

_NOT_PUBLIC_V4 = tuple(
    ipaddress.IPv4Network(network)
    for network in (
        "0.0.0.0/8",  # this network; Linux dials loopback for 0.0.0.0
        "10.0.0.0/8",
        "100.64.0.0/10",  # carrier-grade NAT; one cloud's metadata service
        "127.0.0.0/8",
        "168.63.129.16/32",  # Azure's host agent, in public address space
        "169.254.0.0/16",  # link-local; most clouds' metadata service
        "172.16.0.0/12",
        "192.0.0.0/24",
        "192.0.2.0/24",
        "192.88.99.0/24",  # 6to4 relays
        "192.168.0.0/16",
        "198.18.0.0/15",  # benchmarking; what vibedom's own resolver answers with
        "198.51.100.0/24",
        "203.0.113.0/24",
        "224.0.0.0/4",
        "240.0.0.0/4",
    )
)
_GLOBAL_V6 = ipaddress.IPv6Network("2000::/3")
_NOT_PUBLIC_V6 = tuple(
    ipaddress.IPv6Network(network)
    for network in (
        "2001::/23",  # Teredo, ORCHID and other protocol assignments
        "2001:db8::/32",
        "2002::/16",  # 6to4 carries an IPv4 address anybody can choose
        "3fff::/20",
    )
)
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")

Address = ipaddress.IPv4Address | ipaddress.IPv6Address


def parse_address(text: str) -> Address | None:
    """The address `text` stands for, IPv4 mapped into IPv6 as IPv4; None where it is none or has a zone."""
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return None
    if isinstance(address, ipaddress.IPv6Address):
        return None if address.scope_id is not None else address.ipv4_mapped or address
    return address


def is_public_address(ip: str) -> bool:
    """Whether `ip` is on the public Internet: not loopback, link-local or metadata, private, carrier NAT, multicast,
    documentation or reserved, and not one of those inside NAT64, 6to4 or mapped IPv6. False for what is no address.

    The networks are listed here because `ipaddress.is_global` means different things in different Python releases.
    """
    address = parse_address(ip)
    if address is None:
        return False
    if isinstance(address, ipaddress.IPv6Address):
        if address in _NAT64:
            return _is_public_v4(ipaddress.IPv4Address(int(address) & 0xFFFFFFFF))
        return address in _GLOBAL_V6 and not any(address in network for network in _NOT_PUBLIC_V6)
    return _is_public_v4(address)


def _is_public_v4(address: ipaddress.IPv4Address) -> bool:
    return not any(address in network for network in _NOT_PUBLIC_V4)
