"""The lockdown: which packets a network namespace lets out, as rules for iptables-restore and ip6tables-restore.

The agent's attempts are rejected, not dropped: a client that is refused at once says so, one that is dropped hangs.
"""

from collections.abc import Mapping
from ipaddress import IPv4Address
from pathlib import Path

import msgspec

ENGINE_RESOLVER = "127.0.0.11"
"""Docker's resolver inside every container: it asks the outside, so it is closed."""

READY = "vibedom: locked"
"""The line the holder prints once every rule stands."""

TESTED = "vibedom: tested"
"""The line after the self-test's, once each of its attempts has ended."""

FAILED = "vibedom: not locked"
"""How the holder's last line starts where a rule could not be set."""


class Lockdown(msgspec.Struct, frozen=True, kw_only=True):
    """The only places a sandbox can reach: five ports of the gateway."""

    gateway: str
    """IPv4 address where the listeners are; also the default route."""
    proxy: int
    http: int
    https: int
    dns_udp: int
    dns_tcp: int

    def __post_init__(self) -> None:
        IPv4Address(self.gateway)
        for port in (*self.tcp_ports, self.dns_udp):
            if not 0 < port < 65536:
                raise ValueError(f"port {port} is not between 1 and 65535")

    @property
    def tcp_ports(self) -> tuple[int, int, int, int]:
        return (self.proxy, self.http, self.https, self.dns_tcp)

    def ipv4_rules(self) -> str:
        """Input of `iptables-restore`: the whole of the tables filter and nat."""
        return "\n".join([*self._filter(), *self._nat(), ""])

    def _filter(self) -> list[str]:
        return [
            "*filter",
            ":INPUT DROP [0:0]",
            ":FORWARD DROP [0:0]",
            ":OUTPUT DROP [0:0]",
            "-A INPUT -i lo -j ACCEPT",
            "-A INPUT -m conntrack --ctstate ESTABLISHED -j ACCEPT",
            "-A INPUT -p icmp -m conntrack --ctstate RELATED -j ACCEPT",
            f"-A OUTPUT -d {ENGINE_RESOLVER}/32 -p tcp -j REJECT --reject-with tcp-reset",
            f"-A OUTPUT -d {ENGINE_RESOLVER}/32 -j REJECT --reject-with icmp-port-unreachable",
            "-A OUTPUT -o lo -j ACCEPT",
            *(f"-A OUTPUT -d {self.gateway}/32 -p tcp --dport {port} -j ACCEPT" for port in self.tcp_ports),
            f"-A OUTPUT -d {self.gateway}/32 -p udp --dport {self.dns_udp} -j ACCEPT",
            "-A OUTPUT -p tcp -j REJECT --reject-with tcp-reset",
            "-A OUTPUT -j REJECT --reject-with icmp-admin-prohibited",
            "COMMIT",
        ]

    def _nat(self) -> list[str]:
        """What goes out by `lo` is the sandbox's own: its localhost:80 is never redirected."""
        redirections = (
            ("tcp", 80, self.http),
            ("tcp", 443, self.https),
            ("tcp", 53, self.dns_tcp),
            ("udp", 53, self.dns_udp),
        )
        return [
            "*nat",
            ":PREROUTING ACCEPT [0:0]",
            ":INPUT ACCEPT [0:0]",
            ":OUTPUT ACCEPT [0:0]",
            ":POSTROUTING ACCEPT [0:0]",
            "-A OUTPUT -o lo -j RETURN",
            *(
                f"-A OUTPUT -p {protocol} --dport {port} -j DNAT --to-destination {self.gateway}:{listener}"
                for protocol, port, listener in redirections
            ),
            "COMMIT",
        ]

    def ipv6_rules(self) -> str:
        """Input of `ip6tables-restore`: nothing but the sandbox's own loopback."""
        return "\n".join(
            [
                "*filter",
                ":INPUT DROP [0:0]",
                ":FORWARD DROP [0:0]",
                ":OUTPUT DROP [0:0]",
                "-A INPUT -i lo -j ACCEPT",
                "-A OUTPUT -o lo -j ACCEPT",
                "-A OUTPUT -p tcp -j REJECT --reject-with tcp-reset",
                "-A OUTPUT -j REJECT --reject-with icmp6-adm-prohibited",
                "COMMIT",
                "",
            ]
        )

    def environment(self) -> Mapping[str, str]:
        """What `lockdown.sh` reads; it is part of the holder's configuration, so each start sets the same rules."""
        return {
            "VIBEDOM_GATEWAY": self.gateway,
            "VIBEDOM_RULES4": self.ipv4_rules(),
            "VIBEDOM_RULES6": self.ipv6_rules(),
        }


def script() -> str:
    """The holder's entry point, POSIX sh; needs iptables, ip6tables, ip and setpriv."""
    return Path(__file__).with_name("image").joinpath("lockdown.sh").read_text("utf-8")
