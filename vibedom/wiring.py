"""Settings -> stages, sinks, topology, proxy: the only file that sees everything."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType

import msgspec

from pipeline.capture.hooks import Capture
from pipeline.content_filter import ContentFilter, FilterSettings
from pipeline.feed import Feed
from pipeline.host_policy import HostPolicy
from pipeline.patterns import Pattern
from pipeline.record import Recorder
from pipeline.scrubber.flow_stream import StreamOpener
from pipeline.scrubber.model import Engine
from pipeline.scrubber.scrubber import Scrubber
from pipeline.scrubber.stage import ScrubberStage
from pipeline.topology import Stages, Topology
from pipeline.whitelist import Whitelist
from sinks.jsonl import JsonlSink
from vibedom.alert_sinks import open_alert_sinks
from vibedom.errors import SettingsError
from vibedom.paths import SessionDir
from vibedom.proxy.authority import Authority
from vibedom.proxy.dialer import Dialer, Lookup, system_lookup
from vibedom.proxy.server import ProxyServer
from vibedom.proxy.tls import Tls
from vibedom.proxy.upstream import upstream_proxy
from vibedom.resolver import Resolver
from vibedom.settings import Policy


class Detection(msgspec.Struct, frozen=True, kw_only=True):
    """What finds secrets: the engine with its rules, and the keyed fingerprint."""

    engine: Engine
    fingerprint: Callable[[bytes], str]

    def scrubber(self) -> Scrubber:
        return Scrubber(self.engine, fingerprint=self.fingerprint)

    def streams(self, policy: Policy) -> StreamOpener:
        return StreamOpener(self.engine, policy.contexts, fingerprint=self.fingerprint)


class Border(msgspec.Struct, kw_only=True):
    """Everything between the sandbox and the world, of one session."""

    topology: Topology
    proxy: ProxyServer
    resolver: Resolver
    capture: Capture
    detection: Detection
    policy: Policy
    allowed: tuple[Pattern, ...] = ()
    """Hosts the user allowed while the session runs."""

    @property
    def hosts(self) -> HostPolicy:
        """The policy's hosts and those of the session."""
        return self.policy.hosts.allowing(self.allowed) if self.allowed else self.policy.hosts

    def reload(self, policy: Policy) -> None:
        """Judge everything from now on by `policy`; what is under way ends as it began."""
        self.policy = policy
        self._renew()

    def allow(self, pattern: Pattern) -> None:
        """Allow one more host for the rest of the session."""
        self.allowed = (*self.allowed, pattern)
        self._renew()

    def _renew(self) -> None:
        self.topology.stages = stages(self.policy, self.hosts, self.detection.scrubber())
        self.capture.open_stream = self.detection.streams(self.policy)


def stages(policy: Policy, hosts: HostPolicy, scrubber: Scrubber) -> Stages:
    """The stages of a policy."""
    dlp = policy.dlp
    settings = FilterSettings(max_body_bytes=dlp.max_body_bytes, oversize=dlp.oversize, undecodable=dlp.undecodable)
    return Stages(
        content_filter=ContentFilter(settings, policy.contexts),
        scrubber=ScrubberStage(scrubber, policy.contexts, skips_undecodable=dlp.undecodable == "skip"),
        whitelist=Whitelist(hosts),
        record=Recorder(),
    )


def make_feeds(policy: Policy, directory: SessionDir, *, session: str) -> list[Feed]:
    """The audit log, without which nothing passes, and the alert sinks. Raises `SettingsError`."""
    audit = policy.audit
    try:
        jsonl = JsonlSink(
            directory.network_log,
            session=session,
            fsync=audit.fsync,
            rotate_bytes=audit.rotate_bytes,
            keeping=audit.keeping,
        )
        alerts = open_alert_sinks(policy.sinks, policy.alerts, session=session, alerts_log=directory.alerts_log)
    except OSError as exc:
        raise SettingsError(
            f"{exc.filename}: the log cannot be opened ({exc.strerror}); check owner and space"
        ) from None
    return [Feed(jsonl, is_required=True), *(Feed(sink, is_required=False) for sink in alerts)]


def make_border(
    policy: Policy,
    detection: Detection,
    feeds: Sequence[Feed],
    *,
    session: str,
    authority: Authority,
    roots: Path,
    environment: Mapping[str, str] = MappingProxyType({}),
    lookup: Lookup = system_lookup,
) -> Border:
    """Wire a session's border. Nothing listens yet. `environment` may name the proxy this machine needs.

    Raises `SettingsError`.
    """
    via = upstream_proxy(policy.upstream.proxy, environment)
    topology = Topology(stages(policy, policy.hosts, detection.scrubber()), feeds)
    # The border's hosts change with a reload, so those who dial ask for them each time.
    current: list[Border] = []

    def hosts_now() -> HostPolicy:
        return current[0].hosts

    capture = Capture(topology.judge, detection.streams(policy), session=session, via=via.router(hosts_now))
    proxy = ProxyServer(capture, Tls(authority, roots, hosts_now), Dialer(hosts_now, lookup, via))
    border = Border(
        topology=topology,
        proxy=proxy,
        resolver=Resolver(topology.judge),
        capture=capture,
        detection=detection,
        policy=policy,
    )
    current.append(border)
    return border
