"""Where things are: `VIBEDOM_HOME` (default `~/.vibedom`) moves everything."""

import os
from pathlib import Path

import msgspec

from vibedom.errors import SettingsError, full_disk


class Home(msgspec.Struct, frozen=True, kw_only=True):
    """The state directory of one user. Every directory is made 0700."""

    root: Path

    @property
    def config(self) -> Path:
        return self.root / "config"

    @property
    def sessions(self) -> Path:
        return self.root / "sessions"

    @property
    def cache(self) -> Path:
        return self.root / "cache"

    @property
    def ssh(self) -> Path:
        """vibedom's own SSH keys and known hosts."""
        return self.root / "ssh"

    @property
    def agents(self) -> Path:
        """What agents keep between sessions."""
        return self.root / "agents"

    @property
    def projects(self) -> Path:
        """What is remembered of projects: what was trusted, and their caches."""
        return self.root / "projects"

    def session(self, session_id: str) -> "SessionDir":
        return SessionDir(root=self.sessions / session_id)


class SessionDir(msgspec.Struct, frozen=True, kw_only=True):
    """The files of one session; DESIGN section 7 lists them."""

    root: Path

    @property
    def upper(self) -> Path:
        """The overlay's upper directory: the agent's work."""
        return self.root / "upper"

    @property
    def work(self) -> Path:
        """The overlay's own work directory, on the file system of `upper`."""
        return self.root / "work"

    @property
    def lower(self) -> Path:
        """A symbolic link to the workspace, so that mount options never hold a path with `:` or `,`."""
        return self.root / "lower"

    @property
    def agent_home(self) -> Path:
        """The agent's home inside the sandbox."""
        return self.root / "home"

    @property
    def trust(self) -> Path:
        """Public certificates and small files that are mounted into the sandbox. No private key."""
        return self.root / "trust"

    @property
    def base(self) -> Path:
        """State of the workspace's files at the start, for three-way apply."""
        return self.root / "base.jsonl"

    @property
    def state(self) -> Path:
        return self.root / "state.json"

    @property
    def network_log(self) -> Path:
        return self.root / "network.jsonl"

    @property
    def alerts_log(self) -> Path:
        return self.root / "alerts.jsonl"

    @property
    def session_log(self) -> Path:
        return self.root / "session.log"

    @property
    def gitleaks_report(self) -> Path:
        return self.root / "gitleaks_report.json"

    @property
    def patch(self) -> Path:
        return self.root / "changes.patch"

    @property
    def journal(self) -> Path:
        """What apply has done and how to undo it."""
        return self.root / "apply"

    @property
    def metrics(self) -> Path:
        """Counts of the session, kept up to date while it runs."""
        return self.root / "metrics.json"

    @property
    def control_socket(self) -> Path:
        return self.root / "control.sock"


def home() -> Home:
    """The state directory named by the environment. The only place that looks it up."""
    configured = os.environ.get("VIBEDOM_HOME")
    root = Path(configured).expanduser() if configured else Path.home() / ".vibedom"
    return Home(root=root.absolute())


def ensure_private(directory: Path) -> Path:
    """Make `directory` (and what is missing above it) with mode 0700 and return it. Raises `SettingsError` where it is
    somebody else's or no directory; a full disk raises `OSError`."""
    try:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        directory.chmod(0o700)
    except OSError as error:
        if full_disk(error) is not None:
            raise
        raise SettingsError(
            f"{directory}: cannot be made or kept private ({error.strerror}); set VIBEDOM_HOME to a directory of yours"
        ) from None
    return directory
