"""What the local sandbox shows and refuses beyond what every runtime promises."""

import os
import signal
import socket
from pathlib import Path

import pytest

from tests.integration.runtimes import AGENT_GID, AGENT_UID, Box, finish, locked, make_spec
from vibedom.errors import SandboxError
from vibedom.sandbox.local import LocalRuntime
from vibedom.sandbox.runtime import Mount

pytestmark = [pytest.mark.anyio, pytest.mark.attack]

CALL = """
import ctypes, errno, os, sys
libc = ctypes.CDLL(None, use_errno=True)
libc.syscall.restype = ctypes.c_long
result = libc.syscall(*[ctypes.c_long(int(word, 0)) for word in sys.argv[1:]])
print("allowed" if result >= 0 else errno.errorcode[ctypes.get_errno()])
"""

TYPE_INTO_TERMINAL = """
import fcntl, sys
for command in (0x5412, 0x541C, 0xFFFFFFFF00005412 - (1 << 64)):
    try: fcntl.ioctl(0, command & 0xFFFFFFFF, b"x"); print("typed")
    except OSError as exc: print(exc.errno)
"""

OTHER_ARCHITECTURE = """
import ctypes, mmap
code = bytes.fromhex("b814000000cd80c3")  # mov eax, 20 (getpid of i386); int 0x80; ret
page = mmap.mmap(-1, 4096, prot=7)
page.write(code)
print("called", ctypes.CFUNCTYPE(ctypes.c_int)(ctypes.addressof(ctypes.c_char.from_buffer(page)))(), flush=True)
"""


@pytest.mark.parametrize(("number", "error"), [(425, "ENOSYS"), (426, "ENOSYS"), (427, "ENOSYS"), (435, "ENOSYS")])
async def test_io_uring_and_clone3_do_not_exist(box: Box, number: int, error: str) -> None:
    outcome = await finish(await box.exec("python3", "-c", CALL, str(number), "0", "0", "0"))
    assert outcome.out == f"{error}\n", outcome.err


async def test_nobody_can_type_into_a_terminal(box: Box) -> None:
    process = await box.exec("python3", "-c", TYPE_INTO_TERMINAL, tty=True)
    assert (await finish(process)).out.split() == ["1", "1", "1"]


@pytest.mark.skipif(os.uname().machine != "x86_64", reason="calls of i386 are made on x86_64")
async def test_calls_of_another_architecture_end_the_process(box: Box) -> None:
    outcome = await finish(await box.exec("python3", "-c", OTHER_ARCHITECTURE))
    assert (outcome.code, outcome.out) == (128 + signal.SIGSYS, "")
    x32 = await finish(await box.exec("python3", "-c", CALL, str(0x40000000 + 39)))
    assert (x32.code, x32.out) == (128 + signal.SIGSYS, "")


async def test_only_families_that_tools_need_have_sockets(box: Box) -> None:
    script = (
        "import socket\n"
        "for family, kind, protocol in ((38, 5, 0), (40, 1, 0), (16, 3, 9), (16, 3, 0), (1, 1, 0), (10, 1, 0)):\n"
        "    try: socket.socket(family, kind, protocol).close(); print('open')\n"
        "    except OSError as exc: print('refused')\n"
        "print(len(socket.if_nameindex()))"
    )
    outcome = await finish(await box.exec("python3", "-c", script))
    assert outcome.out.split() == ["refused", "refused", "refused", "open", "open", "open", "1"]


async def test_process_1_is_an_init_that_the_agent_can_neither_read_nor_trace_nor_kill(box: Box) -> None:
    script = (
        "cat /proc/1/comm; for f in environ mem maps auxv; do head -c1 /proc/1/$f 2>&1 | grep -c denied; done;"
        "ls /proc/1/fd 2>&1 | grep -c denied; kill -9 1; kill -STOP 1; echo $?"
    )
    outcome = await box.sh(script)
    assert outcome.out.split() == ["vibedom-init", "1", "1", "1", "1", "1", "0"]
    traced = await finish(
        await box.exec("python3", "-c", CALL, "101" if os.uname().machine == "x86_64" else "117", "16", "1")
    )
    assert traced.out == "EPERM\n"
    assert (await box.sh("echo alive")).out == "alive\n"


async def test_an_agent_that_kills_everybody_has_still_a_sandbox(box: Box) -> None:
    outcome = await finish(await box.exec("python3", "-c", "import os; os.kill(-1, 9)"))
    assert outcome.code in (0, 128 + signal.SIGKILL)
    assert (await box.sh("echo alive")).out == "alive\n"


async def test_an_agent_may_trace_its_own_children(box: Box) -> None:
    script = (
        "command -v strace >/dev/null || exec python3 -c '"
        + ('import ctypes,os; r=ctypes.CDLL(None).ptrace(0,0,0,0); print("traced" if r==0 else "refused")')
        + "'; strace -o /tmp/t true && echo traced"
    )
    assert (await box.sh(script)).out == "traced\n"


async def test_the_hosts_directories_are_not_there(box: Box) -> None:
    outcome = await box.sh("ls -A /root /opt /srv /media /sys /run /tmp /home 2>&1; ls -A /var/lib /var/log")
    allowed = {"", "/root", "/opt", "/srv", "/media", "/sys", "/run", "/tmp", "/home", "/var/lib", "/var/log", "agent"}
    lines = [line.rstrip(":") for line in outcome.out.splitlines() if "cannot access '/root'" not in line]
    assert set(lines) <= allowed


