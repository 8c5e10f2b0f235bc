"""What a sandbox on an engine stands on: its network, and the holder that has locked it. Made in a thread.

It needs nothing of a session but its name, so `vibedom run` starts it before it has read a rule or imported a library:
an engine works by itself meanwhile.
"""

import secrets
import sys
import threading
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from vibedom.errors import RuntimeUnavailableError, SandboxError
from vibedom.paths import ensure_private
from vibedom.sandbox import docker_holder, docker_labels, docker_network, selftest
from vibedom.sandbox.docker_baits import Baits
from vibedom.sandbox.docker_caller import Caller
from vibedom.sandbox.docker_endpoint import Endpoint, unsuitable
from vibedom.sandbox.docker_http import MissingError
from vibedom.sandbox.docker_network import Bridge
from vibedom.sandbox.docker_permit import Permit
from vibedom.sandbox.runtime import Listeners

_TURN_SECONDS = 0.0005


class Foundation:
    """Of one sandbox. `wait` for it; `abort` it where it is not wanted any more. For any thread."""

    bridge: Bridge
    listeners: Listeners
    baits: Baits
    holder: str
    """The container's id."""

    def __init__(self, endpoint: Endpoint, session: str, labels: Mapping[str, str], permits: Path) -> None:
        """`labels` are those of everything that the session makes in the engine; `permits` is a directory that no
        sandbox sees."""
        self.session = session
        # Never a name that a crashed session may still hold: the engine gives back an old volume of the same name.
        self.name = f"vibedom-{session}-{secrets.token_hex(3)}"
        self.labels = labels
        self.report = ""
        """The lines of the holder's self-test so far."""
        self._endpoint = endpoint
        self._caller = Caller(endpoint)
        self._permits = permits
        self._permit = Permit(permits, _holder(self.name))
        self._has_asked = False
        self._is_taken = False
        self._failure: BaseException | None = None
        # Each is also set where it has failed.
        self._is_made = threading.Event()
        self._is_running = threading.Event()
        self._is_locked = threading.Event()
        self._usual_turn = sys.getswitchinterval()
        # A process that ends does not wait for the self-test's answers.
        self._thread = threading.Thread(target=self._lay, name="foundation", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def settle(self) -> None:
        """Return once nothing more of it is being made, and its report is there or will never be."""
        self._thread.join()

    def wait_made(self) -> None:
        """Return once the listeners are bound and the holder has its id. Raises what `wait` raises."""
        self._wait(self._is_made)

    def wait_running(self) -> None:
        """Return once there is a namespace to join, not locked yet: `wait` has to follow. Raises what `wait` raises."""
        self._wait(self._is_running)

    def wait(self) -> None:
        """Return once it is locked. Raises what went wrong; then, and after `abort`, there may be some of it in the
        engine: its labels tell."""
        self._wait(self._is_locked)

    def _wait(self, event: threading.Event) -> None:
        event.wait()
        if self._failure is not None:
            raise self._failure

    def take(self) -> bool:
        """From now on it is the sandbox's, who takes it first, to remove."""
        is_free, self._is_taken = not self._is_taken, True
        return is_free

    def abort(self) -> None:
        """Make nothing more: `wait` returns soon."""
        self._caller.abort()

    def close(self) -> None:
        """Close the listeners: whoever serves them stops serving first."""
        self.abort()
        self.settle()
        if hasattr(self, "listeners"):
            docker_network.close(self.listeners)
        if hasattr(self, "baits"):
            self.baits.close()

    def discard(self) -> None:
        """Remove it, unless a sandbox has taken it. What cannot be removed is left to the next start's clean-up."""
        if not self.take():
            return
        self.close()
        if self._has_asked:
            with suppress(SandboxError):
                _remove(Caller(self._endpoint), self.name)

    def _lay(self) -> None:
        try:
            # Whoever imports meanwhile would keep each answer waiting for as long as threads take turns.
            sys.setswitchinterval(_TURN_SECONDS)
            self._make()
        except BaseException as exc:
            # Raised by `wait`, in the thread of whoever needs what is missing. A report that breaks off is no failure:
            # the attempts are made again.
            if not self._is_locked.is_set():
                self._failure = exc
        finally:
            self._is_made.set()
            self._is_running.set()
            self._settle_down()

    def _make(self) -> None:
        # An engine that is too old would ignore what it does not know.
        reason = unsuitable(self._endpoint, self._caller.greet())
        if reason is not None:
            raise RuntimeUnavailableError(reason)
        ensure_private(self._permits)
        self._has_asked = True
        bridge = self.bridge = docker_network.create(self._caller, self.name, self.labels)
        self.listeners = docker_network.listen(bridge)
        self.baits = Baits(bridge)
        self._permit.give()
        self.holder = docker_holder.create(
            self._caller,
            _holder(self.name),
            bridge=bridge,
            rules=docker_network.lockdown(bridge, self.listeners),
            attempts=selftest.environment(
                proxy_url=self.listeners.proxy_url,
                gateway=bridge.gateway,
                bait_tcp=self.baits.tcp,
                bait_udp=self.baits.udp,
                patience_seconds=docker_holder.REPORT_SECONDS,
            ),
            permit=self._permit,
            labels=self.labels,
        )
        self._is_made.set()
        docker_holder.start(self._caller, self.holder, self)

    def running(self, address: str) -> None:
        self.listeners.peers = frozenset({address})
        self._is_running.set()

    def locked(self) -> None:
        self._settle_down()

    def _settle_down(self) -> None:
        # Before the proof: what is proved is the only namespace this sandbox will ever have.
        self._permit.revoke()
        sys.setswitchinterval(self._usual_turn)
        self._is_locked.set()

    def reported(self, text: str) -> None:
        self.report = text


def begin(endpoint: Endpoint, home: Path, session: str, *, owner_pid: int, started_at: float) -> Foundation:
    """The foundation of a session's sandbox, being laid; `home` is vibedom's state directory. Raises `SandboxError`
    where the owner is not alive."""
    labels = docker_labels.labels(session, home, owner_pid=owner_pid, started_at=started_at)
    begun = Foundation(endpoint, session, labels, permits(home))
    begun.start()
    return begun


def permits(home: Path) -> Path:
    """Where the permits of holders are, in vibedom's state directory."""
    return home / "permits"


def _holder(name: str) -> str:
    return f"{name}-holder"


def _remove(caller: Caller, name: str) -> None:
    """By name: a call that was cut short may have made something all the same."""
    caller.greet()
    with suppress(MissingError):
        caller.call("remove the holder", "DELETE", f"/containers/{_holder(name)}", force="1", v="1")
    with suppress(MissingError):
        caller.call("remove the network", "DELETE", f"/networks/{name}")
