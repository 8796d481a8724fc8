"""``muster store``: commands for operators of the store."""

from __future__ import annotations

from pathlib import Path

import click

from scanner.cli.calls import Group
from scanner.cli.console import say
from scanner.cli.options import config_option, store_option

LONGEST_NAME = 63
"""PostgreSQL cuts a longer one in silence: https://www.postgresql.org/docs/current/limits.html."""


@click.group(cls=Group)
def store() -> None:
    """Check, upgrade and protect the store."""


@store.command()
@click.option("--owner", default="muster_owner", show_default=True, metavar="NAME", help="Whose the tables are.")
@click.option("--writer", default="muster_writer", show_default=True, metavar="NAME", help="The role that scans.")
@click.option("--reader", default="muster_reader", show_default=True, metavar="NAME", help="The role that reports.")
@click.option(
    "--schema", default="public", show_default=True, metavar="NAME", help="The schema that the store's URL names."
)
def grants(owner: str, writer: str, reader: str, schema: str) -> None:
    """Print SQL for the roles of a store on PostgreSQL.

    To be piped into psql, as the database's owner or a superuser. The roles are made without a password if they are
    not there; what is granted is the least that each of them needs.
    """
    from scanner.errors import UsageError
    from scanner.store.grants import Roles
    from scanner.store.grants import grants as sql

    names = (owner, writer, reader, schema)
    wrong = [name for name in names if not name or not name.isprintable() or len(name) > LONGEST_NAME]
    if wrong:
        raise UsageError(
            f"{wrong[0]!r} is no name of a role or schema", hint=f"give up to {LONGEST_NAME} printable characters"
        )
    click.echo(sql(Roles(owner=owner, writer=writer, reader=reader), schema), nl=False)


@store.command()
@click.option("--repair", is_flag=True, help="Mend or remove what is damaged; on PostgreSQL as the owner.")
@config_option
@store_option
def check(repair: bool, config_file: Path | None, store_url: str | None) -> int:
    """Verify every row's hash, and the database's own integrity.

    Exit code 1 if anything is wrong and not repaired. A repair restores what can be derived, removes rows that cannot
    be trusted, and says so in the scans that had them; the next scan stores what it reads anew.
    """
    from scanner.config.load import load_config
    from scanner.store.store import open_store
    from scanner.text import counted

    with open_store(store_url or load_config(config_file).store_url, create=False) as opened:
        found = opened.repair() if repair else opened.check()
        scans, place = len(opened.scans()) if not found else 0, opened.status().place
    for problem in found:
        click.echo(f"{problem.what}: {problem.repaired}" if problem.repaired else problem.what)
    left = sum(problem.repaired is None for problem in found)
    if not found:
        click.echo(f"{place}: {counted(scans, 'scan', 'scans')}, nothing is wrong")
        return 0
    problems = counted(len(found), "problem", "problems")
    click.echo(f"{place}: {problems}, {len(found) - left:,} repaired" if repair else f"{place}: {problems}")
    if left and not repair:
        say("`muster store check --repair` mends what can be mended; back up the store first")
    return 1 if left else 0


@store.command()
@config_option
@store_option
def upgrade(config_file: Path | None, store_url: str | None) -> None:
    """Make the store's tables, or bring them forward to this version.

    A scan does that by itself where its role may change tables.
    """
    from scanner.config.load import load_config
    from scanner.store.store import open_store

    with open_store(store_url or load_config(config_file).store_url) as opened:
        status = opened.status()
    click.echo(f"{status.place} is at version {status.version}")
