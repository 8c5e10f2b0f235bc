"""What goes over a control socket. A connection starts with one `Envelope`; what follows depends on its request."""

from typing import Literal

import msgspec

VERSION = 1
"""Raised where an older side would misunderstand a newer one. New optional fields do not need it."""
MAX_MESSAGE_BYTES = 256 * 1024
"""Of one message; longer input or output is sent in pieces."""
PIECE_BYTES = 32 * 1024

Scope = Literal["once", "session", "always"]
Answer = Literal["once", "session", "always", "no"]


class _Message(msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag=str.lower):
    """Base of all messages: the type stands in the field `type`, in lower case."""


# -- requests -----------------------------------------------------------------------------------------------------


class Status(_Message, frozen=True, kw_only=True):
    """-> `Report`."""


class Allow(_Message, frozen=True, kw_only=True):
    """Allow what `pattern` (a line of trusted_domains.txt) names. -> `Done`."""

    pattern: str
    scope: Scope = "session"
    seconds: float | None = None
    """How long, for the scope `session` (None is until its end) and for `once` to wait for its request (None is ten
    minutes)."""


class Deny(_Message, frozen=True, kw_only=True):
    """Deny what `pattern` names, whatever allowed it, unless a more specific rule does. -> `Done`."""

    pattern: str
    scope: Literal["session", "always"] = "session"
    seconds: float | None = None


class Pending(_Message, frozen=True, kw_only=True):
    """-> `Questions` once; with `watch` also after every change, until the client hangs up."""

    watch: bool = False


class Decide(_Message, frozen=True, kw_only=True):
    """Answer a question. -> `Done`, or `Failed` where it is no longer open."""

    question: int
    answer: Answer
    seconds: float | None = None
    """How long, for the answers `session` and `once`, as in `Allow`."""


class Pause(_Message, frozen=True, kw_only=True):
    """Freeze the sandbox and close its egress. -> `Done`."""


class Resume(_Message, frozen=True, kw_only=True):
    """Open egress and let the sandbox go on. -> `Done`."""


class Stop(_Message, frozen=True, kw_only=True):
    """End the session in order, as a SIGTERM would. -> `Done`, as soon as the end has begun."""


class Reload(_Message, frozen=True, kw_only=True):
    """Read the policy files again now. -> `Done`, or `Failed` with what is wrong in them (the old policy holds)."""


class Follow(_Message, frozen=True, kw_only=True):
    """-> `Lines` of network.jsonl as they are written, from now on, until the client hangs up."""


class Attach(_Message, frozen=True, kw_only=True):
    """Take part in the agent's terminal. -> `Attached`, then `Output` (what was seen last comes first), `Exited`.

    The client sends `Input`, `Resize`, `EndOfInput`. One client at a time.
    """

    columns: int = 80
    rows: int = 24


class Exec(_Message, frozen=True, kw_only=True):
    """Run one more process in the sandbox. -> `Attached`, `Output`, `Exited`. The client sends `Input`, ..."""

    argv: tuple[str, ...]
    tty: bool = False
    environment: dict[str, str] = {}
    working_directory: str | None = None
    columns: int = 80
    rows: int = 24


Request = Status | Allow | Deny | Pending | Decide | Pause | Resume | Stop | Reload | Follow | Attach | Exec


class Envelope(msgspec.Struct, frozen=True, kw_only=True):
    """The first message of a connection."""

    version: int
    request: msgspec.Raw
    """A `Request`; read after the version was found right."""


# -- what an attached client sends -----------------------------------------------------------------------------------


class Input(_Message, frozen=True, kw_only=True):
    data: bytes


class EndOfInput(_Message, frozen=True, kw_only=True):
    pass


class Resize(_Message, frozen=True, kw_only=True):
    columns: int
    rows: int


class Signal(_Message, frozen=True, kw_only=True):
    """Only for `Exec`."""

    number: int


Said = Input | EndOfInput | Resize | Signal

# -- replies ------------------------------------------------------------------------------------------------------


class Done(_Message, frozen=True, kw_only=True):
    text: str = ""
    """For people."""


class Failed(_Message, frozen=True, kw_only=True):
    message: str
    exit_code: int = 1


class Grant(msgspec.Struct, frozen=True, kw_only=True):
    """A host that was allowed or denied while the session ran."""

    pattern: str
    verdict: Literal["allow", "deny"]
    until: float | None = None
    """Unix seconds, or None: until the session ends."""
    is_once: bool = False
    """For one request, which has not come yet."""


class Question(msgspec.Struct, frozen=True, kw_only=True):
    """A host that is not on the whitelist, and that somebody waits for (or waited for)."""

    id: int
    host: str
    port: int
    method: str
    asked_at: float
    """Unix seconds."""
    waits_until: float
    """Unix seconds; then the request is denied."""
    waiting: int
    """Requests that are held. 0: too late for them, but the answer counts for the next try."""


class Report(_Message, frozen=True, kw_only=True):
    """The state of a session, from its supervisor."""

    session: str
    pid: int
    is_paused: bool
    is_attached: bool
    is_recording: bool
    """False: the audit log cannot be written, and all traffic is refused."""
    has_tty: bool
    grants: tuple[Grant, ...] = ()
    questions: int = 0
    """Open ones."""
    memory_bytes: int = 0
    """Resident memory of the supervisor."""
    held: str = ""
    """Why vibedom itself has paused it."""


class Questions(_Message, frozen=True, kw_only=True):
    questions: tuple[Question, ...]
    """The oldest first."""


class Lines(_Message, frozen=True, kw_only=True):
    data: bytes
    """Whole lines, each with its newline."""


class Attached(_Message, frozen=True, kw_only=True):
    has_tty: bool


class Output(_Message, frozen=True, kw_only=True):
    data: bytes
    is_error: bool = False
    """Of standard error, where there is no terminal."""


class Exited(_Message, frozen=True, kw_only=True):
    code: int


Reply = Done | Failed | Report | Questions | Lines | Attached | Output | Exited
