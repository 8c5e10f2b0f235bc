"""`vibedom policy`: what the policy is, and what it does to a request."""

from functools import partial

import anyio.to_thread
import asyncclick as click

from vibedom.cli import render


@click.group()
async def command() -> None:
    """Show the policy, explain a verdict.

    The files are trusted_domains.txt and policy.toml in ~/.vibedom/config. They are made with comments at first use,
    and a change takes effect within a second, in running sessions too.
    """


@command.command()
@click.argument("url")
@click.option("--method", default="GET", metavar="METHOD", show_default=True, help="HTTP method of the request.")
@click.option("--rule", "rule_id", metavar="ID", help="Also say what happens to a finding of this secret rule.")
@click.option("--json", "as_json", is_flag=True, help="The answer as JSON.")
async def explain(url: str, method: str, rule_id: str | None, as_json: bool) -> None:
    """Say whether a request to URL would pass, which line decides, and what would be scrubbed.

    \b
    vibedom policy explain https://api.github.com/repos/me/x --method POST
    vibedom policy explain api.anthropic.com --rule anthropic-api-key
    """
    await anyio.to_thread.run_sync(partial(_explain, url, method.upper(), rule_id, as_json=as_json))


@command.command()
@click.option("--json", "as_json", is_flag=True, help="The policy as JSON.")
async def show(as_json: bool) -> None:
    """Show all rules with the line they come from, the groups, and the table of actions."""
    await anyio.to_thread.run_sync(partial(_show, as_json=as_json))


def _explain(url: str, method: str, rule_id: str | None, *, as_json: bool) -> None:
    from vibedom.cli.policy_view import explanation_lines
    from vibedom.explanation import explain, find_rule
    from vibedom.paths import home
    from vibedom.rule_files import load_rules
    from vibedom.settings import load_policy

    policy = load_policy(home())
    rule = None
    if rule_id is not None:
        rule = find_rule([each.info for each in load_rules(policy.dlp.rule_files).rules], rule_id)
    answer = explain(policy, url, method=method, rule=rule)
    if as_json:
        render.out_json(answer)
        return
    for line in explanation_lines(answer):
        render.out(line)


def _show(*, as_json: bool) -> None:
    from vibedom.cli.policy_view import policy_data, policy_lines
    from vibedom.paths import home
    from vibedom.settings import load_policy

    policy = load_policy(home())
    if as_json:
        render.out_json(policy_data(policy))
        return
    for line in policy_lines(policy):
        render.out(line)
