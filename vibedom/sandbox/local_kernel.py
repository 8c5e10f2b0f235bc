"""The kernel calls Python has no name for. Loaded by the launcher: standard library only, and little of it."""

from __future__ import annotations

import ctypes
import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

MOUNT_READ_ONLY = 0x1
MOUNT_NO_SUID = 0x2
MOUNT_NO_DEVICES = 0x4
MOUNT_NO_EXEC = 0x8

MS_NOSUID = 0x2
MS_NODEV = 0x4
MS_NOEXEC = 0x8

PR_SET_PDEATHSIG = 1
PR_SET_DUMPABLE = 4
PR_SET_NAME = 15
PR_CAPBSET_DROP = 24
PR_SET_SECUREBITS = 28
PR_SET_NO_NEW_PRIVS = 38
PR_CAP_AMBIENT = 47

SECBIT_NO_SETUID_FIXUP = 0x4

_AT_FDCWD = -100
_AT_EMPTY_PATH = 0x1000
_AT_RECURSIVE = 0x8000
_CLOEXEC = 0o2000000
_OPEN_TREE_CLONE = 1
_MOVE_MOUNT_FROM_EMPTY_PATH = 4
_FSCONFIG_CREATE = 6
_MS_REC, _MS_PRIVATE = 0x4000, 1 << 18
_MNT_DETACH = 2
_CAPABILITY_VERSION_3 = 0x20080522
_CAPABILITIES_KNOWN = 64
_KEYCTL_JOIN_SESSION_KEYRING = 1
_SECCOMP_SET_MODE_FILTER = 1
_NO_ROOT_AND_LOCKED = 0xEF
"""Every securebit and its lock but KEEP_CAPS itself: being uid 0 gives nothing."""

_NUMBERS = {
    # The calls since 5.2 have the same number everywhere.
    "open_tree": (428, 428),
    "move_mount": (429, 429),
    "fsopen": (430, 430),
    "fsconfig": (431, 431),
    "fsmount": (432, 432),
    "mount_setattr": (442, 442),
    "pivot_root": (155, 41),
    "keyctl": (250, 219),
    "seccomp": (317, 277),
    "capset": (126, 91),
}
_MACHINES = {"x86_64": 0, "aarch64": 1}

_libc = ctypes.CDLL(None, use_errno=True)
_libc.syscall.restype = ctypes.c_long


class _MountAttributes(ctypes.Structure):
    _fields_ = (
        ("set", ctypes.c_uint64),
        ("clear", ctypes.c_uint64),
        ("propagation", ctypes.c_uint64),
        ("user_namespace", ctypes.c_uint64),
    )


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("filter", ctypes.c_char_p))


def _checked(result: int, what: str) -> int:
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{what}: {os.strerror(number)}")
    return result


def _call(name: str, *arguments: Any) -> int:
    number = _NUMBERS[name][_MACHINES[platform_machine()]]
    converted = [ctypes.c_long(a) if isinstance(a, int) else a for a in arguments]
    return _checked(_libc.syscall(ctypes.c_long(number), *converted), name)


def platform_machine() -> str:
    """The kernel's name of this processor; `KeyError` later means it is neither x86_64 nor aarch64."""
    return os.uname().machine


def clone_tree(path: str, attributes: int) -> int:
    """A detached copy of the mounts at `path`, as a descriptor; `attributes` hold for all of them."""
    flags = _OPEN_TREE_CLONE | _CLOEXEC | _AT_RECURSIVE
    tree = _call("open_tree", _AT_FDCWD, os.fsencode(path), flags)
    set_attributes(tree, attributes)
    return tree


def set_attributes(tree: int, attributes: int, *, recursive: bool = True) -> None:
    """Add mount attributes to the mount (and those below it) that the descriptor stands for."""
    if attributes:
        wanted = _MountAttributes(set=attributes)
        flags = _AT_EMPTY_PATH | (_AT_RECURSIVE if recursive else 0)
        _call("mount_setattr", tree, b"", flags, ctypes.byref(wanted), ctypes.sizeof(wanted))


def attach(tree: int, target: str) -> None:
    """Put a detached mount at `target`."""
    _call("move_mount", tree, b"", _AT_FDCWD, os.fsencode(target), _MOVE_MOUNT_FROM_EMPTY_PATH)


def new_filesystem(kind: str, attributes: int) -> int:
    """A file system of `kind`, mounted nowhere yet, as a descriptor."""
    context = _call("fsopen", kind.encode(), 1)
    try:
        _call("fsconfig", context, _FSCONFIG_CREATE, None, None, 0)
        return _call("fsmount", context, 1, attributes)
    except OSError as exc:
        raise OSError(exc.errno, f"mount {kind}: {os.strerror(exc.errno or 0)}") from exc
    finally:
        os.close(context)


def mount(kind: str, target: str, flags: int, options: str) -> None:
    result = _libc.mount(kind.encode(), os.fsencode(target), kind.encode(), ctypes.c_ulong(flags), os.fsencode(options))
    _checked(result, f"mount {kind} at {target}")


def make_mounts_private() -> None:
    """No mount made here shows up outside, nor the other way round."""
    _checked(_libc.mount(None, b"/", None, ctypes.c_ulong(_MS_REC | _MS_PRIVATE), None), "private mounts")


def detach(target: str) -> None:
    _checked(_libc.umount2(os.fsencode(target), _MNT_DETACH), f"umount {target}")


def pivot_root(new: str, old: str) -> None:
    _call("pivot_root", os.fsencode(new), os.fsencode(old))


def prctl(option: int, *arguments: int) -> None:
    padded = [ctypes.c_ulong(a) for a in (*arguments, 0, 0, 0, 0)[:4]]
    _checked(_libc.prctl(option, *padded), f"prctl {option}")


def set_process_name(name: str) -> None:
    """What `/proc/PID/comm` and `ps` show, 15 bytes at most."""
    _checked(_libc.prctl(PR_SET_NAME, ctypes.c_char_p(name.encode()), 0, 0, 0), "process name")


def leave_keyring() -> None:
    """A new, empty session keyring: the user's keys are not in it."""
    _call("keyctl", _KEYCTL_JOIN_SESSION_KEYRING, None, 0, 0, 0)


def drop_capabilities() -> None:
    """Give up every capability for good: bounding set, securebits and the process's own."""
    prctl(PR_SET_SECUREBITS, _NO_ROOT_AND_LOCKED)
    for capability in range(_CAPABILITIES_KNOWN):
        try:
            prctl(PR_CAPBSET_DROP, capability)
        except OSError:
            break  # the first number this kernel has no capability for
    prctl(PR_CAP_AMBIENT, 4)  # PR_CAP_AMBIENT_CLEAR_ALL
    header = (ctypes.c_uint32 * 2)(_CAPABILITY_VERSION_3, 0)
    nothing = (ctypes.c_uint32 * 6)()
    _call("capset", ctypes.byref(header), ctypes.byref(nothing))


def install_filter(program: bytes) -> None:
    """Load a classic BPF program as the seccomp filter of this process and all that come from it."""
    prctl(PR_SET_NO_NEW_PRIVS, 1)
    wanted = _Program(length=len(program) // 8, filter=program)
    _call("seccomp", _SECCOMP_SET_MODE_FILTER, 0, ctypes.byref(wanted))
