"""Attempts to get a packet past the rules by its shape: other protocols, other first packets, pieces."""

from vibedom.attack.attempt import REFUSED, Attempt

_GATEWAY = "own = re.search(r'//(?:[^@/]*@)?([^:/]+)', os.environ.get('HTTP_PROXY', ''))\n" + (
    "hosts = [own[1] if own else '127.0.0.1', *far['hosts']]\n"
)
"""The nearest address of the host is where the proxy is; a client is told it."""


def _everywhere(action: str) -> str:
    """Code that makes the attempt at every address of the host; all have to be refused."""
    return (
        f"{_GATEWAY}for host in hosts:\n"
        f"    try: {action}; escaped(host)\n"
        "    except OSError as exc: print(errno.errorcode.get(exc.errno, 'SLOW'))"
    )


_NO_SUCH_SOCKET = r"(EPROTONOSUPPORT|ESOCKTNOSUPPORT|EPERM|EACCES)\n"

PACKETS = (
    Attempt("other-tcp-port-of-the-gateway", _everywhere("connect(host, far['tcp'])"), rf"({REFUSED})+", True),
    Attempt(
        "other-udp-port-of-the-gateway",
        _everywhere("connect(host, far['udp'], kind=socket.SOCK_DGRAM)"),
        rf"({REFUSED})+",
        works_outside=True,
    ),
    Attempt(
        "udp-in-fragments",
        _everywhere("connect(host, far['udp'], kind=socket.SOCK_DGRAM, data=b'attack' * 1500)"),
        rf"({REFUSED}|EMSGSIZE\n)+",
        works_outside=True,
    ),
    Attempt(
        "data-in-the-first-packet",
        _everywhere("s = socket.socket(); s.sendto(b'attack', 0x20000000, (host, far['tcp'])); s.send(b'more')"),
        rf"({REFUSED}|EOPNOTSUPP\n|EPIPE\n)+",
        works_outside=True,
    ),
    Attempt(
        "multipath-tcp",
        _everywhere("s = socket.socket(socket.AF_INET, socket.SOCK_STREAM, 262); s.connect((host, far['tcp']))"),
        rf"({REFUSED}|{_NO_SUCH_SOCKET})+",
    ),
    Attempt(
        "udp-lite",
        _everywhere(
            "s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM, 136); s.connect((host, far['udp']));"
            " s.settimeout(1); s.send(b'attack'); s.recv(1)"
        ),
        rf"({REFUSED}|{_NO_SUCH_SOCKET})+",
    ),
    Attempt(
        "sctp-and-dccp",
        "for kind, protocol in ((socket.SOCK_STREAM, 132), (6, 33)):\n"
        + "\n".join(
            f"    {line}"
            for line in _everywhere(
                "s = socket.socket(socket.AF_INET, kind, protocol); s.settimeout(2); s.connect((host, far['tcp']))"
            ).splitlines()
        ),
        rf"({REFUSED}|{_NO_SUCH_SOCKET})+",
    ),
    # Not at 127.0.0.1: a sandbox may ping itself.
    Attempt(
        "ping-with-a-message",
        _everywhere(
            "s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM, 1); s.connect((host, 0)); s.settimeout(1);"
            " s.send(b'\\x08\\0\\0\\0\\0\\0\\0\\1attack'); s.recv(99)"
        ).replace("in hosts:", "in (one for one in hosts if one[:4] != '127.'):", 1),
        rf"({REFUSED})+",
    ),
)
