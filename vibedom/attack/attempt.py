"""What a hostile agent tries, as data: one row is one attempt from inside a running sandbox, for every runtime.

A row's code is Python for the sandbox's own interpreter. It calls `escaped` if it got through; an `OSError` that it
does not catch is printed as its name. `seen` has to match all that was printed, so that an attempt which fails for
another reason than the border (a typing error, a missing program) does not pass for a success of the border.

The far side is in `far`: a dictionary of what `far_side.py` has put on the host for the agent not to find.
"""

import re
from dataclasses import dataclass

PRELUDE = '''
import ctypes, errno, json, os, re, socket, struct, subprocess, sys, time
far = json.loads(os.environ["FAR"])
libc = ctypes.CDLL(None, use_errno=True)
libc.syscall.restype = ctypes.c_long
IS_ARM = os.uname().machine == "aarch64"

def escaped(what):
    print("ESCAPED", what); sys.stdout.flush(); os._exit(0)

def call(x86, arm, *args):
    """A system call by number; raises OSError."""
    result = libc.syscall(ctypes.c_long(arm if IS_ARM else x86), *args)
    if result < 0: raise OSError(ctypes.get_errno(), "refused")
    return result

def attempt_each(*actions):
    """Every action must be refused with OSError; prints the names of the refusals."""
    for action in actions:
        try: action()
        except OSError as exc: print(errno.errorcode.get(exc.errno, type(exc).__name__))
        else: escaped(action)

def connect(host, port, family=socket.AF_INET, kind=socket.SOCK_STREAM, data=b"attack"):
    """Send to host:port; raises OSError if that is refused, and says so if it took longer than a second."""
    begin = time.monotonic()
    try:
        with socket.socket(family, kind) as s:
            s.settimeout(3); s.connect((host, port)); s.send(data); s.settimeout(1)
            try: return s.recv(4096)
            except TimeoutError: escaped(f"{host} port {port} did not refuse")
    finally:
        if time.monotonic() - begin > 1: print("SLOW")

def read(path):
    with open(path, "rb") as file: return file.read(4096)

def ask(host, kind, name=b"\\x06secret\\x07attempt\\x04test\\x00", qtype=16):
    """The header of a DNS answer: response code and number of records."""
    question = b"\\x12\\x34\\x01\\0\\0\\x01\\0\\0\\0\\0\\0\\0" + name + struct.pack("!HH", qtype, 1)
    is_tcp = kind == socket.SOCK_STREAM
    answer = connect(host, 53, kind=kind, data=(len(question).to_bytes(2, "big") if is_tcp else b"") + question)
    header = struct.unpack("!6H", answer[2 * is_tcp:][:12])
    print("rcode", header[1] & 15, "answers", header[3])
'''

REFUSED = r"(ECONNREFUSED|EHOSTUNREACH|ENETUNREACH|EACCES|EPERM|EADDRNOTAVAIL|ECONNRESET)\n"
DENIED = r"(EPERM|EACCES|EROFS)\n"
DENIED_OR_ABSENT = r"((EPERM|EACCES|EROFS|ENOENT)\n)+"
NOT_THERE = r"(ENOENT|EACCES|EPERM|ENOTDIR)\n"


@dataclass(frozen=True)
class Attempt:
    """One row."""

    name: str
    code: str
    seen: str
    """Regular expression for the whole output."""
    works_outside: bool = False
    """The same code gets through on the host: the control that shows the attempt is a real one."""


def program(attempt: Attempt) -> str:
    """The whole program of a row, for `python3 -c`."""
    body = "\n".join(f"    {line}" for line in attempt.code.splitlines())
    return (
        f"{PRELUDE}\ntry:\n{body}\n"
        "except OSError as exc:\n    print(errno.errorcode.get(exc.errno, type(exc).__name__))\n"
    )


def holds(attempt: Attempt, output: str) -> bool:
    """Whether the output is that of a border that held: nothing got out, and the refusal is the right one."""
    return "ESCAPED" not in output and re.fullmatch(attempt.seen, output) is not None
