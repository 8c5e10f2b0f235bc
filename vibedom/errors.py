"""Every error a user can meet: one root with an exit code, a leaf only where a caller acts differently.

A message says what, where and what to do, in one line.
"""

import errno


class VibedomError(Exception):
    """Root of all errors that are shown as one line; `exit_code` is what the process ends with."""

    exit_code = 1


class UsageError(VibedomError):
    """The command line or an option's value is wrong."""

    exit_code = 2


class SettingsError(VibedomError):
    """A settings, policy, rule or whitelist file cannot be loaded; the message names file and place."""

    exit_code = 2


class RuntimeUnavailableError(VibedomError):
    """The chosen runtime cannot be used here (no engine, no image, no user namespaces)."""

    exit_code = 69  # EX_UNAVAILABLE of sysexits.h


class SandboxError(VibedomError):
    """Making, locking or starting the sandbox failed; nothing of it is left."""

    exit_code = 70  # EX_SOFTWARE of sysexits.h


class LockdownError(SandboxError):
    """The self-test did not prove that the proxy is reachable and everything else is not."""


class PortBusyError(VibedomError):
    """A port or socket that vibedom needs is taken."""

    exit_code = 71  # EX_OSERR of sysexits.h


class FindingsError(VibedomError):
    """Pre-flight found secrets and nobody said what to do with them."""

    exit_code = 3


class NotScannedError(VibedomError):
    """Pre-flight could not finish, so the workspace counts as not scanned."""

    exit_code = 3


class ConflictError(VibedomError):
    """Applying would overwrite an edit made on the host since the session started."""

    exit_code = 4


class WorkspaceError(VibedomError):
    """The workspace, the overlay or the journal of an apply cannot be read or written as it must be."""

    exit_code = 74  # EX_IOERR of sysexits.h


class InterruptedApplyError(WorkspaceError):
    """Ctrl-C in the middle of an apply or an undo; the message says what became of it."""

    exit_code = 130  # 128 and the number of SIGINT


class DiskFullError(VibedomError):
    """The agent has filled what it may of the disk, or the machine is short of space; its work is kept."""

    exit_code = 73  # EX_CANTCREAT of sysexits.h


class NoSuchSessionError(VibedomError):
    """No session, or more than one, answers to that name."""

    exit_code = 2


class ControlError(VibedomError):
    """A session's control socket got or gave something that cannot be understood."""

    exit_code = 76  # EX_PROTOCOL of sysexits.h


def own_error(exc: BaseException) -> BaseException:
    """The one vibedom error inside the groups that task groups raise, else `exc` itself."""
    if not isinstance(exc, BaseExceptionGroup):
        return exc
    inner: BaseException | None = exc.subgroup(VibedomError)
    while isinstance(inner, BaseExceptionGroup):
        inner = inner.exceptions[0]
    return inner or exc


def full_disk(exc: BaseException) -> OSError | None:
    """The error of a write that found no room, inside groups too."""
    if isinstance(exc, BaseExceptionGroup):
        return next((found for inner in exc.exceptions if (found := full_disk(inner))), None)
    return exc if isinstance(exc, OSError) and exc.errno in (errno.ENOSPC, errno.EDQUOT) else None
