"""`vibedom agents`: the agents that `vibedom run --agent` knows, and what each may reach."""

from functools import partial

import anyio.to_thread
import asyncclick as click
import msgspec

from vibedom.cli import render
from vibedom.paths import home as find_home


@click.command()
@click.argument("name", required=False, metavar="[NAME]")
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
async def command(name: str | None, as_json: bool) -> None:
    """List the agents that `vibedom run --agent NAME` knows: what they run, reach, are given and keep.

    An agent is a table of agents.toml: put your own into ~/.vibedom/config/agents.toml.
    """
    await anyio.to_thread.run_sync(partial(_show, name, as_json=as_json))


def _show(name: str | None, *, as_json: bool) -> None:
    from vibedom.agents import Agent, find_agent, load_agents
    from vibedom.settings import load_policy

    home = find_home()
    agents = {name: find_agent(home, name)} if name else load_agents(home)
    if as_json:
        render.out_json({each: msgspec.to_builtins(agent) for each, agent in agents.items()})
        return
    if name is None:
        rows = [
            (each, agent.description, ", ".join(agent.hosts), ", ".join(agent.state)) for each, agent in agents.items()
        ]
        render.out(render.table(rows, ("AGENT", "WHAT", "MAY REACH", "KEEPS")))
        return
    agent: Agent = agents[name]
    groups = load_policy(home).groups
    hosts = [pattern.text for word in agent.hosts for pattern in groups.patterns(word, source=name)]
    fields = {
        "command": " ".join(agent.command),
        "image": agent.image or "",
        "is given": ", ".join((*agent.credentials, *agent.environment)),
        "keeps": ", ".join(agent.state),
        "brief": agent.instructions,
        "installs": agent.install.strip(),
    }
    lines = [f"{what + ':':<10} {line}" for what, text in fields.items() if text for line in text.splitlines()]
    reach = [f"{'reaches:':<10} {host}" for host in dict.fromkeys(hosts)]
    render.out("\n".join(render.printable(line) for line in [*lines, *reach]))
