"""What can be said about hosts in the policy files: entries, groups, and what they become."""

import ipaddress
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Literal

import msgspec

from pipeline.context import REGISTRIES, AuthHeaders, ContextRule
from pipeline.events import Context
from pipeline.host_policy import SSH_PORT, Budget, Dial, Route
from pipeline.hosts import HostError, is_ip_literal, split_authority
from pipeline.patterns import Network, Pattern, PatternError, parse_pattern
from vibedom.errors import SettingsError


class HostEntry(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`[[hosts]]`: one pattern (or `@group`) and what is special about its hosts."""

    pattern: str
    verdict: Literal["allow", "deny"] = "allow"
    methods: tuple[str, ...] = ()
    paths: tuple[str, ...] = ()
    dial: str | None = None
    """`ADDRESS:PORT` that is dialled instead of what the name resolves to."""
    ca: str | None = None
    """PEM file this service is trusted by; with `dial` only."""
    addresses: tuple[str, ...] = ()
    """Networks the name may resolve into although they are not public."""
    context: Context | None = None
    auth_headers: AuthHeaders = "scrub"
    login: bool = False
    """It is where credentials are exchanged (a token endpoint): at home they pass in bodies too."""
    home_for: tuple[str, ...] = ()
    passthrough: bool = False
    ssh: bool = False
    """Its port (22 where the pattern has none) is one of SSH. The entry says nothing about other ports."""
    max_upload_bytes: int | None = None
    """What a session may send to all its hosts together: bodies, messages, and what is relayed unread."""

    def __post_init__(self) -> None:
        if self.max_upload_bytes is not None and (self.max_upload_bytes < 0 or self.verdict == "deny"):
            raise ValueError("max_upload_bytes must be 0 or more, in an entry that allows")


class GroupEntry(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`[groups.NAME]`: hosts that `@NAME` stands for."""

    hosts: tuple[str, ...]
    description: str = ""
    context: Context | None = None
    auth_headers: AuthHeaders = "scrub"
    logins: tuple[str, ...] = ()
    """Those of `hosts` that are token endpoints."""

    def __post_init__(self) -> None:
        if not set(self.logins) <= set(self.hosts):
            raise ValueError("logins must be among hosts")


class Groups:
    """The groups by name, `@registries` among them: it is read from the clients when it is first needed."""

    def __init__(self, groups: Mapping[str, GroupEntry], registries: Callable[[], Sequence[str]]) -> None:
        self._groups = dict(groups)
        self._registries = registries
        self.registries: tuple[Pattern, ...] = ()
        """What `@registries` turned out to be; empty while nothing has used it."""

    def names(self) -> list[str]:
        return sorted([*self._groups, REGISTRIES[1:]])

    def patterns(self, word: str, *, source: str) -> list[Pattern]:
        """What `@name` stands for, or the one pattern `word` is. Raises `SettingsError` naming the source."""
        if not word.startswith("@"):
            return [read_pattern(word, source=source)]
        if word == REGISTRIES:
            self.registries = tuple(read_pattern(host, source=f"{source} {word}") for host in self._registries())
            return list(self.registries)
        group = self._groups.get(word[1:])
        if group is None:
            known = ", ".join("@" + name for name in self.names())
            raise SettingsError(f"{source}: there is no group {word!r}; known are {known}")
        return [read_pattern(host, source=f"{source} {word}") for host in group.hosts]

    def context_rules(self) -> list[ContextRule]:
        """What the groups say about their hosts, listed or not."""
        return [
            ContextRule(
                pattern=read_pattern(host, source=f"[groups.{name}]"),
                context=group.context,
                auth_headers=group.auth_headers,
                is_login=host in group.logins,
            )
            for name, group in self._groups.items()
            for host in group.hosts
        ]


def read_pattern(text: str, *, source: str) -> Pattern:
    """`parse_pattern` with the source in front of the error."""
    try:
        return parse_pattern(text, source=source)
    except PatternError as error:
        raise SettingsError(f"{source}: {error}") from None


def entry_patterns(entry: HostEntry, groups: Groups, *, source: str) -> list[Pattern]:
    """The patterns of an entry: each of its pattern's hosts with each of its paths."""
    if entry.ssh:
        return [_ssh_pattern(entry, source)]
    bases = groups.patterns(entry.pattern, source=source)
    if not entry.methods and not entry.paths:
        return bases
    if entry.pattern.startswith("@") or any(p.methods or p.path for p in bases):
        raise SettingsError(
            f"{source}: methods and paths go either into `pattern` or into their own keys, not with @group"
        )
    prefix = ",".join(entry.methods) + " " if entry.methods else ""
    return [read_pattern(f"{prefix}{entry.pattern}{path}", source=source) for path in entry.paths or ("",)]


def _ssh_pattern(entry: HostEntry, source: str) -> Pattern:
    pattern = read_pattern(entry.pattern, source=source) if not entry.pattern.startswith("@") else None
    is_whole = pattern is not None and not pattern.methods and not pattern.path and not pattern.is_any_port
    about_http = entry.methods or entry.paths or entry.ca or entry.passthrough or entry.login or entry.home_for
    if pattern is None or not is_whole or not pattern.host or about_http or entry.verdict == "deny":
        raise SettingsError(
            f"{source}: an entry with `ssh` allows one host (with :port where it is not 22), and only `dial`,"
            " `addresses` and `max_upload_bytes` go with it; give what is about HTTP an entry of its own"
        )
    return msgspec.structs.replace(pattern, port=pattern.port or SSH_PORT)


def entry_route(entry: HostEntry, pattern: Pattern, *, source: str, directory: Path) -> Route | None:
    """How hosts of the entry are reached, or None for the usual way. Relative files are taken from `directory`."""
    if entry.ca is not None and entry.dial is None:
        raise SettingsError(f"{source}: `ca` needs `dial`; use [upstream] ca for a root that all hosts may use")
    budget = _budget(entry)
    if entry.dial is None and not entry.addresses and not entry.passthrough and not entry.ssh and budget is None:
        return None
    return Route(
        pattern=pattern,
        dial=_dial(entry.dial, entry.ca, source, directory) if entry.dial else None,
        networks=tuple(_network(text, source) for text in entry.addresses),
        is_passthrough=entry.passthrough,
        is_ssh=entry.ssh,
        budget=budget,
    )


def _budget(entry: HostEntry) -> Budget | None:
    if entry.max_upload_bytes is None:
        return None
    name = " ".join((",".join(entry.methods), entry.pattern, ",".join(entry.paths), "ssh" if entry.ssh else ""))
    return Budget(name=name.strip(), max_bytes=entry.max_upload_bytes)


def entry_context(entry: HostEntry, pattern: Pattern) -> ContextRule | None:
    """What the entry says about its hosts' context, or None."""
    if entry.context is None and entry.auth_headers == "scrub" and not entry.login and not entry.home_for:
        return None
    return ContextRule(
        pattern=pattern,
        context=entry.context,
        auth_headers=entry.auth_headers,
        is_login=entry.login,
        home_for=entry.home_for,
    )


def _dial(text: str, ca: str | None, source: str, directory: Path) -> Dial:
    try:
        host, port = split_authority(text)
    except HostError as error:
        raise SettingsError(f"{source}: dial = {text!r} is {error}") from None
    address = "127.0.0.1" if host == "localhost" else host
    if port is None or not is_ip_literal(address):
        raise SettingsError(f"{source}: dial = {text!r}: write an address and a port, such as 127.0.0.1:9443")
    return Dial(address=address, port=port, ca=None if ca is None else str(existing_file(ca, source, directory)))


def existing_file(text: str, source: str, directory: Path) -> Path:
    """The absolute path of a file that is there. Raises `SettingsError` naming the source and the file."""
    path = directory / Path(text).expanduser()
    if not path.is_file():
        raise SettingsError(f"{source}: there is no file {str(path)!r}")
    return path


def _network(text: str, source: str) -> Network:
    try:
        return ipaddress.ip_network(text)
    except ValueError:
        raise SettingsError(f"{source}: {text!r} is no network; write one such as 10.0.0.0/8") from None
