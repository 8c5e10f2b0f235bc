"""What the sandbox is given so that git and ssh work in it: settings, known hosts, public keys, the way to the proxy.

Nothing here is secret. The private halves stay with the signing agent, on the host's side of its socket.
"""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from vibedom.sandbox.runtime import TRUST_MOUNT
from vibedom.sandbox.trust import write_public
from vibedom.ssh.agent import SOCKET
from vibedom.ssh.keys import Key
from vibedom.ssh.known_hosts import FILE, HostKey

DIRECTORY = "ssh"
MOUNT = f"{TRUST_MOUNT}/{DIRECTORY}"

ENVIRONMENT: Mapping[str, str] = {
    "SSH_AUTH_SOCK": f"{MOUNT}/{SOCKET}",
    "GIT_SSH_COMMAND": f"/bin/sh {MOUNT}/git-ssh",
    "GIT_SSH_VARIANT": "ssh",
}

_CONFIG = f"""\
Host *
    ProxyCommand /bin/sh {MOUNT}/connect %h %p
    IdentityAgent {MOUNT}/{SOCKET}
    UserKnownHostsFile {MOUNT}/{FILE}
    GlobalKnownHostsFile /dev/null
    StrictHostKeyChecking yes
    UpdateHostKeys no
    CheckHostIP no
    ForwardAgent no
    PasswordAuthentication no
    KbdInteractiveAuthentication no
"""

_GIT_SSH = f"""\
# What git runs as ssh. A repository that has a key of its own is offered that key and no other, else the host's own.
for argument; do
    place=$command
    command=$argument
done
host=${{place##*@}}
repository=${{command#* }}
repository=${{repository#\\'}}
repository=${{repository%\\'}}
repository=${{repository#/}}
repository=${{repository%/}}
repository=${{repository%.git}}
for name in "$host/$repository" "$host" default; do
    if [ -f "{MOUNT}/keys/$name.pub" ]; then
        exec ssh -F {MOUNT}/config -o IdentitiesOnly=yes -i "{MOUNT}/keys/$name.pub" "$@"
    fi
done
exec ssh -F {MOUNT}/config "$@"
"""

_CONNECT = """\
# The way of an SSH connection out of the sandbox: through the proxy, which decides whether there is one. HOST PORT
for shell in bash /bin/bash /usr/bin/bash /usr/local/bin/bash; do
    if command -v "$shell" >/dev/null 2>&1; then
        exec "$shell" "${0%/*}/connect.bash" "$1" "$2"
    fi
done
if command -v python3 >/dev/null 2>&1; then
    exec python3 -I "${0%/*}/connect.py" "$1" "$2"
fi
if command -v nc >/dev/null 2>&1; then
    exec sh "${0%/*}/connect.nc" "$1" "$2"
fi
echo "vibedom: SSH needs bash, python3 or nc in the sandbox; use an image that has one" >&2
exit 127
"""

_CONNECT_BASH = """\
proxy=${HTTPS_PROXY#*://}
proxy=${proxy%/}
exec 3<>"/dev/tcp/${proxy%:*}/${proxy##*:}" || exit 1
printf 'CONNECT %s:%s HTTP/1.1\\r\\nHost: %s:%s\\r\\n\\r\\n' "$1" "$2" "$1" "$2" >&3
read -r version status reason <&3
while read -r line <&3 && [ "$line" != $'\\r' ]; do :; done
if [ "$status" != 200 ]; then
    echo "vibedom: SSH to $1:$2 is not allowed ($status); see /etc/vibedom/brief.md" >&2
    exit 1
fi
exec 4<&0
cat <&4 >&3 &
up=$!
cat <&3 4<&- &
down=$!
trap 'kill $up $down 2>/dev/null' EXIT
# Whichever side is gone, the other has nobody to talk to: ssh never closes one direction alone.
wait -n
"""

_CONNECT_NC = """\
proxy=${HTTPS_PROXY#*://}
proxy=${proxy%/}
exec 4<&0
{
    printf 'CONNECT %s:%s HTTP/1.1\\r\\nHost: %s:%s\\r\\n\\r\\n' "$1" "$2" "$1" "$2"
    cat <&4
} | nc "${proxy%:*}" "${proxy##*:}" | {
    read -r version status reason
    while read -r line && [ "${#line}" -gt 1 ]; do :; done
    if [ "$status" != 200 ]; then
        echo "vibedom: SSH to $1:$2 is not allowed ($status); see /etc/vibedom/brief.md" >&2
        # nc would go on waiting, and ssh for it.
        kill $$
        exit 1
    fi
    cat
}
"""

_CONNECT_PYTHON = """\
import os, socket, sys, threading
host, port = sys.argv[1:3]
proxy = os.environ["HTTPS_PROXY"].split("://")[-1].rstrip("/").rpartition(":")
there = socket.create_connection((proxy[0].strip("[]"), int(proxy[2])))
there.sendall(f"CONNECT {host}:{port} HTTP/1.1\\r\\nHost: {host}:{port}\\r\\n\\r\\n".encode())
head = b""
while not head.endswith(b"\\r\\n\\r\\n"):
    byte = there.recv(1)
    if not byte:
        break
    head += byte
if head.split(b" ")[1:2] != [b"200"]:
    sys.exit(f"vibedom: SSH to {host}:{port} is not allowed; see /etc/vibedom/brief.md")

def up():
    while data := os.read(0, 65536):
        there.sendall(data)
    os._exit(0)

threading.Thread(target=up, daemon=True).start()
while data := there.recv(65536):
    os.write(1, data)
"""


def write_ssh_files(trust: Path, keys: Sequence[Key], known: Sequence[HostKey]) -> None:
    """Make `ssh/` in the session's trust directory. Every uid of the sandbox can read it, and none can write it."""
    directory = _public_directory(trust / DIRECTORY)
    write_public(directory / "config", _CONFIG.encode())
    write_public(directory / "git-ssh", _GIT_SSH.encode())
    write_public(directory / "connect", _CONNECT.encode())
    write_public(directory / "connect.bash", _CONNECT_BASH.encode())
    write_public(directory / "connect.nc", _CONNECT_NC.encode())
    write_public(directory / "connect.py", _CONNECT_PYTHON.encode())
    write_public(directory / FILE, "".join(f"{key.line}\n" for key in known).encode())
    shown = _public_directory(directory / "keys")
    for key in keys:
        path = shown / f"{key.name}.pub"
        for parent in reversed(path.parents):
            if shown in parent.parents:
                _public_directory(parent)
        write_public(path, f"{key.public}\n".encode())


def write_home_config(home: Path, uid: int, gid: int) -> None:
    """`~/.ssh/config` of the agent, so that `ssh`, `scp` and `rsync` go the same way as git. ssh wants it owned by its
    user, which nothing in the trust directory is."""
    directory = home / ".ssh"
    directory.mkdir(mode=0o700)
    config = directory / "config"
    config.write_text(_CONFIG)
    config.chmod(0o600)
    for path in (directory, config):
        os.chown(path, uid, gid)


def _public_directory(path: Path) -> Path:
    path.mkdir(mode=0o755, exist_ok=True)
    path.chmod(0o755)
    return path
