"""`vibedom rules`: list, check and explain the secret rules."""

import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

import anyio.to_thread
import asyncclick as click
import msgspec

from vibedom.cli import render
from vibedom.errors import UsageError
from vibedom.paths import home
from vibedom.workspace.spelling import visible

OK, PROBLEMS = 0, 1


@click.group()
async def command() -> None:
    """List, check and explain the rules that say what a secret is.

    \b
    vibedom rules list                    every rule, with its class and severity
    vibedom rules check my-rules.toml     does a file load, and do its samples hold?
    echo "$LINE" | vibedom rules explain  which rules find something in a text
    """


@command.command("list")
@click.option("--json", "as_json", is_flag=True, help="As JSON, with homes and where each rule comes from.")
async def list_rules(as_json: bool) -> None:
    """List the rules that are in force: the shipped ones and those of `[dlp] rule_files` in policy.toml."""
    from vibedom.rule_files import load_rules, user_rule_files

    rules = (await anyio.to_thread.run_sync(lambda: load_rules(user_rule_files(home())))).rules
    if as_json:
        render.out_json([{**msgspec.to_builtins(rule.info), "source": rule.source} for rule in rules])
        return
    rows = [(rule.id, rule.info.secret_class, rule.info.severity, rule.info.description) for rule in rules]
    render.out(render.table(rows, ("RULE", "CLASS", "SEVERITY", "DESCRIPTION")))


@command.command()
@click.argument("files", nargs=-1, type=click.Path(path_type=Path, exists=True, dir_okay=False), metavar="[FILE]...")
@click.option("--json", "as_json", is_flag=True, help="The problems as JSON.")
async def check(files: tuple[Path, ...], as_json: bool) -> int:
    """Check that rule files load and that every sample in them is found, or not found, as it says.

    Without FILE the shipped rules are checked, each of which must have samples. Exit code 1 where something is wrong.
    """
    problems = await anyio.to_thread.run_sync(_problems, files)
    if as_json:
        render.out_json(problems)
    else:
        for problem in problems:
            render.out(visible(problem))
        render.err(f"{len(problems)} problems" if problems else "all rules are as their samples say", "dim")
    return PROBLEMS if problems else OK


def _problems(files: tuple[Path, ...]) -> list[str]:
    from pipeline.scrubber.rules import RuleSet
    from pipeline.scrubber.samples import check_samples
    from vibedom.errors import SettingsError
    from vibedom.rule_files import load_file, load_shipped

    problems: list[str] = []
    loads: list[Callable[[], RuleSet]] = [partial(load_file, file) for file in files]
    for load in loads or [load_shipped]:
        try:
            problems += check_samples(load())
        except SettingsError as exc:
            problems.append(str(exc))
    return problems


class Explanation(msgspec.Struct, frozen=True, kw_only=True):
    """One rule that finds something in a text."""

    rule: str
    secret_class: str
    severity: str
    description: str
    start: int
    end: int
    """Byte offsets of the secret."""
    entropy: float
    sample: str
    is_replaced: bool
    """The one that counts where several rules find the same bytes."""


@command.command()
@click.argument("text", required=False)
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
async def explain(text: str | None, as_json: bool) -> int:
    """Say which rules find something in TEXT, or in standard input (so that a real secret stays out of your history).

    Secrets are not repeated. Exit code 1 where something is found.
    """
    if text is None and sys.stdin.isatty():
        raise UsageError("nothing to explain; give a TEXT or pipe one in")
    data = sys.stdin.buffer.read() if text is None else text.encode("utf-8", "surrogateescape")
    found = await anyio.to_thread.run_sync(_explained, data)
    if as_json:
        render.out_json(found)
    elif found:
        rows = [
            (
                each.rule,
                each.secret_class,
                f"{each.start}-{each.end}",
                f"{each.entropy:.1f}",
                each.sample,
                "yes" if each.is_replaced else "",
            )
            for each in found
        ]
        render.out(render.table(rows, ("RULE", "CLASS", "BYTES", "ENTROPY", "SAMPLE", "REPLACES")))
    else:
        render.out("no rule finds anything")
    return PROBLEMS if found else OK


def _explained(data: bytes) -> list[Explanation]:
    from pipeline.scrubber.entropy import shannon_entropy
    from vibedom.preflight.finding import sample_of
    from vibedom.rule_files import load_engine

    engine = load_engine(home())
    spans = {(span.start, span.rule) for span in engine.find(data)}
    found = []
    for match in engine.matches(data):
        info, secret = engine.rules[match.rule], data[match.secret_start : match.secret_end]
        found.append(
            Explanation(
                rule=info.id,
                secret_class=info.secret_class,
                severity=info.severity,
                description=info.description,
                start=match.secret_start,
                end=match.secret_end,
                entropy=round(shannon_entropy(secret), 2),
                sample=sample_of(secret),
                is_replaced=(match.secret_start, match.rule) in spans,
            )
        )
    return found
