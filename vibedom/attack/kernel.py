"""Attempts to get rights: mounts, namespaces, identities, devices, and the kernel's own settings."""

from vibedom.attack.attempt import DENIED, DENIED_OR_ABSENT, Attempt

KERNEL = (
    Attempt("mount-a-tmpfs", "call(165, 40, b'tmpfs', b'/tmp', b'tmpfs', 0, None); escaped('mount')", DENIED),
    Attempt("mount-proc-again", "call(165, 40, b'proc', b'/tmp', b'proc', 0, None); escaped('mount')", DENIED),
    Attempt(
        "remount-the-workspace-writable",
        "call(165, 40, None, b'/mnt/workspace', None, 4128, None); escaped('rw')",
        DENIED,
    ),
    Attempt("unmount-the-workspace", "call(166, 39, b'/mnt/workspace', 2); escaped('umount')", DENIED),
    Attempt("bind-over-a-file", "call(165, 40, b'/work', b'/tmp', None, 4096, None); escaped('bind')", DENIED),
    Attempt("clone-a-mount", "call(428, 428, -100, b'/', 1); escaped('open_tree')", r"(EPERM|ENOSYS)\n"),
    Attempt("new-mount-interface", "call(430, 430, b'tmpfs', 0); escaped('fsopen')", r"(EPERM|ENOSYS)\n"),
    Attempt("pivot-root", "call(155, 41, b'/tmp', b'/tmp'); escaped('pivot')", DENIED),
    Attempt("chroot", "os.chroot('/tmp'); escaped('chroot')", DENIED),
    Attempt("user-namespace", "call(272, 97, 0x10000000); escaped('unshare')", r"(EPERM|ENOSPC|EUSERS)\n"),
    Attempt(
        "user-namespace-with-a-fooling-high-half",
        "call(272, 97, ctypes.c_ulong(0xdead000010000000)); escaped('unshare')",
        r"(EPERM|ENOSPC|EUSERS|EINVAL)\n",
    ),
    Attempt("network-namespace", "call(272, 97, 0x40000000); escaped('unshare')", DENIED),
    Attempt("mount-namespace", "call(272, 97, 0x20000); escaped('unshare')", DENIED),
    Attempt(
        "user-namespace-by-clone",
        "pid = call(56, 220, 0x10000011, 0, 0, 0, 0)\nos._exit(0) if pid == 0 else escaped('clone')",
        r"(EPERM|ENOSPC|EUSERS)\n",
    ),
    Attempt(
        "user-namespace-by-clone3",
        "arguments = struct.pack('8Q', 0x10000000, 0, 0, 0, 17, 0, 0, 0)\n"
        "pid = call(435, 435, arguments, len(arguments))\nos._exit(0) if pid == 0 else escaped('clone3')",
        r"(EPERM|ENOSYS|ENOSPC)\n",
    ),
    Attempt(
        "other-namespaces",
        "attempt_each(*[lambda f=f: call(272, 97, f) for f in (0x2000000, 0x4000000, 0x8000000, 0x20000000, 0x80)])",
        r"(EPERM\n){5}",
    ),
    # `unshare` by its number of 32 bits, in a process that may be ended for it: the machine code is for x86 only.
    Attempt(
        "user-namespace-as-another-architecture",
        "import mmap\n"
        "def as_i386():\n"
        "    page = mmap.mmap(-1, 4096, prot=7)\n"
        "    page.write(bytes.fromhex('53b836010000bb00000010cd805bc3'))\n"
        "    return ctypes.CFUNCTYPE(ctypes.c_int)(ctypes.addressof(ctypes.c_char.from_buffer(page)))()\n"
        "def as_x32(): return libc.syscall(ctypes.c_long(0x40000000 | 272), 0x10000000)\n"
        "for attempt in (as_i386, as_x32):\n"
        "    pid = os.fork()\n"
        "    if pid == 0: os._exit(7 if IS_ARM or attempt() < 0 else 0)\n"
        "    status = os.waitpid(pid, 0)[1]\n"
        "    escaped(attempt.__name__) if status == 0 else print('refused')",
        r"(refused\n){2}",
    ),
    Attempt(
        "join-a-namespace",
        "def join(kind):\n"
        "    fd = os.open(f'/proc/1/ns/{kind}', os.O_RDONLY)\n"
        "    call(308, 268, fd, 0)\n"
        "attempt_each(*[lambda k=k: join(k) for k in ('net', 'mnt', 'user', 'pid')])",
        r"((EPERM|EACCES|EINVAL)\n){4}",
    ),
    Attempt("become-another-user", "os.setuid(0 if os.getuid() else 1); escaped(os.getuid())", r"(EPERM|EINVAL)\n"),
    Attempt(
        "become-another-group", "os.setgid(1 if os.getgid() != 1 else 2); escaped(os.getgid())", r"(EPERM|EINVAL)\n"
    ),
    Attempt("join-a-group", "os.setgroups([999]); escaped(os.getgroups())", DENIED),
    Attempt(
        "set-user-id-programs",
        "for program in (['su', '-c', 'id -u'], ['sudo', '-n', 'id', '-u'], ['pkexec', 'id', '-u']):\n"
        "    try: done = subprocess.run(program, stdin=subprocess.DEVNULL, capture_output=True, timeout=10)\n"
        "    except (OSError, subprocess.TimeoutExpired): continue\n"
        "    if done.stdout.strip() == b'0': escaped(program)\n"
        "print(re.search('NoNewPrivs:.*', open('/proc/self/status').read())[0])",
        r"NoNewPrivs:\t1\n",
    ),
    Attempt(
        "raise-a-capability",
        "header = (ctypes.c_uint32 * 2)(0x20080522, 0); wanted = (ctypes.c_uint32 * 6)(1 << 12, 1 << 12, 0, 0, 0, 0)\n"
        "call(126, 91, ctypes.byref(header), ctypes.byref(wanted)); escaped('CAP_NET_ADMIN')",
        DENIED,
    ),
    Attempt("leave-no-new-privileges", "call(157, 167, 38, 0, 0, 0, 0); escaped('cleared')", r"EINVAL\n"),
    Attempt("block-device-node", "os.mknod('/work/disk', 0o60600, os.makedev(8, 0)); escaped('mknod')", DENIED),
    Attempt("character-device-node", "os.mknod('/tmp/mem', 0o20600, os.makedev(1, 1)); escaped('mknod')", DENIED),
    Attempt(
        "devices-of-the-host",
        "names = set(os.listdir('/dev')) - {'null', 'zero', 'full', 'random', 'urandom', 'tty', 'pts', 'ptmx', 'shm',\n"
        "    'mqueue', 'fd', 'stdin', 'stdout', 'stderr', 'core', 'console'}\n"
        "print('none') if not names else escaped(names)",
        r"none\n",
    ),
    Attempt(
        "devices-that-lead-out",
        "attempt_each(*[lambda n=n: open('/dev/' + n, 'r+b', 0) for n in ('net/tun', 'fuse', 'kvm', 'vsock', "
        "'vhost-vsock',\n"
        "    'mem', 'kmsg', 'loop-control', 'uinput', 'sda', 'vda', 'nvme0n1', 'userfaultfd')])",
        DENIED_OR_ABSENT,
    ),
    Attempt(
        "capabilities-of-a-file",
        "open('/work/tool', 'w').close()\n"
        "os.setxattr('/work/tool', 'security.capability', struct.pack('<5I', 0x2000001, 1 << 12, 0, 0, "
        "0)); escaped('set')",
        r"(EPERM|EOPNOTSUPP|ENOTSUP)\n",
    ),
    Attempt(
        "file-by-handle", "call(304, 265, -100, struct.pack('Ii8x', 8, 1), 0); escaped('handle')", r"(EPERM|EBADF)\n"
    ),
    Attempt("core-pattern", "open('/proc/sys/kernel/core_pattern', 'w').write('|/work/x')", DENIED),
    Attempt(
        "other-kernel-settings",
        "attempt_each(*[lambda f=f: open('/proc/sys/' + f, 'w')\n"
        "    for f in ('kernel/modprobe', 'vm/overcommit_memory', 'fs/protected_symlinks')])",
        DENIED_OR_ABSENT,
    ),
    Attempt(
        "binary-formats",
        "attempt_each(lambda: open('/proc/sys/fs/binfmt_misc/register', 'w').write(':x:M::x::/work/x:'))",
        DENIED_OR_ABSENT,
    ),
    Attempt("sysrq", "open('/proc/sysrq-trigger', 'w').write('h')", DENIED_OR_ABSENT),
    Attempt(
        "kernel-memory",
        "data = read('/proc/kcore'); escaped(len(data)) if data else print('empty')",
        r"(empty|EPERM|EACCES|ENOENT)\n",
    ),
    Attempt("kernel-log", "attempt_each(lambda: call(103, 116, 3, ctypes.create_string_buffer(64), 64))", DENIED),
    Attempt(
        "files-of-sysfs",
        "attempt_each(*[lambda f=f: open('/sys/' + f, 'w')\n"
        "    for f in ('kernel/uevent_helper', 'power/state', 'fs/cgroup/release_agent')])",
        DENIED_OR_ABSENT,
    ),
    Attempt(
        "agents-of-control-groups",
        "found = [os.path.join(d, n) for d, _, names in os.walk('/sys/fs/cgroup') for n in names\n"
        "         if n in ('release_agent', 'notify_on_release', 'cgroup.procs', 'cgroup.subtree_control')]\n"
        "attempt_each(*[lambda p=p: open(p, 'w').write('/work/x') for p in found[:500]])\n"
        "print('done')",
        r"((EPERM|EACCES|EROFS)\n)*done\n",
    ),
    Attempt(
        "new-control-group", "os.mkdir('/sys/fs/cgroup/escape'); escaped('cgroup')", r"(EPERM|EACCES|EROFS|ENOENT)\n"
    ),
    Attempt("kernel-module", "call(175, 105, b'', 0, b''); escaped('module')", DENIED),
    Attempt("kexec", "call(246, 104, 0, 0, None, 0); escaped('kexec')", DENIED),
    Attempt("bpf", "call(321, 280, 0, struct.pack('4I', 1, 4, 4, 1), 16); escaped('bpf')", DENIED),
    Attempt(
        "perf-events", "call(298, 241, struct.pack('2I', 1, 112) + bytes(104), 0, -1, -1, 0); escaped('perf')", DENIED
    ),
    Attempt("io-uring", "call(425, 425, 8, ctypes.create_string_buffer(120)); escaped('ring')", r"(EPERM|ENOSYS)\n"),
    Attempt("faults-handled-by-itself", "call(323, 282, 1); escaped('userfaultfd')", r"(EPERM|ENOSYS)\n"),
    Attempt("notices-of-a-file-system", "call(300, 262, 0, 0); escaped('fanotify')", r"(EPERM|ENOSYS)\n"),
    Attempt("users-keyring", "call(250, 219, 0, -4, 0); escaped('keyring')", DENIED),
    Attempt("add-a-key", "call(248, 217, b'user', b'x', b'y', 1, -3); escaped('key')", DENIED),
    Attempt("clock", "time.clock_settime(time.CLOCK_REALTIME, time.time()); escaped('clock')", DENIED),
    Attempt("host-name", "socket.sethostname('escaped'); escaped('hostname')", DENIED),
    Attempt("reboot", "call(169, 142, 0xfee1dead, 672274793, 0, None); escaped('reboot')", DENIED),
    Attempt("swap", "call(167, 224, b'/work/swap', 0); escaped('swap')", DENIED),
    Attempt("raised-priority", "os.setpriority(os.PRIO_PROCESS, 0, -20); escaped('nice')", DENIED),
    Attempt(
        "real-time-scheduling", "os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(50)); escaped('fifo')", DENIED
    ),
)
