"""The lockdown on a Docker Engine: it fails closed, survives what is done to it from outside, and cannot be undone."""

import select
import socket
from collections.abc import Iterator
from pathlib import Path

import aiodocker
import anyio
import pytest

from tests.integration.docker.engine_objects import everything, named, root_exec
from tests.integration.runtimes import Box, finish, make_spec, opened
from vibedom.attack.far_side import host_addresses
from vibedom.errors import LockdownError, SandboxError
from vibedom.sandbox import docker_holder, docker_network, image
from vibedom.sandbox.docker import DockerRuntime
from vibedom.sandbox.docker_caller import Caller
from vibedom.sandbox.docker_permit import Permit
from vibedom.sandbox.lockdown import Lockdown
from vibedom.sandbox.runtime import Command

pytestmark = [pytest.mark.anyio, pytest.mark.engine]


@pytest.fixture
def bait() -> Iterator[socket.socket]:
    """A TCP listener on every address of the host; at the end of the test nobody may have knocked."""
    with socket.create_server(("0.0.0.0", 0)) as server:
        yield server
        assert select.select([server], [], [], 0.2)[0] == []


async def knock(box: Box, *targets: tuple[str, int]) -> str:
    """Connect from inside to each target with three seconds' patience; prints who answered."""
    script = "; ".join(
        f'timeout 3 bash -c "exec 3<>/dev/tcp/{host}/{port}" 2>/dev/null && echo {host}:{port}'
        for host, port in targets
    )
    return (await box.sh(f"{script}; echo end")).out


