"""`vibedom doctor`: what works on this machine, and why."""

import platform
import shutil
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path

import anyio
import asyncclick as click
import msgspec

import vibedom
from vibedom.attack.scorecard import markdown, summary
from vibedom.attack.siege import Score, besiege
from vibedom.cli import render
from vibedom.errors import VibedomError
from vibedom.paths import Home
from vibedom.paths import home as find_home
from vibedom.runtimes import survey
from vibedom.sandbox.runtime import RuntimeName
from vibedom.scratch import scratch_directory
from vibedom.settings import load_policy
from vibedom.trial import try_runtime

SCRATCH = "vibedom-doctor-"


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that was looked at."""

    name: str
    is_good: bool
    text: str
    is_needed: bool = False
    """Without it vibedom is no use here."""
    scores: tuple[Score, ...] = ()
    """Of the attacks."""


@click.command()
@click.option("--json", "as_json", is_flag=True, help="The findings as JSON, with a score for every attack.")
@click.option("--quick", is_flag=True, help="Start a sandbox of each runtime, but do not attack it.")
@click.option("--runtime", type=click.Choice(["docker", "local"]), help="Look at this runtime only.")
@click.option("--markdown", "as_markdown", is_flag=True, help="Only the scorecard of the attacks, as a Markdown table.")
async def command(as_json: bool, quick: bool, runtime: RuntimeName | None, as_markdown: bool) -> int:
    """Say what works on this machine, and why: settings, rules, and every runtime, each with a sandbox started,
    locked down, tested from inside, and attacked from inside: more than 150 attempts to send a byte out, to read or
    change what is not the agent's, to get rights, to reach other processes, or to fill disk and memory, against targets
    that doctor puts up. It takes some twenty seconds a runtime, and at the most 15,000 empty files for a moment.

    The exit code is 0 where at least one runtime works, the settings can be read and no attack got through.
    """
    state = find_home()
    findings = [_machine(), await _checked("settings", lambda: _settings(state)), _tools()]
    findings += await _runtimes(state, runtime, is_attacked=not quick)
    cards = {f.name.removeprefix("attacks "): f.scores for f in findings if f.scores}
    if as_markdown:
        render.out(markdown(cards).rstrip())
    elif as_json:
        render.out_json(findings)
    else:
        _show(findings)
    works = any(f.is_good for f in findings if f.name.startswith("runtime "))
    return 0 if works and all(f.is_good for f in findings if f.is_needed) else 1


def _show(findings: Sequence[Finding]) -> None:
    for finding in findings:
        mark = render.style("ok  ", "good", "stdout") if finding.is_good else render.style("no  ", "bad", "stdout")
        render.out(f"{mark} {finding.name:14} {render.printable(finding.text)}")
        for score in finding.scores:
            if not score.holds:
                render.out(f"       {score.name}: {render.printable(score.seen)}")


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


async def _runtimes(state: Home, only: RuntimeName | None, *, is_attacked: bool) -> list[Finding]:
    found = []
    for tried in await survey(state):
        if only not in (None, tried.name):
            continue
        name = f"runtime {tried.name}"
        if tried.reason is not None:
            found.append(Finding(name=name, is_good=False, text=tried.reason))
            continue
        with scratch_directory(SCRATCH) as directory:
            trial = await _checked(name, lambda: _try(tried.name, directory, state))  # noqa: B023  # awaited here
        found.append(msgspec.structs.replace(trial, is_needed=False))
        if is_attacked and trial.is_good:
            found.append(await _attacked(tried.name, state))
    return found


async def _try(name: RuntimeName, directory: Path, state: Home) -> str:
    render.progress(f"starting a sandbox of {name}")
    try:
        return await try_runtime(name, directory, state)
    finally:
        render.end_progress()


async def _attacked(name: RuntimeName, state: Home) -> Finding:
    """The attack table. An attack that got through is never a detail."""

    def tell(done: int, rows: int) -> None:
        render.progress(f"attacking a sandbox of {name}: {done} of {rows}")

    scores: list[Score] = []

    async def attack() -> str:
        scores.extend(await besiege(name, directory, tell, rules=state))
        return summary(scores)

    with scratch_directory(SCRATCH) as directory:
        try:
            finding = await _checked(f"attacks {name}", attack)
        except OSError as exc:
            text = f"the targets of the attacks cannot be put up here ({exc.strerror}); use --quick"
            finding = Finding(name=f"attacks {name}", is_good=False, text=text, is_needed=True)
        finally:
            render.end_progress()
    is_good = finding.is_good and all(score.holds for score in scores)
    return msgspec.structs.replace(finding, is_good=is_good, scores=tuple(scores))


async def _checked(name: str, look: Callable[[], Awaitable[str]]) -> Finding:
    try:
        return Finding(name=name, is_good=True, text=await look(), is_needed=True)
    except VibedomError as exc:
        return Finding(name=name, is_good=False, text=str(exc), is_needed=True)
