"""Which addresses may be dialled without a rule."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.addresses import is_public_address, parse_address

PUBLIC = ("1.1.1.1", "8.8.8.8", "172.15.255.255", "172.32.0.1", "100.63.255.255", "2606:4700::1111", "2a00::1")
NOT_PUBLIC = {
    "loopback": ("127.0.0.1", "127.255.255.254", "::1"),
    "this host": ("0.0.0.0", "::"),
    "private": ("10.0.0.1", "172.16.0.1", "172.31.255.255", "192.168.1.1"),
    "link-local and metadata": ("169.254.169.254", "fe80::1", "168.63.129.16", "100.100.100.200", "fd00:ec2::254"),
    "unique local": ("fc00::1", "fdff::1"),
    "carrier NAT": ("100.64.0.1", "100.127.255.255"),
    "multicast": ("224.0.0.1", "239.255.255.255", "ff02::1"),
    "reserved": ("240.0.0.1", "255.255.255.255", "192.0.0.1", "198.18.0.1", "fec0::1", "4000::1"),
    "documentation": ("192.0.2.1", "198.51.100.1", "203.0.113.1", "2001:db8::1", "3fff::1"),
    "mapped": ("::ffff:127.0.0.1", "::ffff:10.0.0.1", "::ffff:169.254.169.254"),
    "IPv4-compatible": ("::127.0.0.1", "::8.8.8.8"),
    "NAT64 of private": ("64:ff9b::7f00:1", "64:ff9b::a00:1", "64:ff9b:1::808:808"),
    "6to4 and Teredo": ("2002:7f00:1::", "2002:808:808::1", "2001::1"),
    "no address": ("", "good.test", "127.1", "fe80::1%eth0", "1.2.3.4/32"),
}


@pytest.mark.parametrize("ip", PUBLIC)
def test_public_addresses_are_public(ip: str) -> None:
    assert is_public_address(ip)


@pytest.mark.parametrize("ip", [ip for ips in NOT_PUBLIC.values() for ip in ips])
def test_everything_else_is_not(ip: str) -> None:
    assert not is_public_address(ip)


def test_nat64_and_mapped_forms_follow_the_address_inside() -> None:
    assert is_public_address("64:ff9b::808:808")
    assert is_public_address("::ffff:8.8.8.8")


@given(st.ip_addresses())
def test_public_is_never_more_than_what_python_calls_global(address: object) -> None:
    ip = parse_address(str(address))
    if ip is not None and is_public_address(str(address)):
        assert ip.is_global or str(ip).startswith("64:ff9b::")
        assert not any((ip.is_loopback, ip.is_link_local, ip.is_multicast, ip.is_private, ip.is_unspecified))
