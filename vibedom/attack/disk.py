"""Attempts to take more of the disk than the agent may have.

In one step, for which the watch would be too late: they take none of it. And in many steps, for which the sandbox is
frozen: of files only, and few enough to harm nobody; of bytes in `tests/integration/run/test_full_disk.py`.
"""

from vibedom.attack.attempt import Attempt

FLOOD = "flood"
"""The directory in the agent's home that very many files are made in. Whoever holds the siege removes it once the
sandbox is frozen, and then the agent goes on."""

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
    Attempt(
        "very-many-small-files",
        f"top = '/home/agent/{FLOOD}'\n"
        "os.mkdir(top)\n"
        "try:\n"
        "    for number in range(5 * far['files']):\n"
        "        with open(f'{top}/{number}', 'x'): pass\n"
        "    for _ in range(450):\n"
        "        os.stat(top); time.sleep(0.1)\n"
        "    escaped('not frozen')\n"
        "except FileNotFoundError: print('frozen')",
        r"frozen\n",
    ),
)
