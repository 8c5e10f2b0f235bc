"""Settings -> stages, sinks, topology, proxy: the only file that sees everything."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType

import msgspec

from pipeline.capture.hooks import Capture
from pipeline.content_filter import ContentFilter, FilterSettings
from pipeline.feed import Feed
from pipeline.host_policy import HostPolicy
from pipeline.observer import Observer
from pipeline.record import Recorder
from pipeline.scrubber.beside import Beside
from pipeline.scrubber.flow_stream import StreamOpener
from pipeline.scrubber.model import Engine
from pipeline.scrubber.scrubber import Scrubber
from pipeline.scrubber.stage import ScrubberStage
from pipeline.topology import Stages, Topology
from pipeline.whitelist import Whitelist
from sinks.jsonl import JsonlSink
from sinks.metrics import MetricsSink
from vibedom.alert_sinks import open_alert_sinks
from vibedom.approval import Approvals, AskingJudge
from vibedom.errors import SettingsError
from vibedom.grants import GrantingJudge, Grants
from vibedom.metrics import attach, measured
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
        return Scrubber(self.engine, fingerprint=self.fingerprint, beside=Beside())

    def streams(self, policy: Policy) -> StreamOpener:
        return StreamOpener(self.engine, policy.contexts, fingerprint=self.fingerprint)


class Border(msgspec.Struct, kw_only=True):
    """Everything between the sandbox and the world, of one session."""

    topology: Topology
    proxy: ProxyServer
    resolver: Resolver
    capture: Capture
    observer: Observer
    detection: Detection
    policy: Policy
    grants: Grants
    """What the user allowed or denied while the session runs."""
    approvals: Approvals
    hosts: HostPolicy
    """The policy's hosts and those of the session."""

    def reload(self, policy: Policy) -> None:
        """Judge everything from now on by `policy`; what is under way ends as it began."""
        self.policy = policy
        self.renew()
        self.capture.open_stream = self.observer.streams(self.detection.streams(policy))

    def renew(self) -> None:
        """Judge by what policy and grants say now, and let go on what waits for an answer that they give."""
        hosts = self.hosts = self.grants.apply(self.policy.hosts)
        self.topology.stages = measured(stages(self.policy, hosts, self.detection.scrubber()), self.topology.feeds)
        self.approvals.renew(hosts)

    def pause(self) -> None:
        """Nothing is let through any more, not even what is on its way."""
        self.approvals.close()
        self.topology.is_paused = True
        self.proxy.pause()

    def resume(self) -> None:
        self.topology.is_paused = False
        self.approvals.reopen()
        self.proxy.resume()


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
    """The audit log, without which nothing passes, the alert sinks and the metrics. Raises `SettingsError`."""
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
    optional = (*alerts, MetricsSink(directory.metrics, session=session))
    return [Feed(jsonl, is_required=True), *(Feed(sink, is_required=False, capacity=8192) for sink in optional)]


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
    is_watched: Callable[[], bool] = lambda: False,
) -> Border:
    """Wire a session's border. Nothing listens yet. `environment` may name the proxy this machine needs; `is_watched`
    says whether somebody is there who can be asked.

    Raises `SettingsError`.
    """
    via = upstream_proxy(policy.upstream.proxy, environment)
    topology = Topology(measured(stages(policy, policy.hosts, detection.scrubber()), feeds), feeds)
    attach(topology)
    # The border's hosts change with a reload, so those who dial ask for them each time.
    current: list[Border] = []

    def hosts_now() -> HostPolicy:
        return current[0].hosts

    def renew() -> None:
        current[0].renew()

    grants = Grants(renew)
    approvals = Approvals(grants, wait_seconds=policy.approval.wait_seconds, is_watched=is_watched)
    observer = Observer(
        lambda: current[0].policy.exfiltration,
        lambda host: current[0].policy.contexts.context_of(host),
        lambda host, port: current[0].hosts.budgets(host, port),
    )
    granting = GrantingJudge(topology.judge, grants, approvals.asks)
    judge = observer.judging(AskingJudge(granting, approvals, hosts_now))
    streams = observer.streams(detection.streams(policy))
    capture = Capture(judge, streams, session=session, via=via.router(hosts_now))
    capture.relays.spend = observer.spend
    border = Border(
        topology=topology,
        proxy=ProxyServer(capture, Tls(authority, roots, hosts_now), Dialer(hosts_now, lookup, via)),
        resolver=Resolver(observer.judging(granting)),
        capture=capture,
        observer=observer,
        detection=detection,
        policy=policy,
        grants=grants,
        approvals=approvals,
        hosts=policy.hosts,
    )
    current.append(border)
    border.renew()
    return border
