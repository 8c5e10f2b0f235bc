"""Attempts with what only HTTP/2 can say, and what an origin that speaks HTTP/1 would make of it."""

from vibedom.attack.web_client import web_attempt

HTTP2 = (
    web_attempt(
        "http2-without-tls",
        "opening = b'PRI * HTTP/2.0\\r\\n\\r\\nSM\\r\\n\\r\\n' + frame(4, 0, b'', 0)\n"
        "for where in (plain, proxy): say(where, opening + frame(1, 5, fields(*names(PLAIN))))",
        *2 * ("closed",),
    ),
    web_attempt(
        "http2-authority-of-another-host",
        "h2(*names('unlisted.test'))\nh2(*names(evil))\n"
        "h2(*names(SECURE), ('host', 'unlisted.test'))\nh2(*names('unlisted.test'), ('host', SECURE))",
        *("sni-mismatch", "bad-port", "closed", "closed"),
    ),
    web_attempt(
        "http2-pseudo-headers-that-disagree",
        "for path in ('https://unlisted.test/smuggled', 'smuggled', '*', ''): h2(*names(SECURE, path))\n"
        "for scheme in ('http', 'https://unlisted.test/?', 'ftp'): h2(*names(SECURE, '/', scheme=scheme))\n"
        "good = names(SECURE, '/')\n"
        "h2(*good, (':path', '/smuggled'))\nh2(*good, (':authority', 'unlisted.test'))\n"
        "h2(*good, ('x', 'y'), (':smuggled', 'z'))\nh2(('x', 'smuggled'), *good)\nh2(*good[:2], "
        "good[3])\nh2(*good[:3])",
        *13 * ("malformed|authority-mismatch|bad-host|closed",),
    ),
    web_attempt(
        "http2-lines-inside-fields",
        "for field in (('x', 'a\\r\\nsmuggled: 1'), ('x', 'a\\nsmuggled: 1'), ('x', 'a\\rsmuggled: 1'), ('x', "
        "'a\\0smuggled'),\n"
        "              ('x: 1\\r\\nsmuggled', 'y'), ('x smuggled', 'y'), ('x:smuggled', 'y'), ('X-Smuggled', "
        "'y'), ('', 'smuggled')):\n"
        "    h2(*names(SECURE, '/'), field)\n"
        "for path in ('/ HTTP/1.1\\r\\nsmuggled: 1', '/\\r\\n\\r\\nGET /smuggled', '/ smuggled', '/\\tsmuggled'):\n"
        "    h2(*names(SECURE, path))\n"
        "for method in ('GET /smuggled', 'GET\\r\\nsmuggled: 1', 'CONNECT'): h2(*names(SECURE, '/', method))",
        *16 * ("malformed|closed",),
    ),
    web_attempt(
        "http2-lengths-for-http1",
        "hidden = b'0\\r\\n\\r\\n' + get('/smuggled', host=SECURE)\n"
        "for field in (('transfer-encoding', 'chunked'), ('transfer-encoding', 'identity'), ('content-length', '5'),\n"
        "              ('content-length', '+5'), ('connection', 'smuggled'), ('upgrade', 'smuggled'), ('te', "
        "'smuggled'),\n"
        "              ('keep-alive', 'smuggled'), ('proxy-connection', 'smuggled')):\n"
        "    h2(*names(SECURE, '/', 'POST'), field, body=hidden)",
        *9 * ("malformed|closed",),
    ),
    web_attempt(
        "http2-tunnel",
        "h2((':method', 'CONNECT'), (':authority', evil))\nh2((':method', 'CONNECT'), (':authority', "
        "SECURE + ':443'))\n"
        "h2(*names(SECURE, '/', 'CONNECT'), (':protocol', 'websocket'))",
        *3 * ("closed|authority-mismatch",),
    ),
)
