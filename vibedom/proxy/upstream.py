"""The proxy that this machine itself needs to get out, from the policy or the user's environment."""

from collections.abc import Callable, Mapping

from mitmproxy.net.server_spec import ServerSpec, parse

from pipeline.events import Target
from pipeline.whitelist import HostPolicy
from vibedom.errors import SettingsError

Address = tuple[str, int] | tuple[str, int, int, int]


class UpstreamProxy:
    """Answers through which proxy a host is reached. None at all where nothing is configured."""

    def __init__(
        self, specs: Mapping[str, ServerSpec] | None = None, bypass: Callable[[str], bool] | None = None
    ) -> None:
        """`specs` by scheme of the target (`http`, `https`); `bypass` says which `host:port` is reached directly."""
        self._specs = dict(specs or {})
        self._bypass = bypass or (lambda host: False)

    def of(self, scheme: str, host: str, port: int) -> ServerSpec | None:
        """The proxy for one target, or None for the direct way."""
        spec = self._specs.get(scheme)
        return None if spec is None or self._bypass(f"{host}:{port}") else spec

    def router(self, hosts: Callable[[], HostPolicy]) -> Callable[[Target], ServerSpec | None]:
        """`of` for targets; a host whose policy entry says where it is dialled is reached directly."""

        def via(target: Target) -> ServerSpec | None:
            is_dialled_directly = hosts().dial(target.host, target.port) is not None
            return None if is_dialled_directly else self.of(target.scheme, target.host, target.port)

        return via

    def is_proxy(self, address: Address) -> bool:
        """Whether an address is one of the proxies."""
        return any(tuple(address[:2]) == proxy[:2] for _, proxy in self._specs.values())


def upstream_proxy(configured: str | None, environment: Mapping[str, str]) -> UpstreamProxy:
    """The policy's proxy for everything, else `HTTP_PROXY`, `HTTPS_PROXY` and `NO_PROXY` as curl reads them.

    Raises `SettingsError` for an address that is none.
    """
    if configured is not None:
        spec = _parsed(configured, "policy.toml $.upstream.proxy")
        return UpstreamProxy({"http": spec, "https": spec})
    lowered = {name.lower(): value for name, value in environment.items() if name.lower().endswith("_proxy") and value}
    # As curl does it: HTTP_PROXY in capitals can come from a request's header where a web server set it.
    plain = environment.get("http_proxy", "")
    found = {"http": plain, "https": lowered.get("https_proxy", "")}
    specs = {scheme: _parsed(url, f"{scheme}_proxy") for scheme, url in found.items() if url}
    no_proxy = {"no": lowered.get("no_proxy", "")}
    if not specs:
        return UpstreamProxy()
    # Imported by those who have such a proxy: each start would wait for it.
    from urllib.request import proxy_bypass_environment  # type: ignore[attr-defined]  # public, but not in the stubs

    return UpstreamProxy(specs, lambda host: bool(proxy_bypass_environment(host, no_proxy)))


def _parsed(url: str, place: str) -> ServerSpec:
    try:
        spec = parse(url, "http")
    except ValueError:
        raise SettingsError(
            f"{place}: not a proxy that can be used; write http://HOST:PORT, without a password"
        ) from None
    if spec[0] not in ("http", "https"):
        raise SettingsError(f"{place}: proxies of kind {spec[0]} cannot be used; write http://HOST:PORT")
    return spec
