"""Attempts on other processes of the machine, and on its resources."""

from vibedom.attack.attempt import NOT_THERE, Attempt

NEIGHBOURS = (
    Attempt(
        "processes-of-the-host",
        "found = []\n"
        "for pid in [int(name) for name in os.listdir('/proc') if name.isdigit()]:\n"
        "    try: line = read(f'/proc/{pid}/cmdline')\n"
        "    except OSError: continue\n"
        "    if far['marker'].encode() in line and pid != os.getpid(): found.append(pid)\n"
        "print('none') if not found else escaped(found)",
        r"none\n",
        works_outside=True,
    ),
    Attempt(
        "signal-the-supervisor",
        "os.kill(far['supervisor'], 0); escaped('signal')",
        r"(ESRCH|EPERM)\n",
        works_outside=True,
    ),
    Attempt(
        "trace-the-supervisor",
        "call(101, 117, 16, far['supervisor'], 0, 0); escaped('attached')",
        r"(ESRCH|EPERM|ENOSYS)\n",
    ),
    Attempt(
        "memory-of-the-supervisor",
        "attempt_each(lambda: open(f\"/proc/{far['supervisor']}/mem\", 'rb').read(1))",
        NOT_THERE,
    ),
    Attempt(
        "memory-of-the-supervisor-by-system-call",
        "buffer = ctypes.create_string_buffer(8)\n"
        "vector = struct.pack('QQ', ctypes.addressof(buffer), 8)\n"
        "one, none = ctypes.c_ulong(1), ctypes.c_ulong(0)\n"
        "attempt_each(lambda: call(310, 270, far['supervisor'], vector, one, vector, one, none),\n"
        "    lambda: call(434, 434, far['supervisor'], 0))",
        r"((ESRCH|EPERM|ENOSYS)\n){2}",
    ),
    Attempt(
        "environment-of-the-user",
        "print('none') if far['reversed_secret'][::-1] not in str(os.environ) else escaped('secret')",
        r"none\n",
    ),
    Attempt(
        "variables-that-lead-out",
        "leading = ('SSH_AUTH_SOCK', 'DBUS_SESSION_BUS_ADDRESS', 'DOCKER_HOST', 'XAUTHORITY', 'DISPLAY')\n"
        "own = {'SSH_AUTH_SOCK': '/etc/vibedom/ssh/agent.sock'}\n"
        "print([name for name in os.environ if name in leading and os.environ[name] != own.get(name)])",
        r"\[\]\n",
    ),
    Attempt(
        "inherited-descriptors",
        "names = os.listdir('/proc/self/fd')\n"
        "print([name for name in names if int(name) > 2 and os.path.lexists('/proc/self/fd/' + name)])",
        r"\[\]\n",
    ),
    Attempt(
        "shared-memory-of-the-host",
        "call(29, 194, far['shm_key'], 0, 0); escaped('shmget')",
        r"ENOENT\n",
        works_outside=True,
    ),
    Attempt("shared-memory-file-of-the-host", "escaped(read(far['shm_file']))", NOT_THERE, works_outside=True),
    Attempt(
        "fork-bomb",
        "children = []\n"
        "try:\n"
        "    for _ in range(far['pids'] + 10):\n"
        "        pid = os.fork()\n"
        "        if pid == 0: time.sleep(30); os._exit(0)\n"
        "        children.append(pid)\n"
        "    escaped(len(children))\n"
        "finally:\n"
        "    for pid in children: os.kill(pid, 9); os.waitpid(pid, 0)",
        r"EAGAIN\n",
    ),
    Attempt(
        "memory-bomb",
        "pid = os.fork()\n"
        "if pid == 0:\n"
        "    try: held = [b'x' * (1 << 24) for _ in range(2 * far['memory'] >> 24)]\n"
        "    except MemoryError: os._exit(7)\n"
        "    os._exit(0)\n"
        "status = os.waitpid(pid, 0)[1]\n"
        "escaped('twice the limit') if status == 0 else print('refused', status)",
        r"refused (9|1792)\n",
    ),
)
