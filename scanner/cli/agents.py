"""``muster agents``: the lock of AI agents."""

from __future__ import annotations

from pathlib import Path

import click

from scanner.cli.calls import Group
from scanner.cli.options import config_option, store_option

DEFAULT_LOCK = Path("agents.lock.toml")


@click.group(cls=Group)
def agents() -> None:
    """Approve what AI agents have, and hear of what comes on top."""


@agents.command()
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False), default=DEFAULT_LOCK, metavar="[FILE]")
@config_option
@store_option
def lock(file: Path, config_file: Path | None, store_url: str | None) -> None:
    """Write what each AI agent of the latest scan has, as approved.

    FILE is TOML, agents.lock.toml by default; '-' is stdout. It has the tools, MCP servers, models, rights and
    inheritances of each agent. Keep it beside the code, and review its changes. `muster scan --agents-lock FILE`, or
    lock in [agents] of the config, and `muster check --agents-lock FILE` report what an agent has beyond it.
    """
    from scanner.app.agents import latest_agents
    from scanner.cli.console import say
    from scanner.config.agents_lock import lock_text
    from scanner.config.load import load_config
    from scanner.safe_files import in_place_of
    from scanner.store.store import open_store
    from scanner.text import counted

    with open_store(store_url or load_config(config_file).store_url, create=False) as store:
        found = latest_agents(store)
    text = lock_text(found)
    if str(file) == "-":
        click.echo(text, nl=False)
        return
    with in_place_of(file) as target:
        target.write(text.encode())
    say(f"{file}: {counted(len(found), 'agent', 'agents')}")
