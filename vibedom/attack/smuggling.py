"""Attempts to hide a request inside another one: lengths, chunks, line ends, and what a first answer turns loose."""

from vibedom.attack.web_client import web_attempt

_POST = (
    "hidden = get('/smuggled', host=PLAIN)\n"
    "def post(*lines, body=b'0\\r\\n\\r\\n' + hidden):\n"
    "    say(plain, head('POST / HTTP/1.1', 'Host: ' + PLAIN, *lines, 'Connection: close', body=body))\n"
)

SMUGGLING = (
    web_attempt(
        "two-lengths",
        f"{_POST}post('Content-Length: 5', 'Transfer-Encoding: chunked')\n"
        "post('Content-Length: 5', 'Content-Length: 6')\n"
        "for length in ('5, 6', '+5', '0x5', '-1', '5 5'): post('Content-Length: ' + length)",
        *7 * ("bad",),
    ),
    web_attempt(
        "transfer-encoding-in-disguise",
        f"{_POST}for line in ('Transfer-Encoding: chunked, identity', 'Transfer-Encoding : chunked',\n"
        "             'Transfer-Encoding: xchunked', 'Transfer-Encoding: \\x0bchunked', "
        "'Transfer-Encoding:\\tchunked\\0',\n"
        "             ' Transfer-Encoding: chunked', 'Transfer-Encoding: gzip', 'X: y\\nTransfer-Encoding: chunked',\n"
        "             'X: y\\rTransfer-Encoding: chunked'):\n"
        "    post('Content-Length: 5', line)",
        *8 * ("bad|malformed",),
        "malformed",
    ),
    web_attempt(
        "chunks-of-strange-sizes",
        f"{_POST}for size in ('0x0', '+0', '-0', ' 0', '0 0', '_0', '0\\n', '0;x\\n', 'g', '1' * 40, '', '\\xb2'):\n"
        "    post('Transfer-Encoding: chunked', body=size.encode('latin-1') + b'\\r\\n\\r\\n' + hidden)",
        *12 * ("closed|bad",),
    ),
    # What is left out of a chunk's head is no request: the chunks are made anew.
    web_attempt(
        "chunk-extensions",
        f"{_POST}for more in (b';smuggled', b';a=\"\\nGET /smuggled\"', b';\\rGET /smuggled', "
        "b' ;smuggled=\"x\\\\\"'):\n"
        "    post('Transfer-Encoding: chunked', body=b'1' + more + b'\\r\\nx\\r\\n0' + more + b'\\r\\n\\r\\n')",
        *4 * ("closed|reached",),
    ),
    web_attempt(
        "lines-that-are-folded-or-cut",
        "for lines in ((' smuggled',), ('X: y', '\\tsmuggled: z'), ('X: a\\rsmuggled: 1',), "
        "('X: a\\r smuggled: 1',), ('X\\r: smuggled',),\n"
        "              ('smuggled',), (': smuggled',), ('X\\0: smuggled',), ('X: a\\0smuggled',), "
        "('X y: smuggled',), ('X : smuggled',)):\n"
        "    say(plain, head('GET / HTTP/1.1', 'Host: ' + PLAIN, *lines, 'Connection: close'))",
        *11 * ("malformed|bad|bad-host",),
    ),
    web_attempt(
        "two-hosts",
        "for lines in (('Host: ' + PLAIN, 'Host: ' + evil), ('Host: ' + evil, 'Host: ' + PLAIN), (),\n"
        "              ('Host: ' + PLAIN, 'host: ' + PLAIN), ('Host: ' + PLAIN + ', ' + evil,), ('Host : ' + PLAIN,),\n"
        "              ('Host: ' + evil, 'X-Forwarded-Host: ' + PLAIN)):\n"
        "    say(plain, head('GET /smuggled HTTP/1.1', *lines, 'Connection: close'))",
        *7 * ("bad-host|bad-port|bad|authority-mismatch",),
    ),
    web_attempt(
        "request-lines-of-other-kinds",
        "for line in ('GET /smuggled', 'GET /smuggled HTTP/0.9', 'GET /smuggled HTTP/1.2', 'GET /smuggled HTTP/2.0',\n"
        "             'GET * HTTP/1.1', 'GET /a /smuggled HTTP/1.1', 'G@T /smuggled HTTP/1.1', "
        "'GET smuggled HTTP/1.1',\n"
        "             'get /smuggled http/1.1', 'GET /smuggled\\0 HTTP/1.1', '* /smuggled HTTP/1.1'):\n"
        "    say(plain, head(line, 'Host: ' + PLAIN, 'Connection: close'))",
        *("bad", *4 * ("malformed",), *6 * ("bad|closed|malformed",)),
    ),
    web_attempt(
        "second-request-to-another-host",
        "say(plain, head('GET / HTTP/1.1', 'Host: ' + PLAIN) + get('/smuggled', host=evil))\n"
        "say(proxy, head(f'GET http://{PLAIN}/ HTTP/1.1', 'Host: ' + PLAIN) + get(f'http://{evil}/smuggled', "
        "host=evil))\n"
        "say(secure, head('GET / HTTP/1.1', 'Host: ' + SECURE) + get('/smuggled', host='unlisted.test'), name=SECURE)",
        *("reached bad-port", "reached not-listed", "reached sni-mismatch"),
    ),
    web_attempt(
        "upgrade-that-is-none",
        "upgrade, version = ('Connection: Upgrade', 'Upgrade: websocket'), 'Sec-WebSocket-Version: '\n"
        "for lines in ((*upgrade, version + '13', 'Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA=='), (*upgrade, "
        "version + '777'),\n"
        "              ('Connection: Upgrade, HTTP2-Settings', 'Upgrade: h2c', "
        "'HTTP2-Settings: AAMAAABkAAQCAAAAAAIAAAAA')):\n"
        "    say(plain, head('GET / HTTP/1.1', 'Host: ' + PLAIN, *lines), get('/smuggled', host=evil))",
        *3 * ("reached bad-port",),
    ),
    # The origin switches, and the agent goes on in words of its own.
    web_attempt(
        "upgrade-that-is-granted",
        "socket13 = ('Sec-WebSocket-Version: 13', 'Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==')\n"
        "for lines in (('Upgrade: raw',), ('Upgrade: websocket',), ('Upgrade: websocket', *socket13)):\n"
        "    switch = head('GET /switch HTTP/1.1', 'Host: ' + PLAIN, 'Connection: Upgrade', *lines)\n"
        "    with socket.create_connection(plain, 5) as s:\n"
        "        s.sendall(switch); s.settimeout(5)\n"
        "        try:\n"
        "            print(b' 101 ' in s.recv(4096)[:20]); s.sendall(b'smuggled, raw')\n"
        "            print(told(hear(s)))\n"
        "        except OSError: print('closed')",
        *3 * ("True", "closed"),
    ),
)

CONTROLS = (
    web_attempt(
        "the-listed-host-by-http",
        f"{_POST}say(plain, get('/', host=PLAIN))\nsay(proxy, get(f'http://{{PLAIN}}/', host=PLAIN))\n"
        "post('Transfer-Encoding: chunked', body=b'1\\r\\nx\\r\\n0\\r\\n\\r\\n')",
        *3 * ("reached",),
    ),
    web_attempt("the-listed-host-by-https", "say(secure, get('/', host=SECURE), name=SECURE)", "reached"),
    web_attempt(
        "the-listed-host-by-tunnel",
        "tunnel(SECURE + ':443', get('/', host=SECURE), name=SECURE)\ntunnel(PLAIN + ':80', get('/', host=PLAIN))",
        *2 * ("reached",),
    ),
    web_attempt(
        "the-listed-host-by-http2",
        "h2(*names(SECURE, '/'))\nh2(*names(SECURE, '/', 'POST'), body=b'x')",
        *2 * ("reached",),
    ),
)
"""No attempts: what the same client gets where it asks for nothing but what is listed."""