async def test_the_holder_has_given_its_capabilities_up(box: Box, docker: aiodocker.Docker) -> None:
    holder = await named(docker, box.spec.session, "holder")
    pid = (await holder.show())["State"]["Pid"]
    text = await anyio.Path(f"/proc/{pid}/status").read_text()
    status = dict(line.split(":\t", 1) for line in text.splitlines() if ":\t" in line)
    assert {int(status[name], 16) for name in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb")} == {0}
    assert status["NoNewPrivs"] == "1"


async def test_a_second_network_attached_from_outside_stays_closed(
    box: Box, docker: aiodocker.Docker, bait: socket.socket
) -> None:
    network = await docker.networks.create({"Name": f"{box.spec.session}-outside", "Driver": "bridge"})
    try:
        gateway = (await network.show())["IPAM"]["Config"][0]["Gateway"]
        holder = await named(docker, box.spec.session, "holder")
        await network.connect({"Container": holder.id})
        assert "eth1" in (await box.sh("ls /sys/class/net")).out
        targets = [(gateway, bait.getsockname()[1]), ("1.1.1.1", 22), ("8.8.8.8", 443)]
        # 443 is answered by vibedom's own listener, as ever; nothing else answers.
        assert await knock(box, *targets[:2]) == "end\n"
        assert (await box.sh("env -i curl -sSk --max-time 5 https://8.8.8.8/")).code != 0
        assert box.border.https != []
    finally:
        await network.disconnect({"Container": holder.id, "Force": True})
        await network.delete()


async def test_a_second_network_with_ipv6_stays_closed(box: Box, docker: aiodocker.Docker) -> None:
    network = await docker.networks.create(
        {
            "Name": f"{box.spec.session}-six",
            "EnableIPv6": True,
            "IPAM": {"Config": [{"Subnet": "fd5a:7e57::/64", "Gateway": "fd5a:7e57::1"}]},
        }
    )
    holder = await named(docker, box.spec.session, "holder")
    try:
        await network.connect({"Container": holder.id})
        with socket.create_server(("::", 0), family=socket.AF_INET6) as bait:
            port = bait.getsockname()[1]
            assert "fd5a:7e57" in (await box.sh("cat /proc/net/if_inet6 | sed 's/\\(....\\)/\\1:/g'")).out
            assert await knock(box, ("fd5a:7e57::1", port), ("fd5a:7e57::1", 80)) == "end\n"
            assert select.select([bait], [], [], 0.2)[0] == []
    finally:
        await network.disconnect({"Container": holder.id, "Force": True})
        await network.delete()


async def test_a_second_network_cannot_be_attached_to_the_agents_own_container(
    box: Box, docker: aiodocker.Docker
) -> None:
    network = await docker.networks.create({"Name": f"{box.spec.session}-aside", "Driver": "bridge"})
    try:
        agent = await named(docker, box.spec.session, "agent")
        with pytest.raises(aiodocker.DockerError, match="sharing network namespace"):
            await network.connect({"Container": agent.id})
    finally:
        await network.delete()


async def test_what_somebody_else_starts_inside_as_root_gets_no_further(
    box: Box, docker: aiodocker.Docker, bait: socket.socket
) -> None:
    host, port = box.sandbox.listeners.proxy_url.removeprefix("http://").rpartition(":")[0], bait.getsockname()[1]
    probe = (
        f"for at in {host} {' '.join(host_addresses())}; do"
        f' timeout 3 bash -c "exec 3<>/dev/tcp/$at/{port}" 2>/dev/null && echo reached; done;'
        " id -u; grep CapEff /proc/self/status; mount -t tmpfs none /mnt 2>/dev/null && echo mounted; echo end"
    )
    agent = await named(docker, box.spec.session, "agent")
    _, said = await root_exec(agent, "bash", "-c", probe)
    assert said.split() == ["0", "CapEff:", "0000000000000000", "end"]


async def test_the_engines_resolver_is_closed(box: Box) -> None:
    assert await knock(box, ("127.0.0.11", 53)) == "end\n"
    outcome = await box.sh("timeout 3 bash -c 'exec 3<>/dev/udp/127.0.0.11/53 && printf x >&3'; echo $?")
    assert outcome.out == "1\n"


async def test_the_proxy_is_not_at_any_other_address_of_the_host(box: Box) -> None:
    port = int(box.sandbox.listeners.proxy_url.rpartition(":")[2])
    for address in host_addresses():
        with pytest.raises(ConnectionRefusedError), socket.create_connection((address, port), timeout=3):
            pass


async def test_the_proxy_hears_nothing_that_comes_in_by_another_interface(box: Box, docker: aiodocker.Docker) -> None:
    """A container on another bridge routes to the gateway's address through the host, as a machine of the LAN would."""
    host, _, port = box.sandbox.listeners.proxy_url.removeprefix("http://").rpartition(":")
    probe = f"timeout 3 bash -c 'exec 3<>/dev/tcp/{host}/{port}' && echo reached; echo end"
    stranger = await docker.containers.create({"Image": image.NAME, "Cmd": ["sleep", "1000"]})
    try:
        await stranger.start()
        _, said = await root_exec(stranger, "bash", "-c", probe)
        assert "reached" not in said
        assert "Connection refused" in said
    finally:
        await stranger.delete(force=True)
    assert box.border.requests == []


async def test_the_sandbox_cannot_be_reached_from_the_host(box: Box) -> None:
    server = await box.exec("python3", "-u", "-m", "http.server", "8000")
    assert b"Serving" in (await server.read() or b"")
    peers = box.sandbox.listeners.peers
    assert peers
    with pytest.raises(OSError), socket.create_connection((*peers, 8000), timeout=1):
        pass


async def test_rules_that_were_taken_away_are_noticed_by_the_next_proof(
    runtime: DockerRuntime, docker: aiodocker.Docker, tmp_path: Path
) -> None:
    async with opened(runtime, make_spec(tmp_path)) as box:
        await box.sandbox.lock()
        holder = await named(docker, box.spec.session, "holder")
        assert (await root_exec(holder, "iptables", "-P", "OUTPUT", "ACCEPT"))[0] == 0
        assert (await root_exec(holder, "iptables", "-F", "OUTPUT"))[0] == 0
        with pytest.raises(LockdownError, match=r"does not hold|does not reject"):
            await box.sandbox.lock()
        assert await everything(docker, box.spec.session) == []
        with pytest.raises(SandboxError):
            await box.sandbox.start(Command(argv=["true"], tty=False))


class NoIpv6(Lockdown, frozen=True):
    """A lockdown whose IPv6 half this kernel does not take."""

    def ipv6_rules(self) -> str:
        return "*filter\n-A OUTPUT -j NO_SUCH_TARGET\nCOMMIT\n"


class NoIpv4(Lockdown, frozen=True):
    """A lockdown whose IPv4 half this kernel does not take."""

    def ipv4_rules(self) -> str:
        return "*filter\n-A OUTPUT -j NO_SUCH_TARGET\nCOMMIT\n"


class Nobody:
    """Is told nothing worth knowing."""

    def running(self, address: str) -> None:
        assert address

    def locked(self) -> None:
        raise AssertionError("it is not locked")

    def reported(self, text: str) -> None:
        raise AssertionError(text)


@pytest.mark.parametrize(("kind", "reason"), [(NoIpv4, "iptables-restore"), (NoIpv6, "ip6tables-restore")])
async def test_a_rule_that_cannot_be_set_ends_the_start(
    runtime: DockerRuntime, docker: aiodocker.Docker, tmp_path: Path, kind: type[Lockdown], reason: str
) -> None:
    name = f"test-{tmp_path.name}".replace("_", "-")[:40]
    caller = Caller(runtime.endpoint())
    caller.greet()
    bridge = docker_network.create(caller, name, {})
    listeners = docker_network.listen(bridge)
    good = docker_network.lockdown(bridge, listeners)
    rules = kind(**{field: getattr(good, field) for field in good.__struct_fields__})
    permit = Permit(tmp_path, name)
    permit.give()
    holder = docker_holder.create(caller, name, bridge=bridge, rules=rules, attempts={}, permit=permit, labels={})
    container = docker.containers.container(holder)
    try:
        with pytest.raises(LockdownError, match=reason):
            docker_holder.start(caller, holder, Nobody())
        with anyio.fail_after(30):
            assert (await container.wait())["StatusCode"] == 1
    finally:
        docker_network.close(listeners)
        await container.delete(force=True)
        await (await docker.networks.get(bridge.id)).delete()


async def test_a_holder_that_never_gets_ready_is_given_up(runtime: DockerRuntime, docker: aiodocker.Docker) -> None:
    container = await docker.containers.create(
        {"Image": image.NAME, "Cmd": ["sleep", "1000"], "HostConfig": {"NetworkMode": "none"}}
    )
    try:
        with pytest.raises(LockdownError, match="within 3 s"):
            docker_holder.start(Caller(runtime.endpoint()), container.id, Nobody(), seconds=3)
    finally:
        await container.delete(force=True)


async def test_a_client_without_any_variable_trusts_the_sessions_ca(box: Box) -> None:
    script = (
        "import ssl; found = ssl.create_default_context().get_ca_certs();"
        "print(len(found), 'vibedom test CA' in str(found))"
    )
    outcome = await finish(await box.exec("env", "-i", "/usr/bin/python3", "-c", script))
    count, ours = outcome.out.split()
    assert int(count) > 100
    assert ours == "True"


async def test_no_socket_of_the_host_is_inside(box: Box) -> None:
    outcome = await box.sh("find / -xdev -type s 2>/dev/null; awk 'NR > 1 && $8 {print $8}' /proc/net/unix")
    assert (outcome.code, outcome.out) == (0, "")


async def test_no_socket_that_a_network_namespace_does_not_hold(box: Box) -> None:
    script = (
        "import socket\n"
        "kinds = (socket.SOCK_STREAM, socket.SOCK_DGRAM, socket.SOCK_RAW, socket.SOCK_SEQPACKET)\n"
        "def is_open(*what):\n"
        "    try: socket.socket(*what).close(); return True\n"
        "    except OSError: return False\n"
        "print(sorted({family for family in range(1, 48) for kind in kinds if is_open(family, kind, 0)}))\n"
        "print([protocol for protocol in range(23) if is_open(socket.AF_NETLINK, socket.SOCK_RAW, protocol)])\n"
    )
    outcome = await finish(await box.exec("python3", "-c", script))
    assert outcome.out == "[1, 2, 10, 16]\n[0]\n"


async def test_calls_that_are_refused_and_calls_that_seem_not_to_exist(box: Box) -> None:
    script = (
        "import ctypes, errno, os\n"
        "libc = ctypes.CDLL(None, use_errno=True)\n"
        "numbers = {'x86_64': (425, 435, 272, 321, 165), 'aarch64': (425, 435, 97, 280, 40)}[os.uname().machine]\n"
        "for number in numbers:\n"
        "    print(libc.syscall(number, 0x10000000, 0, 0, 0, 0), errno.errorcode[ctypes.get_errno()])\n"
        "pid = os.fork()\n"
        "pid or os._exit(0)\n"
        "print(os.waitpid(pid, 0)[1])\n"
    )
    outcome = await finish(await box.exec("python3", "-c", script))
    assert outcome.out == "-1 ENOSYS\n-1 ENOSYS\n-1 EPERM\n-1 EPERM\n-1 EPERM\n0\n"
