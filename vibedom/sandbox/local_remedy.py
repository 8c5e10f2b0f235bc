"""Why this machine does not let us make a local sandbox, and the command that changes it."""

import errno
import os
from pathlib import Path

_SYSCTLS = (
    (
        "user/max_user_namespaces",
        "0",
        "this kernel allows no user namespaces; run: sudo sysctl -w user.max_user_namespaces=15000",
    ),
    (
        "kernel/unprivileged_userns_clone",
        "0",
        "this kernel allows user namespaces to root only; run: sudo sysctl -w kernel.unprivileged_userns_clone=1",
    ),
    (
        "kernel/apparmor_restrict_unprivileged_userns",
        "1",
        "AppArmor takes the rights out of user namespaces; "
        "run: sudo sysctl -w kernel.apparmor_restrict_unprivileged_userns=0",
    ),
)
"""File below /proc/sys, the value that forbids, reason and remedy. The last two concern ordinary users only."""

_OTHERWISE = "or use --runtime docker"


def explain(number: int, reason: str, sysctls: Path = Path("/proc/sys")) -> str:
    """One line for a failure with error `number` at `STAGE: REASON`, with the remedy where one is known."""
    forbidding = forbidden_by(sysctls) if number in (errno.EPERM, errno.EACCES, errno.ENOSPC, errno.EUSERS) else None
    if forbidding is not None:
        return f"{forbidding} ({_OTHERWISE})"
    if "mount proc" in reason and number == errno.EPERM:
        return (
            "parts of /proc are hidden here, as in a container, and the kernel shows no sandbox more than that; "
            "run vibedom outside of it, or start the container with --security-opt systempaths=unconfined"
        )
    if "overlay" in reason and number == errno.ENODEV:
        return f"this kernel has no overlay file system; run: sudo modprobe overlay ({_OTHERWISE})"
    if "overlay" in reason and number in (errno.EPERM, errno.EINVAL):
        return (
            f"the kernel refused the overlay ({reason}): it takes Linux 5.14 or later, a session directory "
            "(VIBEDOM_HOME) on ext4, xfs or btrfs, and a workspace with nothing mounted below it"
        )
    if number == errno.ENOSYS:
        return f"this kernel is too old for the local runtime ({reason}): it takes Linux 5.14 or later, {_OTHERWISE}"
    return f"cannot make the local sandbox: {reason}; see `vibedom doctor`, {_OTHERWISE}"


def forbidden_by(sysctls: Path = Path("/proc/sys")) -> str | None:
    """The setting that forbids user namespaces to this user, with the remedy, or None."""
    for name, forbidding, message in _SYSCTLS[: 1 if os.geteuid() == 0 else None]:
        try:
            value = (sysctls / name).read_text("ascii").strip()
        except OSError:
            continue
        if value == forbidding:
            return message
    return None