async def test_no_configuration_that_can_hold_a_credential_is_shown(box: Box) -> None:
    names = "shadow gshadow ssh apt npmrc pip.conf gitconfig docker machine-id sudoers krb5.keytab ssl/private"
    outcome = await box.sh(f"cd /etc && for n in {names}; do test -e $n && echo $n; done; echo end")
    assert outcome.out == "end\n"


def make_tool(path: Path) -> Path:
    """A program that belongs to the agent's user."""
    path.parent.mkdir(parents=True)
    path.write_text("#!/bin/sh\necho mine\n")
    path.chmod(0o755)
    os.chown(path, AGENT_UID, AGENT_GID)
    return path


async def test_what_the_settings_make_visible_is_there_and_read_only(runtime: LocalRuntime, tmp_path: Path) -> None:
    tool = make_tool(tmp_path / "home" / ".local" / "bin" / "mytool")
    (tmp_path / "home" / "private").write_text("private")
    spec = make_spec(tmp_path, mounts=[Mount(source=tool.parent, target=str(tool.parent))])
    async with locked(runtime, spec) as box:
        await box.idle()
        outcome = await box.sh(f"{tool}; ls {tmp_path}/home; echo x >>{tool}; rm {tool}")
    assert outcome.out == "mine\n"
    assert outcome.err.count("Read-only file system") == 2
    assert tool.read_text() == "#!/bin/sh\necho mine\n"


async def test_a_mask_is_never_made_up_in_the_agents_work(runtime: LocalRuntime, tmp_path: Path) -> None:
    (tmp_path / "empty").touch()
    mask = Mount(source=tmp_path / "empty", target="/work/.env")
    spec = make_spec(tmp_path, mounts=[mask])
    with pytest.raises(SandboxError, match=r"/work/\.env is not there"):
        await runtime.create(spec)
    spec = make_spec(tmp_path, mounts=[mask])
    (spec.workspace / ".env").symlink_to(tmp_path / "elsewhere")
    async with locked(runtime, spec) as box:
        outcome = await finish(await box.start("ls", "-A"))
    assert outcome.out == ".env\nreadme.txt\n"
    assert list(spec.upper.iterdir()) == []


async def test_a_socket_is_not_mounted(runtime: LocalRuntime, tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(tmp_path / "engine.sock"))
        (tmp_path / "link").symlink_to(tmp_path / "engine.sock")
        for name in ("engine.sock", "link"):
            spec = make_spec(tmp_path, mounts=[Mount(source=tmp_path / name, target="/tmp/engine.sock")])
            with pytest.raises(SandboxError, match="it is a socket"):
                await runtime.create(spec)


async def test_a_service_that_listens_in_the_workspace_or_a_visible_directory_is_not_reached(
    runtime: LocalRuntime, tmp_path: Path
) -> None:
    """Read-only does not keep anybody from connecting to a socket."""
    tools = make_tool(tmp_path / "tools" / "tool").parent
    spec = make_spec(tmp_path, mounts=[Mount(source=tools, target="/opt/tools")])
    with socket.socket(socket.AF_UNIX) as in_workspace, socket.socket(socket.AF_UNIX) as in_tools:
        for listening, directory in ((in_workspace, spec.workspace), (in_tools, tools)):
            listening.bind(str(directory / "service.sock"))
            os.chmod(directory / "service.sock", 0o777)
            listening.listen()
            listening.setblocking(False)
        async with locked(runtime, spec) as box:
            script = (
                "import socket\n"
                "for d in ('/mnt/workspace', '/work', '/opt/tools', '/proc/self/cwd'):\n"
                "    try: socket.socket(socket.AF_UNIX).connect(d + '/service.sock'); print('connected')\n"
                "    except OSError as exc: print(type(exc).__name__)\n"
            )
            outcome = await finish(await box.start("python3", "-c", script))
        for listening in (in_workspace, in_tools):
            with pytest.raises(BlockingIOError):
                listening.accept()
    assert outcome.out.split() == ["ConnectionRefusedError"] * 4


async def test_a_pipe_in_the_workspace_does_not_lead_to_its_reader_on_the_host(
    runtime: LocalRuntime, tmp_path: Path
) -> None:
    spec = make_spec(tmp_path)
    os.mkfifo(spec.workspace / "pipe")
    os.chmod(spec.workspace / "pipe", 0o666)
    reader = os.open(spec.workspace / "pipe", os.O_RDONLY | os.O_NONBLOCK)
    script = (
        "import errno, os\n"
        "for d in ('/mnt/workspace', '/work'):\n"
        "    try: print(os.write(os.open(d + '/pipe', os.O_WRONLY | os.O_NONBLOCK), b'attack'))\n"
        "    except OSError as exc: print(errno.errorcode[exc.errno])\n"
    )
    try:
        async with locked(runtime, spec) as box:
            outcome = await finish(await box.start("python3", "-c", script))
        assert os.read(reader, 10) == b""
    finally:
        os.close(reader)
    assert outcome.out.split() == ["ENXIO", "ENXIO"]


@pytest.mark.skipif(os.getuid() == 0, reason="root can run the agent as anybody")
async def test_an_ordinary_user_cannot_run_the_agent_as_somebody_else(runtime: LocalRuntime, tmp_path: Path) -> None:
    spec = make_spec(tmp_path, uid=os.getuid() + 1)
    with pytest.raises(SandboxError, match="belongs to uid"):
        await runtime.create(spec)
