"""The seccomp filter of the local runtime, as a classic BPF program for x86_64 or aarch64.

What it takes away is what an agent has no use for and what kernels have been broken with: mounts, namespaces, keyrings,
BPF, io_uring, kernel modules, exotic socket families, and typing into a terminal. Another architecture's calls end the
process. `clone3` does not exist, so that the flags are always where the filter can read them (libcs fall back).
"""

import errno
import os
import struct
from collections.abc import Mapping, Sequence

import msgspec

from vibedom.errors import SandboxError

_LOAD, _JUMP_EQUAL, _JUMP_ABOVE, _JUMP_BITS, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
_ALLOW, _KILL, _FAIL = 0x7FFF0000, 0x80000000, 0x00050000
_NUMBER_AT, _ARCHITECTURE_AT, _ARGUMENTS_AT = 0, 4, 16
_X32_BIT = 0x40000000

_NEW_NAMESPACES = 0x7E020080
"""CLONE_NEWNS, NEWCGROUP, NEWUTS, NEWIPC, NEWUSER, NEWPID, NEWNET and NEWTIME."""
_TIOCSTI, _TIOCLINUX = 0x5412, 0x541C
_SOCKET_FAMILIES = (1, 2, 10)
"""AF_UNIX, AF_INET and AF_INET6."""
_AF_NETLINK, _NETLINK_ROUTE = 16, 0
"""The one other family, with one protocol: `getifaddrs` needs it."""


class _Machine(msgspec.Struct, frozen=True):
    architecture: int
    column: int


Numbers = Mapping[str, tuple[int | None, int | None]]

_MACHINES = {"x86_64": _Machine(0xC000003E, 0), "aarch64": _Machine(0xC00000B7, 1)}

_REFUSED: Numbers = {
    "mount": (165, 40),
    "umount2": (166, 39),
    "pivot_root": (155, 41),
    "chroot": (161, 51),
    "setns": (308, 268),
    "open_tree": (428, 428),
    "move_mount": (429, 429),
    "fsopen": (430, 430),
    "fsconfig": (431, 431),
    "fsmount": (432, 432),
    "fspick": (433, 433),
    "mount_setattr": (442, 442),
    "open_tree_attr": (467, 467),
    "quotactl": (179, 60),
    "quotactl_fd": (443, 443),
    "swapon": (167, 224),
    "swapoff": (168, 225),
    "reboot": (169, 142),
    "acct": (163, 89),
    "sethostname": (170, 161),
    "setdomainname": (171, 162),
    "iopl": (172, None),
    "ioperm": (173, None),
    "create_module": (174, None),
    "init_module": (175, 105),
    "finit_module": (313, 273),
    "delete_module": (176, 106),
    "kexec_load": (246, 104),
    "kexec_file_load": (320, 294),
    "add_key": (248, 217),
    "request_key": (249, 218),
    "keyctl": (250, 219),
    "bpf": (321, 280),
    "perf_event_open": (298, 241),
    "userfaultfd": (323, 282),
    "fanotify_init": (300, 262),
    "open_by_handle_at": (304, 265),
    "lookup_dcookie": (212, 18),
    "nfsservctl": (180, 42),
    "uselib": (134, None),
    "syslog": (103, 116),
    "vhangup": (153, 58),
    "settimeofday": (164, 170),
    "clock_settime": (227, 112),
    "adjtimex": (159, 171),
    "clock_adjtime": (305, 266),
}
"""Refused with EPERM; numbers on x86_64 and aarch64."""

_ABSENT: Numbers = {
    "clone3": (435, 435),
    "io_uring_setup": (425, 425),
    "io_uring_enter": (426, 426),
    "io_uring_register": (427, 427),
}
"""Refused with ENOSYS, as on a kernel without them: libraries have another way then."""

_UNSUPPORTED: Numbers = {"fallocate": (285, 47)}
"""Refused with EOPNOTSUPP, as on a file system without it: libcs write instead. It takes any amount of the disk in no
time, before a watch could see it."""

_CLONE, _UNSHARE, _IOCTL, _SOCKET, _SOCKETPAIR = (56, 220), (272, 97), (16, 29), (41, 198), (53, 199)

Program = list[tuple[int, int, int, int]]
"""Instructions: code, jump if true, jump if false, operand."""


def program(machine: str = os.uname().machine) -> bytes:
    """The filter for a kernel on `machine`. Raises `SandboxError` on processors nobody has written it for."""
    known = _MACHINES.get(machine)
    if known is None:
        raise SandboxError(f"the local runtime has no system call filter for {machine}; use --runtime docker")
    code = _guard(known)
    for table, error in (
        (_REFUSED, errno.EPERM),
        (_ABSENT, errno.ENOSYS),
        (_UNSUPPORTED, errno.EOPNOTSUPP),
    ):
        for pair in table.values():
            number = pair[known.column]
            if number is not None:
                code += _on(number, [_fail(error)])
    code += _on(_CLONE[known.column], _refuse_bits(0, _NEW_NAMESPACES))
    code += _on(_UNSHARE[known.column], _refuse_bits(0, _NEW_NAMESPACES))
    code += _on(_IOCTL[known.column], _refuse_values(1, (_TIOCSTI, _TIOCLINUX)))
    for call in (_SOCKET, _SOCKETPAIR):
        code += _on(call[known.column], _allow_families())
    code.append(_allow())
    return b"".join(struct.pack("=HBBI", *instruction) for instruction in code)


def _guard(machine: _Machine) -> Program:
    """End a process that calls as another architecture (x32 included), then load the call's number."""
    code: Program = [
        (_LOAD, 0, 0, _ARCHITECTURE_AT),
        (_JUMP_EQUAL, 1, 0, machine.architecture),
        (_RETURN, 0, 0, _KILL),
        (_LOAD, 0, 0, _NUMBER_AT),
    ]
    if machine.column == 0:
        code += [(_JUMP_ABOVE, 0, 1, _X32_BIT), (_RETURN, 0, 0, _KILL)]
    return code


def _on(number: int, then: Sequence[tuple[int, int, int, int]]) -> Program:
    """Do `then`, which returns on every path, if the call is `number`."""
    return [(_JUMP_EQUAL, 0, len(then), number), *then]


def _load_argument(index: int) -> tuple[int, int, int, int]:
    """The low half of an argument: the kernel takes these ones as 32 bits, so a filter that looks further is fooled."""
    return (_LOAD, 0, 0, _ARGUMENTS_AT + 8 * index)


def _refuse_bits(argument: int, bits: int) -> Program:
    return [_load_argument(argument), (_JUMP_BITS, 0, 1, bits), _fail(errno.EPERM), _allow()]


def _refuse_values(argument: int, values: Sequence[int]) -> Program:
    code: Program = [_load_argument(argument)]
    for value in values:
        code += [(_JUMP_EQUAL, 0, 1, value), _fail(errno.EPERM)]
    return [*code, _allow()]


def _allow_families() -> Program:
    code: Program = [_load_argument(0)]
    for family in _SOCKET_FAMILIES:
        code += [(_JUMP_EQUAL, 0, 1, family), _allow()]
    code += [(_JUMP_EQUAL, 1, 0, _AF_NETLINK), _fail(errno.EAFNOSUPPORT)]
    return [*code, _load_argument(2), (_JUMP_EQUAL, 0, 1, _NETLINK_ROUTE), _allow(), _fail(errno.EPROTONOSUPPORT)]


def _fail(error: int) -> tuple[int, int, int, int]:
    return (_RETURN, 0, 0, _FAIL | error)


def _allow() -> tuple[int, int, int, int]:
    return (_RETURN, 0, 0, _ALLOW)
