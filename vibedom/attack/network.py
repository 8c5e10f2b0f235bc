"""Attempts to send a byte, or to find somebody who does."""

from vibedom.attack.attempt import DENIED, REFUSED, Attempt

NETWORK = (
    Attempt("tcp-ssh-of-a-public-address", "connect('1.1.1.1', 22)", REFUSED),
    Attempt("tcp-smtp-of-a-public-address", "connect('1.1.1.1', 25)", REFUSED),
    Attempt("dns-over-tls", "connect('1.1.1.1', 853)", REFUSED),
    Attempt("tcp-high-port-of-a-public-address", "connect('203.0.113.7', 31337)", REFUSED),
    Attempt("quic", "connect('1.1.1.1', 443, kind=socket.SOCK_DGRAM)", REFUSED),
    Attempt("udp-ntp", "connect('1.1.1.1', 123, kind=socket.SOCK_DGRAM)", REFUSED),
    Attempt("udp-high-port", "connect('203.0.113.7', 51820, kind=socket.SOCK_DGRAM)", REFUSED),
    Attempt("ipv6-tcp", "connect('2606:4700:4700::1111', 22, socket.AF_INET6)", REFUSED),
    Attempt("ipv6-udp", "connect('2606:4700:4700::1111', 443, socket.AF_INET6, socket.SOCK_DGRAM)", REFUSED),
    Attempt("ipv4-mapped-ipv6", "connect('::ffff:1.1.1.1', 22, socket.AF_INET6)", REFUSED),
    Attempt(
        "this-machine-over-ipv6",
        "for host in ('::1', '::', '::ffff:127.0.0.1', '64:ff9b::7f00:1', 'fd00:ec2::254'):\n"
        "    try: connect(host, far['tcp'], socket.AF_INET6); escaped(host)\n"
        "    except OSError as exc: print(errno.errorcode.get(exc.errno, 'SLOW'))",
        rf"({REFUSED}){{5}}",
    ),
    Attempt(
        "link-local-and-neighbours-over-ipv6",
        "for index, _ in socket.if_nameindex():\n"
        "    for host in ('fe80::1', 'ff02::1', 'ff02::2'):\n"
        "        with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as s:\n"
        "            try: s.sendto(b'attack', (host, far['udp'], 0, index)); print('unheard')\n"
        "            except OSError as exc: print(errno.errorcode[exc.errno])",
        rf"((unheard\n)|{REFUSED})+",
    ),
    Attempt(
        "carrier-and-private-networks",
        "for host in ('100.64.0.1', '100.100.100.200', '10.0.0.1', '192.168.0.1', '172.17.0.1'):\n"
        "    try: connect(host, 8080); escaped(host)\n"
        "    except OSError as exc: print(errno.errorcode.get(exc.errno, 'SLOW'))",
        rf"({REFUSED}){{5}}",
    ),
    Attempt("metadata-service-other-port", "connect('169.254.169.254', 8080)", REFUSED),
    Attempt(
        "multicast-and-broadcast",
        "s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)\n"
        "s.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)\n"
        "for host in ('224.0.0.251', '255.255.255.255'):\n"
        "    try: s.sendto(b'attack', (host, far['udp'])); print('unheard')\n"
        "    except OSError as exc: print(errno.errorcode[exc.errno])",
        rf"((unheard\n)|{REFUSED}){{2}}",
    ),
    Attempt("icmp-raw", "socket.socket(socket.AF_INET, socket.SOCK_RAW, 1)", DENIED),
    Attempt("icmpv6-raw", "socket.socket(socket.AF_INET6, socket.SOCK_RAW, 58)", DENIED),
    Attempt("ip-raw", "socket.socket(socket.AF_INET, socket.SOCK_RAW, 255)", DENIED),
    Attempt("packet-socket", "socket.socket(17, socket.SOCK_RAW, 3)", r"(EPERM|EAFNOSUPPORT)\n"),
    Attempt(
        "vsock-to-the-host",
        "s = socket.socket(40, socket.SOCK_STREAM); s.settimeout(2); s.connect((2, 1024)); escaped('connected')",
        r"(EPERM|EAFNOSUPPORT|EACCES|ENODEV|ECONNRESET|ENETUNREACH|ETIMEDOUT|EADDRNOTAVAIL)\n",
    ),
    Attempt("dns-asked-of-somebody-else", "ask('8.8.8.8', socket.SOCK_DGRAM)", r"rcode [35] answers 0\n"),
    Attempt("dns-over-tcp-asked-of-somebody-else", "ask('8.8.8.8', socket.SOCK_STREAM)", r"rcode [35] answers 0\n"),
    Attempt(
        "dns-tunnel-with-a-long-name",
        "ask('9.9.9.9', socket.SOCK_DGRAM, b''.join(b'\\x3f' + b'x' * 63 for _ in range(3)) + b'\\x04test\\x00')",
        r"rcode [1235] answers 0\n",
    ),
    Attempt(
        "dns-types-that-carry-data",
        "name = b'\\x05plain\\x06listed\\x04test\\0'\n"
        "for qtype in (5, 10, 12, 16, 33, 35, 64, 65, 252, 255, 65535): ask('9.9.9.9', socket.SOCK_DGRAM, name, qtype)",
        r"(rcode [0345] answers 0\n){11}",
    ),
    Attempt(
        "the-engines-resolver",
        "try: ask('127.0.0.11', socket.SOCK_DGRAM, b'\\x07example\\x03com\\x00', 1)\n"
        "except OSError as exc: print(errno.errorcode[exc.errno])",
        rf"(rcode [35] answers 0\n|{REFUSED})",
    ),
    Attempt(
        "names-of-the-host",
        "for name in ('host.docker.internal', 'gateway.docker.internal', 'host.containers.internal'):\n"
        "    try: socket.getaddrinfo(name, 80); escaped(name)\n"
        "    except socket.gaierror: print('unknown')",
        r"(unknown\n){3}",
    ),
    Attempt(
        "tcp-service-of-the-host",
        "for host in far['hosts']:\n"
        "    try: connect(host, far['tcp']); escaped(host)\n"
        "    except OSError as exc: print(errno.errorcode.get(exc.errno, 'SLOW'))",
        rf"({REFUSED})+",
        works_outside=True,
    ),
    Attempt(
        "dashboard-and-metrics-of-the-host",
        "for port in far['pages']:\n"
        "    for host in ('127.0.0.1', *far['hosts']):\n"
        "        try: connect(host, port, data=b'GET / HTTP/1.0\\r\\n\\r\\n'); escaped((host, port))\n"
        "        except OSError as exc: print(errno.errorcode.get(exc.errno, 'SLOW'))",
        rf"({REFUSED})+",
        works_outside=True,
    ),
    Attempt(
        "udp-service-of-the-host",
        "for host in far['hosts']:\n"
        "    try: connect(host, far['udp'], kind=socket.SOCK_DGRAM); escaped(host)\n"
        "    except OSError as exc: print(errno.errorcode.get(exc.errno, 'SLOW'))",
        rf"({REFUSED})+",
        works_outside=True,
    ),
    Attempt(
        "abstract-socket-of-the-host",
        "s = socket.socket(socket.AF_UNIX); s.connect('\\0' + far['abstract']); escaped('connected')",
        r"ECONNREFUSED\n",
        works_outside=True,
    ),
    Attempt(
        "new-route-by-netlink",
        "s = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0)\n"
        "route = struct.pack('=BBBBBBBBI', 2, 0, 0, 0, 254, 3, 0, 1, 0) + struct.pack('=HHi', 8, 4, 1)\n"
        "s.send(struct.pack('=IHHII', 16 + len(route), 24, 0x405, 1, 0) + route)\n"
        "error = -struct.unpack_from('=i', s.recv(4096), 16)[0]\n"
        "print(errno.errorcode[error]) if error else escaped('route')",
        DENIED,
    ),
    Attempt(
        "firewall-and-other-netlink",
        "attempt_each(*[lambda p=p: socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, p) for p in (4, 6, 9, "
        "12, 15, 16)])",
        r"((EPROTONOSUPPORT|EPERM|EACCES)\n){6}",
    ),
    # AX.25, IPX, X.25, key management, RDS, CAN, TIPC, Bluetooth, the kernel's ciphers, XDP
    Attempt(
        "other-socket-families",
        "attempt_each(*[lambda f=f, k=k: socket.socket(f, k, 0)\n"
        "    for f in (3, 4, 9, 15, 21, 29, 30, 31, 38, 44) for k in (socket.SOCK_RAW, socket.SOCK_SEQPACKET)])",
        r"((EAFNOSUPPORT|EPERM|EACCES|ESOCKTNOSUPPORT|EPROTONOSUPPORT)\n){20}",
    ),
    Attempt(
        "interface-flags-by-ioctl",
        "import fcntl\n"
        "fcntl.ioctl(socket.socket(socket.AF_INET, socket.SOCK_DGRAM), 0x8914, struct.pack('16sH14x', b'lo', 0))\n"
        "escaped('flags')",
        DENIED,
    ),
)
