"""The system call filter, run by a small interpreter of classic BPF: no kernel, both processors."""

import errno
import struct

import pytest

from vibedom.errors import SandboxError
from vibedom.sandbox.local_seccomp import program

X86, ARM, I386 = 0xC000003E, 0xC00000B7, 0x40000003
ALLOW, KILL = 0x7FFF0000, 0x80000000

NEW_USER, NEW_NET, NEW_TIME = 0x10000000, 0x40000000, 0x80
ORDINARY_FORK = 0x01200011


def refused(error: int) -> int:
    return 0x00050000 | error


def verdict(code: bytes, architecture: int, number: int, *arguments: int) -> int:
    """What the kernel does with a call."""
    padded = (*arguments, *[0] * (6 - len(arguments)))
    data = struct.pack("<iIQ6Q", number if number < 1 << 31 else number - (1 << 32), architecture, 0, *padded)
    instructions = list(struct.iter_unpack("<HBBI", code))
    accumulator = position = 0
    while True:
        operation, if_true, if_false, operand = instructions[position]
        position += 1
        match operation:
            case 0x20:
                (accumulator,) = struct.unpack_from("<I", data, operand)
            case 0x06:
                return int(operand)
            case 0x15 | 0x35 | 0x45:
                is_true = {
                    0x15: accumulator == operand,
                    0x35: accumulator >= operand,
                    0x45: accumulator & operand != 0,
                }[operation]
                position += if_true if is_true else if_false
            case _:
                raise AssertionError(f"operation {operation:#x} is not allowed in a filter")


CALLS = [
    # name, x86_64, aarch64, arguments, verdict
    ("read", 0, 63, (), ALLOW),
    ("execve", 59, 221, (), ALLOW),
    ("openat", 257, 56, (), ALLOW),
    ("ptrace", 101, 117, (), ALLOW),
    ("seccomp", 317, 277, (), ALLOW),
    ("landlock_create_ruleset", 444, 444, (), ALLOW),
    ("mount", 165, 40, (), refused(errno.EPERM)),
    ("umount2", 166, 39, (), refused(errno.EPERM)),
    ("setns", 308, 268, (), refused(errno.EPERM)),
    ("keyctl", 250, 219, (), refused(errno.EPERM)),
    ("bpf", 321, 280, (), refused(errno.EPERM)),
    ("userfaultfd", 323, 282, (), refused(errno.EPERM)),
    ("open_by_handle_at", 304, 265, (), refused(errno.EPERM)),
    ("clone3", 435, 435, (), refused(errno.ENOSYS)),
    ("io_uring_setup", 425, 425, (), refused(errno.ENOSYS)),
    ("clone, fork", 56, 220, (ORDINARY_FORK,), ALLOW),
    ("clone, thread", 56, 220, (0x3D0F00,), ALLOW),
    ("clone, user namespace", 56, 220, (ORDINARY_FORK | NEW_USER,), refused(errno.EPERM)),
    ("clone, network namespace", 56, 220, (ORDINARY_FORK | NEW_NET,), refused(errno.EPERM)),
    ("unshare, files", 272, 97, (0x400,), ALLOW),
    ("unshare, user namespace", 272, 97, (NEW_USER,), refused(errno.EPERM)),
    ("unshare, time namespace", 272, 97, (NEW_TIME,), refused(errno.EPERM)),
    ("unshare, with a high half", 272, 97, (1 << 40 | NEW_USER,), refused(errno.EPERM)),
    ("ioctl, window size", 16, 29, (0, 0x5413), ALLOW),
    ("ioctl, TIOCSTI", 16, 29, (0, 0x5412), refused(errno.EPERM)),
    ("ioctl, TIOCSTI with a high half", 16, 29, (0, 1 << 32 | 0x5412), refused(errno.EPERM)),
    ("ioctl, TIOCLINUX", 16, 29, (0, 0x541C), refused(errno.EPERM)),
    ("socket, unix", 41, 198, (1, 1, 0), ALLOW),
    ("socket, inet", 41, 198, (2, 1, 0), ALLOW),
    ("socket, inet6", 41, 198, (10, 2, 0), ALLOW),
    ("socket, netlink route", 41, 198, (16, 3, 0), ALLOW),
    ("socket, netlink audit", 41, 198, (16, 3, 9), refused(errno.EPROTONOSUPPORT)),
    ("socket, packet", 41, 198, (17, 3, 0), refused(errno.EAFNOSUPPORT)),
    ("socket, vsock", 41, 198, (40, 1, 0), refused(errno.EAFNOSUPPORT)),
    ("socketpair, unix", 53, 199, (1, 1, 0), ALLOW),
    ("socketpair, alg", 53, 199, (38, 5, 0), refused(errno.EAFNOSUPPORT)),
]


@pytest.mark.parametrize("call", CALLS, ids=lambda call: call[0])
def test_a_call_gets_the_same_verdict_on_both_processors(call: tuple[str, int, int, tuple[int, ...], int]) -> None:
    _, x86, arm, arguments, expected = call
    assert verdict(program("x86_64"), X86, x86, *arguments) == expected
    assert verdict(program("aarch64"), ARM, arm, *arguments) == expected


@pytest.mark.parametrize(("machine", "foreign"), [("x86_64", I386), ("x86_64", ARM), ("aarch64", 0x40000028)])
def test_a_call_of_another_architecture_ends_the_process(machine: str, foreign: int) -> None:
    assert verdict(program(machine), foreign, 20) == KILL


def test_a_call_of_x32_ends_the_process() -> None:
    assert verdict(program("x86_64"), X86, 0x40000000) == KILL
    assert verdict(program("x86_64"), X86, 0xFFFFFFFF) == KILL


def test_a_processor_without_a_filter_gets_no_sandbox() -> None:
    with pytest.raises(SandboxError, match="no system call filter for riscv64"):
        program("riscv64")
