"""Attempts to take more of the disk than the agent may have, in one step: a watch would be too late for them.

They take none of it. What is taken in many steps is frozen by the watch: `tests/integration/run/test_full_disk.py`.
"""

from vibedom.attack.attempt import Attempt

_IN_EVERY_PLACE = (
    "def write(path):\n"
    "    fd = os.open(path, os.O_CREAT | os.O_RDWR, 0o600)\n"
    "    try: {step}\n"
    "    finally: os.close(fd); os.unlink(path)\n"
    "attempt_each(*[lambda p=p: write(p + '/huge') for p in ('/work', '/home/agent', '/tmp', '/var/tmp')])"
)

DISK = (
    Attempt(
        "file-longer-than-the-limit", _IN_EVERY_PLACE.format(step="os.pwrite(fd, b'x', far['disk'])"), r"(EFBIG\n){4}"
    ),
    Attempt(
        "sparse-file-beyond-the-limit",
        _IN_EVERY_PLACE.format(step="os.ftruncate(fd, far['disk'] + 1)"),
        r"(EFBIG\n){4}",
    ),
    Attempt(
        "space-taken-without-writing",
        _IN_EVERY_PLACE.format(step="call(285, 47, fd, 0, ctypes.c_long(0), ctypes.c_long(4096))"),
        r"((EOPNOTSUPP|ENOTSUP)\n){4}",
    ),
    Attempt(
        "raise-the-limit-of-a-file",
        "call(160, 164, 1, (ctypes.c_ulong * 2)(2**64 - 1, 2**64 - 1)); escaped('setrlimit')",
        r"EPERM\n",
    ),
)
