"""The keys that leave a session alone: typed one after the other, they are the user's way out of `vibedom attach`."""

from vibedom.errors import UsageError

DEFAULT = "ctrl-p,ctrl-q"


class DetachKeys:
    """Looks for the keys in what is typed. Only the last of them is kept from the agent: one that is the first of the
    sequence, and any other, gets there at once."""

    def __init__(self, keys: bytes) -> None:
        self._keys = keys
        self._typed = b""

    def feed(self, data: bytes) -> tuple[bytes, bool]:
        """What goes to the agent, and whether the user wants to leave."""
        if not self._keys:
            return data, False
        for at in range(len(data)):
            self._typed = (self._typed + data[at : at + 1])[-len(self._keys) :]
            if self._typed == self._keys:
                self._typed = b""
                return data[:at], True
        return data, False


def parse_keys(text: str) -> bytes:
    """`ctrl-p,ctrl-q`, `ctrl-]`, `~,.` as bytes; "" for none. Raises `UsageError`."""
    return b"".join(_key(word.strip()) for word in text.split(",")) if text else b""


def _key(word: str) -> bytes:
    name = word.lower().removeprefix("ctrl-")
    if len(name) == 1 and name != word.lower() and "@" <= name.upper() <= "_":
        return bytes([ord(name.upper()) & 0x1F])
    if len(word) == 1 and word.isascii() and word.isprintable():
        return word.encode()
    raise UsageError(f"--detach-keys {word!r}: write single characters and ctrl-X, separated by commas")
