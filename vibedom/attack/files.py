"""Attempts to read what is not the agent's, and to write what is not its own."""

from vibedom.attack.attempt import DENIED, NOT_THERE, Attempt

FILES = (
    Attempt("write-the-workspace", "open('/mnt/workspace/readme.txt', 'a')", r"EROFS\n"),
    Attempt("create-in-the-workspace", "open('/mnt/workspace/new.txt', 'w')", r"EROFS\n"),
    Attempt("delete-from-the-workspace", "os.unlink('/mnt/workspace/readme.txt')", r"EROFS\n"),
    Attempt("chmod-in-the-workspace", "os.chmod('/mnt/workspace/readme.txt', 0o777)", r"EROFS\n"),
    Attempt(
        "hard-link-out-of-the-workspace", "os.link('/mnt/workspace/readme.txt', '/work/hard')", r"(EXDEV|EROFS|EPERM)\n"
    ),
    Attempt(
        "rename-into-the-workspace",
        "open('/work/r', 'w').close(); os.rename('/work/r', '/mnt/workspace/r')",
        r"(EXDEV|EROFS)\n",
    ),
    Attempt(
        "write-the-workspace-through-proc",
        "fd = os.open('/mnt/workspace/readme.txt', os.O_PATH)\nopen(f'/proc/self/fd/{fd}', 'a')",
        r"EROFS\n",
    ),
    Attempt(
        "symbolic-link-to-a-host-file",
        "os.symlink(far['canary'], '/work/link'); escaped(read('/work/link'))",
        NOT_THERE,
    ),
    Attempt("file-in-the-users-home", "escaped(read(far['canary']))", NOT_THERE, works_outside=True),
    Attempt("climb-out-with-dots", "escaped(read('/work/' + '../' * 40 + far['canary']))", NOT_THERE),
    Attempt("climb-out-through-proc-root", "escaped(read('/proc/1/root' + far['canary']))", NOT_THERE),
    Attempt("climb-out-through-proc-cwd", "escaped(read('/proc/1/cwd/' + '../' * 40 + far['canary']))", NOT_THERE),
    Attempt("directory-of-the-session", "escaped(os.listdir(far['session']))", NOT_THERE, works_outside=True),
    Attempt("roots-home", "attempt_each(lambda: [open('/root/.ssh/id_rsa'), open('/root/.bash_history')])", NOT_THERE),
    Attempt("shadow-file", "escaped(read('/etc/shadow'))", NOT_THERE),
    Attempt(
        "private-key-of-the-ca",
        "found = [os.path.join(d, f) for top in ('/etc/vibedom', '/home', '/work', '/tmp', '/run', '/var', '/mnt')\n"
        "         for d, _, names in os.walk(top) for f in names if os.path.isfile(os.path.join(d, f))]\n"
        "assert any(path.endswith('ca.pem') for path in found)\n"
        "def text(path):\n"
        "    try: return open(path, 'rb').read(1 << 20)\n"
        "    except OSError: return b''\n"
        "held = [path for path in found if b'PRIVATE ' + b'KEY--' in text(path)]\n"
        "print('none') if not held else escaped(held)",
        r"none\n",
    ),
    Attempt("write-the-trusted-certificates", "open('/etc/vibedom/ca-bundle.pem', 'a')", DENIED),
    Attempt("replace-the-trusted-certificates", "os.rename('/etc/vibedom/ca.pem', '/etc/vibedom/old.pem')", DENIED),
    Attempt("write-a-program-of-the-system", "open('/usr/bin/env', 'a')", DENIED),
    Attempt("write-the-running-program", "open('/proc/self/exe', 'r+b')", r"(EROFS|ETXTBSY|EACCES|EPERM)\n"),
    Attempt(
        "sockets-in-the-file-system",
        "import stat\n"
        "found = []\n"
        "for top in ('run', 'var', 'tmp', 'home', 'work', 'mnt', 'root', 'dev', 'etc', 'usr/local', 'opt', 'srv'):\n"
        "    for d, _, names in os.walk('/' + top):\n"
        "        for n in names:\n"
        "            try: mode = os.lstat(os.path.join(d, n)).st_mode\n"
        "            except OSError: continue\n"
        "            if stat.S_ISSOCK(mode) and os.path.join(d, n) != '/etc/vibedom/ssh/agent.sock': found.append(n)\n"
        "print('none') if not found else escaped(found)",
        r"none\n",
    ),
    Attempt(
        "engine-sockets",
        "def use(path):\n"
        "    s = socket.socket(socket.AF_UNIX); s.connect(path); escaped(path)\n"
        "attempt_each(*[lambda p=p: use(p) for p in ('/var/run/docker.sock', '/run/docker.sock',\n"
        "    '/run/containerd/containerd.sock', '/run/podman/podman.sock', '/run/dbus/system_bus_socket',\n"
        "    '/run/systemd/private', '/tmp/.X11-unix/X0')])",
        r"((ENOENT|ENOTDIR|EACCES)\n){7}",
    ),
)
