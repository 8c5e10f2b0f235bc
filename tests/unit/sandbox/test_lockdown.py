"""lockdown: default drop for both families, five ports of the gateway, the sandbox's own loopback untouched."""

import subprocess
from ipaddress import AddressValueError

import pytest

from vibedom.sandbox import lockdown
from vibedom.sandbox.lockdown import Lockdown

RULES = Lockdown(gateway="172.18.0.1", proxy=8001, http=8002, https=8003, dns_udp=8004, dns_tcp=8005)


def test_every_chain_of_both_families_drops_by_default() -> None:
    for rules in (RULES.ipv4_rules(), RULES.ipv6_rules()):
        for chain in ("INPUT", "FORWARD", "OUTPUT"):
            assert f":{chain} DROP [0:0]" in rules.splitlines()


def test_only_the_gateway_and_the_loopback_are_accepted() -> None:
    accepted = [line for line in RULES.ipv4_rules().splitlines() if line.startswith("-A OUTPUT") and "ACCEPT" in line]
    assert accepted == [
        "-A OUTPUT -o lo -j ACCEPT",
        "-A OUTPUT -d 172.18.0.1/32 -p tcp --dport 8001 -j ACCEPT",
        "-A OUTPUT -d 172.18.0.1/32 -p tcp --dport 8002 -j ACCEPT",
        "-A OUTPUT -d 172.18.0.1/32 -p tcp --dport 8003 -j ACCEPT",
        "-A OUTPUT -d 172.18.0.1/32 -p tcp --dport 8005 -j ACCEPT",
        "-A OUTPUT -d 172.18.0.1/32 -p udp --dport 8004 -j ACCEPT",
    ]


def test_the_engine_resolver_is_refused_before_the_loopback_is_accepted() -> None:
    lines = RULES.ipv4_rules().splitlines()
    loopback = lines.index("-A OUTPUT -o lo -j ACCEPT")
    resolver = [number for number, line in enumerate(lines) if "127.0.0.11/32" in line]
    assert len(resolver) == 2
    assert max(resolver) < loopback


def test_nothing_of_ipv6_but_the_loopback_is_accepted() -> None:
    accepted = [line for line in RULES.ipv6_rules().splitlines() if line.endswith("ACCEPT")]
    assert accepted == ["-A INPUT -i lo -j ACCEPT", "-A OUTPUT -o lo -j ACCEPT"]


def test_filter_is_restored_before_nat() -> None:
    lines = RULES.ipv4_rules().splitlines()
    assert lines.index("*filter") < lines.index("COMMIT") < lines.index("*nat")


def test_the_own_loopback_is_never_redirected() -> None:
    nat = RULES.ipv4_rules().split("*nat\n")[1].splitlines()
    rules = [line for line in nat if line.startswith("-A")]
    assert rules[0] == "-A OUTPUT -o lo -j RETURN"
    assert len(rules) == 5


@pytest.mark.parametrize("gateway", ["172.18.0.1; reboot", "::1", "gateway", "172.18.0.1/8"])
def test_a_gateway_that_is_no_ipv4_address_is_refused(gateway: str) -> None:
    with pytest.raises(AddressValueError):
        Lockdown(gateway=gateway, proxy=1, http=2, https=3, dns_udp=4, dns_tcp=5)


@pytest.mark.parametrize("port", [0, 65536, -1])
def test_a_port_out_of_range_is_refused(port: int) -> None:
    with pytest.raises(ValueError, match="between 1 and 65535"):
        Lockdown(gateway="172.18.0.1", proxy=1, http=2, https=3, dns_udp=port, dns_tcp=5)


def test_the_entry_point_is_valid_posix_shell_and_gives_up_its_capabilities() -> None:
    text = lockdown.script()
    subprocess.run(["sh", "-n"], input=text, text=True, check=True)
    # Once it says that the rules stand nothing runs with a capability any more.
    last = text.partition(f'echo "{lockdown.READY}"\n')[2]
    commands = [line for line in last.splitlines() if not line.startswith("#")]
    assert commands[0].startswith("exec setpriv --no-new-privs --inh-caps=-all --bounding-set=-all bash -c ")
    assert commands[1:] == [f"echo '{lockdown.TESTED}'", 'exec sleep 2147483647"']
    assert lockdown.FAILED in text
