"""A session on disk that counts as running: this process is its supervisor."""

import os
from pathlib import Path

from vibedom.paths import Home, SessionDir
from vibedom.process_identity import start_ticks
from vibedom.sessions import SessionRecord, save


def live_session(home: Home, name: str) -> SessionDir:
    """Make it, with nothing but its state."""
    directory = home.session(name)
    directory.root.mkdir(parents=True)
    record = SessionRecord(
        id=name,
        workspace=Path("/home/kim/project"),
        uid=0,
        gid=0,
        runtime="local",
        command=("claude",),
        created_at=1.0,
        owner_pid=os.getpid(),
        owner_ticks=start_ticks(os.getpid()),
        status="running",
    )
    save(home, record)
    return directory
