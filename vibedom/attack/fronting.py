"""Attempts to get to a host that is not listed by way of the proxy: names that disagree, tunnels, and this machine."""

from vibedom.attack.web_client import web_attempt

_SPELLINGS = (
    "spellings = ('0x7f.1', '127.1', '2130706433', '017700000001', '0177.0.0.1', '0',\n"
    "    '\\u00b9\\u00b2\\u2077.1'.encode().decode('latin-1'), 'localhost.localdomain', '127.0.0.1.', "
    "'[::1]', '[::]',\n"
    "    '[::ffff:127.0.0.1]', '[::ffff:7f00:1]', '[64:ff9b::7f00:1]', '[::127.0.0.1]')\n"
)

FRONTING = (
    web_attempt(
        "host-behind-another-server-name",
        "say(secure, get('/smuggled', host='unlisted.test'), name=SECURE)\n"
        "say(secure, get('/smuggled', host=evil), name=SECURE)",
        *("sni-mismatch", "bad-port"),
    ),
    web_attempt(
        "server-name-that-is-not-listed",
        "say(secure, get('/smuggled', host=SECURE), name='unlisted.test')",
        "sni-mismatch",
    ),
    web_attempt(
        "no-server-name",
        "with socket.create_connection(secure, 5) as s:\n"
        "    try: ssl._create_unverified_context().wrap_socket(s); escaped('a handshake')\n"
        "    except OSError as exc: print(type(exc).__name__)",
        r"SSL\w*Error|ConnectionResetError",
    ),
    web_attempt(
        "dns-over-https",
        "question = '/dns-query?dns=AAABAAABAAAAAAAAB2V4YW1wbGUDY29tAAABAAE'\n"
        "for name in ('dns.google', 'cloudflare-dns.com'): say(secure, get(question, host=name), name=name)\n"
        "for host in ('1.1.1.1', '8.8.8.8'): tunnel(host + ':443')",
        *4 * ("not-listed",),
    ),
    web_attempt(
        "another-protocol-on-the-ports-of-the-web",
        "for port in (plain, secure, proxy): say(port, b'SSH-2.0-smuggled\\r\\n')\n"
        "say(plain, b'\\x16\\x03\\x01smuggled')\nsay(secure, b'smuggled\\n', name=SECURE)",
        *5 * ("closed",),
    ),
    web_attempt(
        "tunnel-to-this-machine",
        "tunnel(evil)\nfor port in far['pages']: tunnel(f'127.0.0.1:{port}')",
        *3 * ("not-listed",),
    ),
    web_attempt(
        "tunnel-to-a-port-that-is-not-listed",
        "for port in (22, 25, 53, 853, 8443): tunnel(f'{SECURE}:{port}')",
        *5 * ("not-listed",),
    ),
    web_attempt(
        "tunnel-for-another-protocol",
        "tunnel(PLAIN + ':80', b'SSH-2.0-smuggled\\r\\n')\ntunnel(SECURE + ':443', b'SSH-2.0-smuggled\\r\\n')\n"
        "tunnel(SECURE + ':443', b'smuggled\\n', name=SECURE)",
        *3 * ("closed",),
    ),
    web_attempt(
        "tunnel-for-another-server-name",
        "for name in ('unlisted.test', SECURE):\n"
        "    tunnel(SECURE + ':443', get('/smuggled', host='unlisted.test'), name=name)",
        *2 * ("authority-mismatch",),
    ),
    web_attempt(
        "tunnel-in-a-tunnel",
        "again = head(f'CONNECT {evil} HTTP/1.1', f'Host: {evil}')\n"
        "tunnel(SECURE + ':443', again, name=SECURE)\ntunnel(PLAIN + ':80', again)",
        *2 * ("authority-mismatch",),
    ),
    web_attempt(
        "tunnel-where-there-is-no-proxy",
        "opening = head(f'CONNECT {evil} HTTP/1.1', f'Host: {evil}')\n"
        "say(plain, opening)\nsay(secure, opening, name=SECURE)",
        *2 * ("authority-mismatch",),
    ),
    web_attempt(
        "absolute-target-to-another-host",
        "for where in (plain, proxy):\n"
        "    for target in (evil, f'{PLAIN}@{evil}', f'{PLAIN}\\\\@{evil}', f'{evil}#@{PLAIN}'):\n"
        "        say(where, get(f'http://{target}/smuggled', host=PLAIN))",
        *2 * ("authority-mismatch", "bad", "bad", "bad"),
    ),
    web_attempt(
        "other-schemes",
        "for scheme in ('ftp', 'gopher', 'file', 'ws', 'https'): say(proxy, get(f'{scheme}://{evil}/', host=evil))",
        *("bad", "bad", "bad", "bad", "not-listed"),
    ),
    web_attempt(
        "this-machine-in-other-spellings",
        _SPELLINGS + "for host in spellings:\n"
        "    there = f\"{host}:{far['tcp']}\"\n"
        "    say(proxy, get('/', host=there))\n    tunnel(there, get('/', host=there))",
        *30 * ("bad-host|not-listed|bad",),
    ),
    web_attempt(
        "addresses-that-are-not-public",
        "for host in ('169.254.169.254', '[fd00:ec2::254]', '100.64.0.1', '100.100.100.200', '10.0.0.1', "
        "'192.168.0.1',\n"
        "             '[fe80::1]', '[fe80::1%25eth0]', '[64:ff9b::a9fe:a9fe]', '0.0.0.0', '224.0.0.1'):\n"
        "    for where in (plain, proxy): say(where, get('/latest/meta-data/', host=host))",
        *22 * ("bad-host|not-listed",),
    ),
    web_attempt(
        "listed-name-that-leads-to-this-machine",
        "inside = f\"localhost:{far['tcp']}\"\nsay(proxy, get('/', host=inside))\ntunnel(inside, get('/', "
        "host=inside))",
        *2 * ("address-not-public",),
    ),
    web_attempt(
        "look-alikes-of-a-listed-host",
        "for host in ('evil' + PLAIN, PLAIN + '.unlisted.test', PLAIN.replace('.', '-'), 'a.' + PLAIN, PLAIN + '..',\n"
        "             PLAIN.replace('a', '%61'), PLAIN + '%00.unlisted.test', PLAIN + '\\0.unlisted.test',\n"
        "             PLAIN.replace('a', '\\u0430').encode().decode('latin-1'), 'xn--plin-63d.listed.test',\n"
        "             PLAIN + '\\t.unlisted.test', PLAIN + ',unlisted.test', PLAIN + ';unlisted.test', PLAIN + '/'):\n"
        "    say(plain, get('/smuggled', host=host))",
        *14 * ("not-listed|bad-host|malformed",),
    ),
    web_attempt(
        "redirect-to-an-unlisted-host",
        "import urllib.error, urllib.request\n"
        "for name in ('NO_PROXY', 'no_proxy'): os.environ.pop(name, None)\n"
        "try: urllib.request.urlopen(f'http://{AWAY}/', timeout=10); escaped('followed')\n"
        "except urllib.error.HTTPError as exc: print(exc.headers['X-Vibedom-Reason'], exc.url == f'http://{evil}/')",
        "not-listed True",
    ),
    web_attempt(
        "pages-of-the-host-through-the-proxy",
        "hosts = ('127.0.0.1', 'localhost', proxy[0], *far['hosts'])\n"
        "for there in [f'{host}:{port}' for port in far['pages'] for host in hosts]:\n"
        "    say(proxy, get(f'http://{there}/', host=there))",
        r"not-listed(\nnot-listed)+",
    ),
)
