"""One client's conversation with the signing agent: bytes in, bytes out.

Two questions of the agent protocol are answered, which keys there are and to sign with one; adding, removing, locking
and all extensions but one are not. That one is `session-bind@openssh.com`, by which OpenSSH (8.9 and newer) proves what
server it is talking to: without it nothing is signed, so a signature is good for logging in to a known host and for
nothing else.
"""

import hmac
from collections.abc import Callable, Sequence

import msgspec

from vibedom.ssh.host_key import has_signed
from vibedom.ssh.keys import Key
from vibedom.ssh.wire import Reader, WireError, string

FAILURE, SUCCESS = 5, 6
REQUEST_IDENTITIES, IDENTITIES_ANSWER = 11, 12
SIGN_REQUEST, SIGN_RESPONSE = 13, 14
EXTENSION, EXTENSION_FAILURE = 27, 28
SESSION_BIND = b"session-bind@openssh.com"
USERAUTH_REQUEST = 50
HOST_BOUND = b"publickey-hostbound-v00@openssh.com"


class Binding(msgspec.Struct, frozen=True, kw_only=True):
    """The server that a client has proved to be connected to."""

    host_key: bytes
    session: bytes
    hosts: frozenset[str]
    """The hosts that this key belongs to and that the policy allows SSH to. Never empty."""


class Conversation:
    """State of one connection. `hosts_of` answers which allowed hosts have a host key; `signed` hears of each use."""

    def __init__(
        self,
        keys: Callable[[], Sequence[Key]],
        hosts_of: Callable[[bytes], frozenset[str]],
        signed: Callable[[str, str], None],
    ) -> None:
        self._keys = keys
        self._hosts_of = hosts_of
        self._signed = signed
        self._binding: Binding | None = None
        self._is_spoiled = False

    def answer(self, message: bytes) -> bytes:
        """The answer to one message, both without their length. Never raises for any bytes."""
        try:
            reader = Reader(message)
            kind = reader.byte()
            if kind == REQUEST_IDENTITIES:
                reader.end()
                return self._identities()
            if kind == SIGN_REQUEST:
                return self._sign(reader)
            if kind == EXTENSION:
                return self._bind(reader)
        except WireError:
            return bytes((FAILURE,))
        return bytes((FAILURE,))

    def _bind(self, reader: Reader) -> bytes:
        if reader.string() != SESSION_BIND:
            return bytes((EXTENSION_FAILURE,))
        host_key, session, signature, is_forwarding = (
            reader.string(),
            reader.string(),
            reader.string(),
            reader.boolean(),
        )
        reader.end()
        hosts = self._hosts_of(host_key)
        is_proved = bool(session and hosts) and has_signed(host_key, signature, session)
        if is_forwarding or self._binding is not None or not is_proved:
            # Forwarded on, bound twice, or to a host that is not known: this client has had its chance.
            self._is_spoiled = True
            return bytes((FAILURE,))
        self._binding = Binding(host_key=host_key, session=session, hosts=hosts)
        return bytes((SUCCESS,))

    def _usable(self) -> list[Key]:
        """Before a server has proved who it is all keys are shown (public halves), so that `ssh-add -l` works."""
        if self._is_spoiled:
            return []
        keys, binding = self._keys(), self._binding
        return [key for key in keys if binding is None or not key.host or key.host in binding.hosts]

    def _identities(self) -> bytes:
        keys = self._usable()
        listed = b"".join(string(key.blob) + string(f"vibedom {key.name}".encode()) for key in keys)
        return bytes((IDENTITIES_ANSWER,)) + len(keys).to_bytes(4) + listed

    def _sign(self, reader: Reader) -> bytes:
        blob, data, flags = reader.string(), reader.string(), reader.uint32()
        reader.end()
        key = next((key for key in self._usable() if hmac.compare_digest(key.blob, blob)), None)
        binding = self._binding
        if key is None or binding is None or flags or not _is_login(data, blob, binding):
            return bytes((FAILURE,))
        signature = key.sign(data)
        self._signed(key.name, min(binding.hosts))
        return bytes((SIGN_RESPONSE,)) + string(signature)


def _is_login(data: bytes, blob: bytes, binding: Binding) -> bool:
    """Whether `data` is the request to log in with this key at the server of `binding` (RFC 4252, section 7)."""
    reader = Reader(data)
    session, kind, _user = reader.string(), reader.byte(), reader.string()
    service, method, has_signature = reader.string(), reader.string(), reader.boolean()
    algorithm, key = reader.string(), reader.string()
    host_key = reader.string() if method == HOST_BOUND else binding.host_key
    reader.end()
    return (
        (session, kind, service, has_signature) == (binding.session, USERAUTH_REQUEST, b"ssh-connection", True)
        and method in (b"publickey", HOST_BOUND)
        and (algorithm, key, host_key) == (b"ssh-ed25519", blob, binding.host_key)
    )
