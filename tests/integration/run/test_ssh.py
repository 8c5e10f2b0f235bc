"""git over SSH from inside a sandbox, on every runtime, against a real OpenSSH server."""

from collections.abc import AsyncIterator
from pathlib import Path

import anyio
import pytest

from tests.integration.run.conftest import Vibedom
from tests.support.sshd import SshServer, make_host_key, ssh_server
from vibedom.paths import Home
from vibedom.ssh.keys import create_key

pytestmark = [pytest.mark.anyio, pytest.mark.engine]
HOST = "git.test"


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[SshServer]:
    async with ssh_server(tmp_path / "sshd") as running:
        yield running


def policy(server: SshServer) -> str:
    return f'[[hosts]]\npattern = "{HOST}"\nssh = true\ndial = "127.0.0.1:{server.port}"\n'


def know(vibedom: Vibedom, server: SshServer, host: str = HOST) -> None:
    directory = vibedom.home / "ssh"
    directory.mkdir(mode=0o700, exist_ok=True)
    with (directory / "known_hosts").open("a") as file:
        file.write(f"{host} {server.host_key}\n")


async def ready(vibedom: Vibedom, server: SshServer) -> str:
    """A key that the server admits, its host key known, its host allowed. The public half."""
    done = await vibedom("init")
    assert done.code == 0, done
    public = done.out.strip()
    server.admit(public)
    know(vibedom, server)
    vibedom.policy(policy=policy(server))
    return public


async def test_git_clones_and_pushes_over_ssh_without_having_a_key(
    vibedom: Vibedom, server: SshServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await ready(vibedom, server)
    own = tmp_path / "own"
    (own / ".ssh").mkdir(parents=True)
    make_host_key(own / ".ssh" / "id_ed25519")
    (own / ".gitconfig").write_text('[user]\nname = The \\"Us\\"er\nemail = user@test\n[alias]\nx = !touch /tmp/x\n')
    monkeypatch.setenv("HOME", str(own))
    monkeypatch.setenv("SSH_AUTH_SOCK", str(own / "agent-of-the-user"))
    inside = (vibedom.home / "ssh" / "default").read_text().splitlines()[4][:60]
    repository = server.repository("project")
    script = f"""
        git clone -q {server.url(HOST, repository)} /tmp/clone; cd /tmp/clone; echo hello > new.txt; git add new.txt
        git commit -qm second; git push -q origin HEAD:main; echo "push: $?"
        echo "sock: $SSH_AUTH_SOCK"
        git config --global --list
        ls ~/.ssh; ls {own} {vibedom.home} 2>&1
        ssh-keygen -q -t ed25519 -N '' -f /tmp/mine
        for attempt in "ssh-add /tmp/mine" "ssh-add -D" "ssh-add -d /tmp/mine" "ssh-add -x"; do
            echo word | SSH_ASKPASS=/bin/false setsid $attempt >/dev/null 2>&1; echo "$attempt: $?"
        done
        ssh-add -L > /tmp/offered.pub
        echo text | ssh-keygen -Y sign -f /tmp/offered.pub -n file >/dev/null 2>&1; echo "sign: $?"
        ssh-add -l | sed 's/.*vibedom/listed: vibedom/'
        grep -rs -e '{inside}' /etc/vibedom ~ /tmp /proc/self/environ; echo "found: $?"
    """
    done = await vibedom.sh(script)
    lines = done.out.splitlines()
    said = {line.partition(": ")[0]: line.partition(": ")[2] for line in lines if ": " in line}
    assert said["push"] == "0", done
    log = await anyio.run_process(["git", "-C", str(repository), "log", "--format=%an %ae %s", "main"])
    assert log.stdout.decode() == 'The "Us"er user@test second\nOwner owner@test first\n'
    assert said["sock"] == "/etc/vibedom/ssh/agent.sock"
    assert not any(line.startswith("alias") for line in lines)
    assert "id_ed25519" not in done.out
    assert done.out.count("No such file or directory") == 2, done
    for attempt in ("ssh-add /tmp/mine", "ssh-add -D", "ssh-add -d /tmp/mine", "ssh-add -x", "sign", "found"):
        assert said[attempt] not in ("", "0"), (attempt, done)
    assert said["listed"].startswith("vibedom default"), "the key is still there"
    ends = [r for r in vibedom.records() if r["kind"] == "response" and r.get("host") == HOST]
    assert len(ends) == 2
    assert all(r["port"] == 22 and int(str(r["request_bytes"])) > 1000 < int(str(r["response_bytes"])) for r in ends)
    assert (vibedom.session / "session.log").read_text().count("default was used to log in to git.test") == 2


async def test_a_host_that_is_not_listed_or_whose_key_is_another_is_refused(
    vibedom: Vibedom, server: SshServer, tmp_path: Path
) -> None:
    await ready(vibedom, server)
    repository = server.repository("project")
    make_host_key(tmp_path / "another")
    another = " ".join((tmp_path / "another.pub").read_text().split()[:2])
    (vibedom.home / "ssh" / "known_hosts").write_text(f"{HOST} {another}\nother.test {server.host_key}\n")
    blind = "ssh -F /etc/vibedom/ssh/config -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null"
    done = await vibedom.sh(f"""
        git clone -q {server.url("other.test", repository)} /tmp/clone; echo $?
        git clone -q {server.url(HOST, repository)} /tmp/clone; echo $?
        # An agent that looks away gets a connection but no signature: the host key is checked on both sides.
        GIT_SSH_COMMAND='{blind}' git clone -q {server.url(HOST, repository)} /tmp/clone; echo $?
    """)
    assert done.out == "128\n128\n128\n", done
    assert "SSH to other.test:22 is not allowed" in done.err
    assert "Host key verification failed" in done.err
    assert "Permission denied (publickey)" in done.err
    assert {r["verdict"] for r in vibedom.records() if r.get("host") == "other.test"} == {"deny"}


@pytest.mark.parametrize("runtime", ["local"], indirect=True)
async def test_two_repositories_of_one_host_use_a_key_each(vibedom: Vibedom, server: SshServer) -> None:
    await ready(vibedom, server)
    one, two = server.repository("one"), server.repository("two")
    home = Home(root=vibedom.home)
    # Each key opens one repository, whatever is asked for: with the wrong key it would be the other's branch.
    server.admit(
        *(
            f'command="git-upload-pack {repository}" {create_key(home, f"{HOST}{repository}"[:-4])[0].public}'
            for repository in (one, two)
        )
    )
    for repository, name in ((one, "one"), (two, "two")):
        await anyio.run_process(["git", "-C", str(repository), "branch", f"only-{name}", "main"])
    done = await vibedom.sh("; ".join(f"git ls-remote {server.url(HOST, r)} 'only-*'; echo ." for r in (one, two)))
    assert [part.split()[-1] for part in done.out.split(".\n")[:2]] == ["refs/heads/only-one", "refs/heads/only-two"]
