"""What an agent is told about the place it is in: a file in the sandbox, named by `VIBEDOM_BRIEF`."""

from collections.abc import Sequence

import msgspec

from vibedom.sandbox.runtime import HOME_MOUNT, TRUST_MOUNT, WORK_MOUNT, WORKSPACE_MOUNT

NAME = "brief.md"
FILE = f"{TRUST_MOUNT}/{NAME}"
TITLE = "# You are in a vibedom sandbox"
"""The first line: a copy of the brief is known by it, and only such a copy is ever replaced."""
_MOST_HOSTS = 60


class Brief(msgspec.Struct, frozen=True, kw_only=True):
    """What differs from session to session."""

    session: str
    hosts: Sequence[str] = ()
    """Rules that allow, as written."""
    ssh_hosts: Sequence[str] = ()
    kept: Sequence[str] = ()
    """Directories of the home that outlive the session."""
    shown: Sequence[str] = ()
    """More that is mounted, and whether it is writable."""


def text(brief: Brief) -> str:
    """The brief as Markdown."""
    hosts = [f"- `{host}`" for host in brief.hosts[:_MOST_HOSTS]]
    if len(brief.hosts) > _MOST_HOSTS:
        hosts.append(f"- and {len(brief.hosts) - _MOST_HOSTS} more")
    return "\n".join([*_place(brief), "", *_network(brief), "", *(hosts or ["- none"]), "", *_ending(brief)]) + "\n"


def _place(brief: Brief) -> list[str]:
    kept = ", ".join(f"`~/{path}`" for path in brief.kept)
    return [
        TITLE,
        "",
        f"Session `{brief.session}`. You may change what you like in here without asking; nothing you do reaches the",
        "host before its owner has read the diff and applied it.",
        "",
        f"- `{WORK_MOUNT}` is the project: work there, commit there. The owner reviews exactly these changes.",
        f"- `{WORKSPACE_MOUNT}` is the project as it was on the host, read-only.",
        f"- `{HOME_MOUNT}` and `/tmp` are yours for this session." + (f" Kept for the next: {kept}." if kept else ""),
        *(f"- {line}" for line in brief.shown),
        "- A file that is empty although it should not be was masked: it holds a secret. Do not look for it elsewhere.",
    ]


def _network(brief: Brief) -> list[str]:
    ssh = ", ".join(brief.ssh_hosts)
    return [
        "All traffic goes through a proxy that reads it, takes secrets out (`[REDACTED_...]` stands in their place)",
        "and refuses every host that is not listed, with status 403 and the reason. No other way leads out.",
        f"Git over SSH works to: {ssh}. Keys are used for you and cannot be read." if ssh else "SSH leads nowhere.",
        "",
        "Hosts that are allowed:",
    ]


def _ending(brief: Brief) -> list[str]:
    return [
        "If you need another host: make the request; the owner sees the refusal at once and may allow it. Then retry,",
        "once. If it stays refused, say which host you need, what for, and that `vibedom allow HOST` allows it;",
        "go on without it meanwhile. Do not look for a way around.",
    ]
