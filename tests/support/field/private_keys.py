"""Private keys of every kind, as files and as people paste them."""

import json
from collections.abc import Callable, Iterator

from tests.support.field.recipe import bake

ARMOURS = (
    "RSA PRIVATE KEY",
    "EC PRIVATE KEY",
    "DSA PRIVATE KEY",
    "PRIVATE KEY",
    "ENCRYPTED PRIVATE KEY",
    "OPENSSH PRIVATE KEY",
    "PGP PRIVATE KEY BLOCK",
    "ANY PRIVATE KEY",
)
PLACES: tuple[tuple[str, Callable[[str], str]], ...] = (
    ("file", lambda key: key + "\n"),
    ("windows", lambda key: key.replace("\n", "\r\n")),
    ("json", lambda key: json.dumps({"private_key": key, "type": "service_account"})),
    ("json in json", lambda key: json.dumps({"env": json.dumps({"KEY": key})})),
    ("yaml", lambda key: "tls.key: |\n" + "".join(f"    {line}\n" for line in key.split("\n"))),
    ("env", lambda key: 'PRIVATE_KEY="' + key.replace("\n", "\\n") + '"'),
    ("one line", lambda key: "KEY=" + key.replace("\n", " ")),
    ("program", lambda key: "".join(f'  "{line}\\n" +\n' for line in key.split("\n"))),
    ("heredoc", lambda key: f"cat > id <<EOF\n{key}\nEOF\nchmod 600 id"),
    ("xml", lambda key: f"<PrivateKey>{key}</PrivateKey>"),
    ("comment", lambda key: "".join(f"# {line}\n" for line in key.split("\n"))),
    ("diff", lambda key: "".join(f"+{line}\n" for line in key.split("\n"))),
)
OTHERS = (
    ("putty", "Private-Lines: 2\n@{<B64>}\n@{<B30>==}\nPrivate-MAC: <h64>"),
    ("age", "# public key: age1<k58>\n@{AGE-SECRET-KEY-1<N58>}"),
    ("minisign", "untrusted comment: minisign encrypted secret key\n@{RWRTY0Iy<B204>}\n"),
    ("signify", "untrusted comment: signify secret key\n@{RWRCSw<B134>=}\n"),
    ("wireguard", "[Interface]\nPrivateKey = @{<B43>=}\nAddress = 192.0.2.1/24"),
    ("jwk", '{"kty":"EC","crv":"P-256","d":"@{<b43>}","x":"<b43>"}'),
    ("jwk rsa", '{"kty":"RSA","e":"AQAB","n":"<b342>","d":"@{<b342>}"}'),
    ("base64 file", "KEY_B64=@{LS0tLS1CRUdJTiBSU0EgUFJJVkFURSBLRVktLS0tLQ<B400>=}"),
    ("openvpn", "-----BEGIN OpenVPN Static key V1-----\n@{<h32>}\n@{<h32>}\n-----END OpenVPN Static key V1-----"),
    ("ethereum", "PRIVATE_KEY=@{0x<h64>}"),
    ("bitcoin", "wallet private key @{5J<x49>}"),
    ("xprv", "@{xprv9<x106>}"),
    ("stellar", "stellar secret: @{S<T55>}"),
    ("solana", "SOLANA_PRIVATE_KEY=@{<x88>}"),
    ("der der", 'privateKey: "@{MIIEvQIBADANBgkqhkiG9w0BAQEFAASC<B300>=}"'),
    ("dnssec", "Private-key-format: v1.3\nAlgorithm: 13 (ECDSAP256SHA256)\nPrivateKey: @{<B43>=}\n"),
    ("xml rsa", "<RSAKeyValue><Modulus><B100>==</Modulus><D>@{<B172>}</D></RSAKeyValue>"),
    ("sops age", "SOPS_AGE_KEY=@{AGE-SECRET-KEY-1<N58>}"),
    ("tezos", "tezos: @{edsk<x50>}"),
)


def armoured(kind: str, seed: str) -> tuple[str, list[str]]:
    """A key of that kind, and its lines, none of which may stay."""
    start = "b3BlbnNzaC1rZXktdjEA" if "OPENSSH" in kind else "MIIE"
    lines = [bake(f"{start}<B{64 - len(start)}>", seed), *(bake("<B64>", f"{seed}{n}") for n in range(4))]
    lines.append(bake("<B30>==", seed))
    return "\n".join((f"-----BEGIN {kind}-----", *lines, f"-----END {kind}-----")), lines


def texts() -> Iterator[tuple[str, str, list[str]]]:
    """Armoured keys in every place: kind and place, text, lines."""
    for kind in ARMOURS:
        key, lines = armoured(kind, "key")
        for place, put in PLACES:
            yield f"{kind.lower()} {place}", put(key), lines
