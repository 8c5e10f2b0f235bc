"""Content of a file that is neither the host's nor the agent's: some of the hunks, or what the user made of both."""

import hashlib

import msgspec

from vibedom.workspace.entry import Entry


class Composed(msgspec.Struct, frozen=True, kw_only=True):
    """What a path gets instead of the agent's content. The representation shows no content."""

    content: bytes
    host: Entry | None
    """The file on the host that it was made from: one that has changed since is a conflict."""
    settles: bool = False
    """The user has decided on the whole change (a merge made by hand): it is not offered again."""

    def __repr__(self) -> str:
        return f"Composed({len(self.content)} bytes)"

    def entry(self, agents: Entry) -> Entry:
        """The entry of the file that is written: the agent's, with this content, and the host's mode where there is
        one: a file of which some lines are taken keeps it."""
        host = self.host
        mode = host.mode if host is not None and host.type == "file" else agents.mode
        digest = hashlib.sha256(self.content).hexdigest()
        return msgspec.structs.replace(agents, type="file", mode=mode, size=len(self.content), digest=digest, target="")
