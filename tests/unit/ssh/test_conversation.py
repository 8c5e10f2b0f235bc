"""The signing agent signs logins to proved hosts, and answers nothing else whatever it is sent."""

import base64
from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA1, SHA256, SHA512
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given
from hypothesis import strategies as st

from vibedom.paths import Home
from vibedom.ssh.conversation import Conversation
from vibedom.ssh.host_key import has_signed
from vibedom.ssh.keys import Key, create_key
from vibedom.ssh.wire import Reader, string

FAILURE = bytes((5,))
SUCCESS = bytes((6,))
HOST = "git.test"
SESSION = b"the hash of a key exchange"

Server = tuple[bytes, Callable[[bytes], bytes]]
"""Its public key as SSH writes it, and how it signs."""


def blob_of(public: ed25519.Ed25519PublicKey | ec.EllipticCurvePublicKey | rsa.RSAPublicKey) -> bytes:
    return base64.b64decode(public.public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).split()[1])


def mpint(value: int) -> bytes:
    return string(value.to_bytes(value.bit_length() // 8 + 1))


def ed25519_server() -> Server:
    key = ed25519.Ed25519PrivateKey.generate()
    return blob_of(key.public_key()), lambda data: string(b"ssh-ed25519") + string(key.sign(data))


def ecdsa_server() -> Server:
    key = ec.generate_private_key(ec.SECP256R1())

    def sign(data: bytes) -> bytes:
        r, s = decode_dss_signature(key.sign(data, ec.ECDSA(SHA256())))
        return string(b"ecdsa-sha2-nistp256") + string(mpint(r) + mpint(s))

    return blob_of(key.public_key()), sign


def rsa_server(*, is_old: bool = False) -> Server:
    key = rsa.generate_private_key(65537, 2048)
    name, hashed = (b"ssh-rsa", SHA1()) if is_old else (b"rsa-sha2-512", SHA512())
    return blob_of(key.public_key()), lambda data: string(name) + string(key.sign(data, padding.PKCS1v15(), hashed))


class Talk:
    """A conversation with an agent that knows `server` as git.test."""

    def __init__(self, directory: Path, server: Server, *names: str) -> None:
        self.home = Home(root=directory)
        self.keys = [create_key(self.home, name)[0] for name in names or ("default",)]
        self.used: list[tuple[str, str]] = []
        self.server = server
        self.agent = Conversation(
            lambda: self.keys,
            lambda blob: frozenset((HOST,)) if blob == server[0] else frozenset(),
            lambda key, host: self.used.append((key, host)),
        )

    def bind(self, *, session: bytes = SESSION, server: Server | None = None, forwarding: bool = False) -> bytes:
        blob, sign = server or self.server
        body = string(blob) + string(session) + string(sign(session)) + bytes((forwarding,))
        return self.agent.answer(bytes((27,)) + string(b"session-bind@openssh.com") + body)

    def sign(self, data: bytes, key: Key | None = None) -> bytes:
        blob = (key or self.keys[0]).blob
        return self.agent.answer(bytes((13,)) + string(blob) + string(data) + bytes(4))

    def login(self, key: Key | None = None, **changes: bytes) -> bytes:
        parts = {
            "session": string(SESSION),
            "kind": bytes((50,)),
            "user": string(b"git"),
            "service": string(b"ssh-connection"),
            "method": string(b"publickey-hostbound-v00@openssh.com"),
            "flag": b"\1",
            "algorithm": string(b"ssh-ed25519"),
            "blob": string((key or self.keys[0]).blob),
            "host_key": string(self.server[0]),
            "end": b"",
        }
        return b"".join((parts | changes).values())

    def listed(self) -> list[str]:
        reader = Reader(self.agent.answer(bytes((11,))))
        assert reader.byte() == 12
        found = []
        for _ in range(reader.uint32()):
            reader.string()
            found.append(reader.string().decode())
        reader.end()
        return found


@pytest.mark.parametrize("make", [ed25519_server, ecdsa_server, rsa_server], ids=["ed25519", "ecdsa", "rsa"])
def test_a_login_to_a_server_that_proved_itself_is_signed(tmp_path: Path, make: Callable[[], Server]) -> None:
    talk = Talk(tmp_path, make())
    assert talk.bind() == SUCCESS
    for data in (talk.login(), talk.login(method=string(b"publickey"), host_key=b"")):
        answer = talk.sign(data)
        reader = Reader(answer)
        assert reader.byte() == 14
        assert has_signed(talk.keys[0].blob, reader.string(), data)
    assert talk.used == [("default", HOST)] * 2


def test_nothing_is_signed_without_a_proof_or_for_another_server(tmp_path: Path) -> None:
    server = ed25519_server()
    unbound = Talk(tmp_path, server)
    assert unbound.sign(unbound.login()) == FAILURE
    for spoil in (
        lambda talk: talk.bind(server=ed25519_server()),
        lambda talk: talk.bind(server=(server[0], ed25519_server()[1])),
        lambda talk: talk.bind(forwarding=True),
        lambda talk: talk.bind(session=b""),
    ):
        talk = Talk(tmp_path, server)
        assert spoil(talk) == FAILURE
        assert talk.bind() in (SUCCESS, FAILURE)
        assert talk.sign(talk.login()) == FAILURE, "a client that tried has had its chance"
        assert talk.listed() == []
        assert talk.used == []


def test_a_second_proof_on_one_connection_ends_its_use(tmp_path: Path) -> None:
    talk = Talk(tmp_path, ed25519_server())
    assert talk.bind() == SUCCESS
    assert talk.bind(session=b"another") == FAILURE
    assert talk.sign(talk.login()) == FAILURE


@pytest.mark.parametrize(
    "changes",
    [
        {"session": string(b"of another connection")},
        {"kind": bytes((51,))},
        {"service": string(b"ssh-userauth")},
        {"method": string(b"hostbased")},
        {"method": string(b"publickey")},
        {"flag": b"\0"},
        {"algorithm": string(b"rsa-sha2-512")},
        {"blob": string(b"another")},
        {"host_key": string(b"another")},
        {"host_key": b""},
        {"end": b"x"},
    ],
    ids=str,
)
def test_what_is_no_login_with_this_key_to_this_server_is_not_signed(tmp_path: Path, changes: dict[str, bytes]) -> None:
    talk = Talk(tmp_path, ed25519_server())
    assert talk.bind() == SUCCESS
    assert talk.sign(talk.login(**changes)) == FAILURE
    assert talk.sign(b"SSHSIG" + string(b"git") + string(b"") + string(b"sha512") + string(bytes(64))) == FAILURE
    assert talk.sign(talk.login())[:1] == bytes((14,))
    assert talk.used == [("default", HOST)]


def test_an_old_signature_algorithm_proves_nothing(tmp_path: Path) -> None:
    assert Talk(tmp_path, rsa_server(is_old=True)).bind() == FAILURE


def test_a_key_for_another_host_is_neither_shown_nor_used(tmp_path: Path) -> None:
    talk = Talk(tmp_path, ed25519_server(), "default", HOST, "other.test")
    assert len(talk.listed()) == 3
    assert talk.bind() == SUCCESS
    assert talk.listed() == ["vibedom default", f"vibedom {HOST}"]
    other = talk.keys[2]
    assert talk.sign(talk.login(other), other) == FAILURE


def test_keys_can_be_neither_added_nor_removed_nor_locked(tmp_path: Path) -> None:
    talk = Talk(tmp_path, ed25519_server())
    key = string(talk.keys[0].blob)
    for kind in (1, 3, 7, 8, 9, 17, 18, 19, 20, 21, 22, 23, 25, 26):
        for body in (b"", key, string(b"password")):
            assert talk.agent.answer(bytes((kind,)) + body) == FAILURE
    assert talk.agent.answer(bytes((27,)) + string(b"restrict-destination-v00@openssh.com")) == bytes((28,))
    assert talk.listed() == ["vibedom default"]


@given(st.binary(max_size=300), st.sampled_from((b"", bytes((11,)), bytes((13,)), bytes((27,)))))
def test_no_bytes_make_it_raise_or_sign(data: bytes, kind: bytes) -> None:
    agent = Conversation(list, lambda blob: frozenset((HOST,)), lambda key, host: None)
    assert agent.answer(kind + data)[:1] in (FAILURE, bytes((12,)), bytes((28,)))
