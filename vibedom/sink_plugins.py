"""Sinks that other packages bring, through the entry-point group `vibedom.sinks`."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Protocol

import msgspec

from pipeline.events import Severity
from pipeline.ports import Sink
from sinks.alerts import Delivery
from vibedom.errors import SettingsError

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

GROUP = "vibedom.sinks"
Option = str | int | float | bool | tuple[str, ...]


class PluginSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag="plugin"):
    """`[[sinks]] type = "plugin"`."""

    name: str
    """Of the entry point."""
    options: dict[str, Option] = {}
    """Handed to the plugin as they are."""
    min_severity: Severity = "medium"
    """For a plugin that takes alerts."""

    def __post_init__(self) -> None:
        if not self.name:
            raise ValueError("name must be that of an entry point")


class Plugin(Protocol):
    """What the entry point names: a function that opens the sink of one session.

    What it returns takes records (`write`, `aclose`, `name`: a `pipeline.ports.Sink`) or alerts (`deliver`, `aclose`: a
    `sinks.alerts.Delivery`, which vibedom puts a spool, retries and `min_severity` in front of). It raises `ValueError`
    for options it cannot use, with a message for the user.
    """

    def __call__(self, options: Mapping[str, Any], /, *, session: str) -> Sink | Delivery: ...


def installed() -> "dict[str, EntryPoint]":
    """The plugins of this environment, by name. None of them is loaded."""
    from importlib.metadata import entry_points  # every start would wait for it, and few have a plugin

    return {point.name: point for point in entry_points(group=GROUP)}


def open_plugin(settings: PluginSettings, *, session: str) -> Sink | Delivery:
    """Load the plugin and open it. Raises `SettingsError` where it is not there, cannot be loaded or wants other
    options. Nothing of a package is loaded that the user's policy does not name."""
    point = installed().get(settings.name)
    if point is None:
        known = ", ".join(sorted(installed())) or "none"
        raise SettingsError(f"sink plugin {settings.name}: not installed here (installed: {known})")
    try:
        plugin: Plugin = point.load()
    except (ImportError, AttributeError) as error:
        raise SettingsError(f"sink plugin {settings.name}: {point.value} cannot be loaded ({error})") from None
    try:
        return plugin(settings.options, session=session)
    except ValueError as error:
        raise SettingsError(f"sink plugin {settings.name}: {error}") from None
