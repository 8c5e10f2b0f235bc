"""Bodies made to cost as much as they can: near misses, keywords without end, candidates on every byte."""

from collections.abc import Callable


def _filled(piece: bytes) -> Callable[[int], bytes]:
    return lambda size: (piece * (size // len(piece) + 1))[:size]


def _numbered(template: str) -> Callable[[int], bytes]:
    def fill(size: int) -> bytes:
        out, length, number = [], 0, 0
        while length < size:
            piece = template.format(n=number, h=f"{number * 2654435761 % 2**32:08x}").encode()
            out.append(piece)
            length += len(piece)
            number += 1
        return b"".join(out)[:size]

    return fill


ADVERSARIAL: dict[str, Callable[[int], bytes]] = {
    "keywords": _filled(b"key token secret api password auth credential access "),
    "keywords in one run": _filled(b"key.token-secret_api.password-auth_"),
    "at signs": _filled(b"a@a@b.@@.c@"),
    "e-mails": _numbered("user{n}@example{n}.org, "),
    "long digit runs": _filled(b"4111111111111111"),
    "cards that fail Luhn": _numbered("4111-1111-1111-{n:04.0f} "),
    "one letter": _filled(b"a"),
    "one capital letter": _filled(b"A"),
    "assignments": _numbered('my_key_{n} = "{h}Zq{h}x"\n'),
    "key headers": _filled(b"-----BEGIN RSA PRIVATE KEY-----\n"),
    "hex and its keyword": _numbered("sourcegraph {h}{h}{h}{h}{h} "),
    "short fronts": _filled(b"s.ey.sk_q~api-"),
    "yaml": _filled(b"kind: secret\ndata: x\n"),
    "xml": _filled(b'<add key="Password" value="'),
    "curl": _filled(b"curl "),
    "curl and returns": lambda size: b"curl " + b"\r" * (size - 5),
    "curl -u": _filled(b"curl -u a:b "),
    "tokens cut short": _filled(b"eyJhbGciOiJIUzI1NiJ9aaaaaaa"),
    "quotes": _filled(b'"\'`=:\\"'),
    "back slashes": _filled(b"\\"),
    "schemes": _filled(b"postgres://u:"),
}
"""Maker by name; each takes the size in bytes."""
