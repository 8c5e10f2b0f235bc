"""The seccomp profile of the agent's container: what an ordinary program uses, and nothing else.

The engine's own default lets a container open sockets that no network namespace holds (vsock, to the hypervisor below a
VM), and io_uring. 32-bit calls are refused altogether: `socketcall` would hide a socket's family from the filter.
"""

import errno
import json
from importlib.resources import files
from typing import Any

_NEW_NAMESPACES = 0x7E020080
"""CLONE_NEWNS, NEWCGROUP, NEWUTS, NEWIPC, NEWUSER, NEWPID, NEWNET and NEWTIME."""
_SOCKET_FAMILIES = (1, 2, 10)
"""AF_UNIX, AF_INET and AF_INET6."""
_AF_NETLINK, _NETLINK_ROUTE = 16, 0
"""The one other family, with one protocol: `getifaddrs` needs it."""
_PERSONALITIES = (0, 8, 0x20000, 0x20008, 0xFFFFFFFF)
"""Linux, Linux as `setarch` and debuggers leave it, and the question which one it is."""
_ABSENT = ("clone3", "io_uring_setup", "io_uring_enter", "io_uring_register")
"""As on a kernel without them: libraries have another way then, and the flags of `clone` can be read by a filter."""

_UNSUPPORTED = ("fallocate",)
"""As on a file system without it: it takes any amount of the disk in no time, before a watch could see it."""


def profile() -> str:
    """The profile in the engine's JSON form, for the security option `seccomp=`."""
    allowed = (files("vibedom.sandbox") / "image" / "syscalls.txt").read_text("ascii").split()
    rules: list[dict[str, Any]] = [
        {"names": allowed, "action": "SCMP_ACT_ALLOW"},
        {"names": list(_ABSENT), "action": "SCMP_ACT_ERRNO", "errnoRet": errno.ENOSYS},
        {"names": list(_UNSUPPORTED), "action": "SCMP_ACT_ERRNO", "errnoRet": errno.EOPNOTSUPP},
        _allow("clone", (0, _NEW_NAMESPACES, "SCMP_CMP_MASKED_EQ")),
        _allow("socket", (0, _AF_NETLINK, "SCMP_CMP_EQ"), (2, _NETLINK_ROUTE, "SCMP_CMP_EQ")),
    ]
    rules += [_allow("socket", (0, family, "SCMP_CMP_EQ")) for family in _SOCKET_FAMILIES]
    rules += [_allow("personality", (0, persona, "SCMP_CMP_EQ")) for persona in _PERSONALITIES]
    architectures: list[dict[str, Any]] = [
        {"architecture": name, "subArchitectures": []} for name in ("SCMP_ARCH_X86_64", "SCMP_ARCH_AARCH64")
    ]
    return json.dumps({"defaultAction": "SCMP_ACT_ERRNO", "archMap": architectures, "syscalls": rules})


def _allow(name: str, *conditions: tuple[int, int, str]) -> dict[str, Any]:
    """A call whose arguments meet all the conditions (index, value, comparison); masked comparisons are with zero."""
    arguments = [{"index": index, "value": value, "valueTwo": 0, "op": op} for index, value, op in conditions]
    return {"names": [name], "action": "SCMP_ACT_ALLOW", "args": arguments}
