"""`vibedom doctor`: what works on this machine, and why."""

import platform
import shutil
import tempfile
from collections.abc import Awaitable, Callable
from pathlib import Path

import anyio
import asyncclick as click
import msgspec

import vibedom
from vibedom.cli import render
from vibedom.errors import VibedomError
from vibedom.paths import Home
from vibedom.paths import home as find_home
from vibedom.runtimes import survey
from vibedom.settings import load_policy
from vibedom.trial import try_runtime


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that was looked at."""

    name: str
    is_good: bool
    text: str
    is_needed: bool = False
    """Without it vibedom is no use here."""


@click.command()
@click.option("--json", "as_json", is_flag=True, help="The findings as JSON.")
async def command(as_json: bool) -> int:
    """Say what works on this machine, and why: settings, rules, and every runtime, each with a sandbox started,
    locked down and tested from inside.

    The exit code is 0 where at least one runtime works and the settings can be read.
    """
    state = find_home()
    findings = [_machine(), await _checked("settings", lambda: _settings(state)), _tools()]
    findings += await _runtimes(state)
    if as_json:
        render.out_json(findings)
    else:
        for finding in findings:
            mark = render.style("ok  ", "good", "stdout") if finding.is_good else render.style("no  ", "bad", "stdout")
            render.out(f"{mark} {finding.name:10} {render.printable(finding.text)}")
    works = any(f.is_good for f in findings if f.name.startswith("runtime "))
    return 0 if works and all(f.is_good for f in findings if f.is_needed) else 1


def _machine() -> Finding:
    text = (
        f"vibedom {vibedom.__version__}, Python {platform.python_version()}, {platform.system()} {platform.release()}"
    )
    return Finding(name="machine", is_good=True, text=text)


async def _settings(state: Home) -> str:
    policy = await anyio.to_thread.run_sync(load_policy, state)
    return f"{len(policy.hosts.allow)} hosts allowed, {len(policy.hosts.deny)} denied, in {state.config}"


def _tools() -> Finding:
    names = [name for name in ("git", "gitleaks") if shutil.which(name)]
    text = ", ".join(names) or "neither git nor gitleaks"
    return Finding(name="tools", is_good="git" in names, text=text)


async def _runtimes(state: Home) -> list[Finding]:
    found = []
    for tried in await survey(state):
        name = f"runtime {tried.name}"
        if tried.reason is not None:
            found.append(Finding(name=name, is_good=False, text=tried.reason))
            continue
        with tempfile.TemporaryDirectory(prefix="vibedom-doctor-") as directory:
            trial = await _checked(name, lambda: try_runtime(tried.name, Path(directory)))  # noqa: B023  # awaited here
        found.append(msgspec.structs.replace(trial, is_needed=False))
    return found


async def _checked(name: str, look: Callable[[], Awaitable[str]]) -> Finding:
    try:
        return Finding(name=name, is_good=True, text=await look(), is_needed=True)
    except VibedomError as exc:
        return Finding(name=name, is_good=False, text=str(exc), is_needed=True)
