"""A client of HTTP/1, HTTP/2 and proxies, as code for the sandbox: it sends what no library would.

It prints what came of it: reasons that vibedom gives, `reached` for the listed origin's answer, `bad` for a 400 without
a reason, `closed` for nothing at all, `open` for a connection that nobody ended.
"""

from vibedom.attack.attempt import Attempt
from vibedom.attack.origin import AWAY, PLAIN, SECURE, WILD

_CLIENT = f"PLAIN, SECURE, AWAY, WILD = {PLAIN!r}, {SECURE!r}, {AWAY!r}, {WILD!r}\n" + (
    r'''
import functools, ssl
found = re.search(r"//(?:[^@/]*@)?([^:/]+):(\d+)", os.environ["HTTP_PROXY"])
proxy, plain, secure = (found[1], int(found[2])), ("203.0.113.10", 80), ("203.0.113.10", 443)
evil = f"127.0.0.1:{far['tcp']}"
WORDS = rb'(?i)x-vibedom-reason: ([\w-]+)|"reason":"([\w-]+)"|(reached)|HTTP/1\.1 400 (Ba)(d)|(\(open\))'

@functools.cache
def context(protocol):
    """Reading the certificates takes longer than a connection."""
    made = ssl.create_default_context(cafile="/etc/vibedom/ca-bundle.pem")
    made.set_alpn_protocols([protocol])
    return made

def tls(s, name, protocol="http/1.1"): return context(protocol).wrap_socket(s, server_hostname=name)

def head(*lines, body=b""):
    """A head of these lines, which are latin-1, and what comes behind it."""
    return "".join(line + "\r\n" for line in lines).encode("latin-1") + b"\r\n" + body

def get(target, *lines, host=None):
    return head(f"GET {target} HTTP/1.1", *([f"Host: {host}"] if host else []), *lines, "Connection: close")

def hear(s):
    answer = b""
    s.settimeout(4)
    try:
        while piece := s.recv(65536): answer += piece
    except TimeoutError: answer += b"(open)"
    except OSError: pass
    return answer

def told(answer):
    words = ["".join(part.decode() for part in one).lower() for one in re.findall(WORDS, answer)]
    return " ".join("open" if word == "(open)" else word for word in words) or "closed"

def say(where, *pieces, name=None):
    """Send to `where`, inside TLS for `name` if there is one, and print what came of it."""
    try:
        with socket.create_connection(where, 5) as s:
            s = tls(s, name) if name else s
            for piece in pieces: s.sendall(piece)
            print(told(hear(s)))
    except OSError: print("closed")

def tunnel(to, *pieces, name=None):
    """The same inside a tunnel through the explicit proxy."""
    try:
        with socket.create_connection(proxy, 5) as s:
            s.settimeout(5)
            s.sendall(head(f"CONNECT {to} HTTP/1.1", f"Host: {to}"))
            answer = b""
            while b"\r\n\r\n" not in answer and (piece := s.recv(4096)): answer += piece
            if b" 200 " not in answer[:20]: return print(told(answer + hear(s)))
            s = tls(s, name) if name else s
            for piece in pieces: s.sendall(piece)
            print(told(hear(s)))
    except OSError: print("closed")

def frame(kind, flags, payload, stream=1):
    return len(payload).to_bytes(3, "big") + bytes((kind, flags)) + stream.to_bytes(4, "big") + payload

def fields(*pairs):
    """HPACK without tables and without Huffman."""
    text = lambda value: bytes((len(value),)) + value.encode("latin-1")
    return b"".join(b"\0" + text(name) + text(value) for name, value in pairs)

def h2(*pairs, body=None, after=b""):
    """One request over HTTP/2 to SECURE with these fields and body."""
    opening = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + frame(4, 0, b"", 0)
    pairs += (("accept", "application/json"),)
    opening += frame(1, 4 if body is not None else 5, fields(*pairs))
    opening += frame(0, 1, body) if body is not None else b""
    try:
        with socket.create_connection(secure, 5) as s:
            s = tls(s, SECURE, "h2"); s.settimeout(4)
            s.sendall(opening + after)
            print(told(answer_of(s.makefile("rb"))))
    except TimeoutError: print("open")
    except OSError: print("closed")

def answer_of(file):
    """What came in frames, until the stream or the connection ends."""
    answer = b""
    while len(start := file.read(9)) == 9:
        payload = file.read(int.from_bytes(start[:3], "big"))
        if start[3] == 0: answer += payload
        if start[3] in (3, 7) or (start[3] in (0, 1) and start[4] & 1): break
    return answer

def names(authority, path="/smuggled", method="GET", scheme="https"):
    return ((":method", method), (":scheme", scheme), (":authority", authority), (":path", path))
'''
)


def web_attempt(name: str, code: str, *said: str) -> Attempt:
    """A row whose code may use the client above. `said`: a regular expression for each line of its output."""
    return Attempt(name, _CLIENT + code, "".join(f"({one})\n" for one in said))
