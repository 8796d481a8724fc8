"""``muster store``: what whoever runs the store needs."""

from __future__ import annotations

from pathlib import Path

import click

from scanner.cli.options import config_option, store_option

LONGEST_NAME = 63
"""PostgreSQL cuts a longer one in silence: https://www.postgresql.org/docs/current/limits.html."""


@click.group()
def store() -> None:
    """Look after the store."""


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
    from scanner.history.grants import Roles
    from scanner.history.grants import grants as sql

    names = (owner, writer, reader, schema)
    wrong = [name for name in names if not name or not name.isprintable() or len(name) > LONGEST_NAME]
    if wrong:
        raise UsageError(
            f"{wrong[0]!r} is no name of a role or schema", hint=f"give up to {LONGEST_NAME} printable characters"
        )
    click.echo(sql(Roles(owner=owner, writer=writer, reader=reader), schema), nl=False)


@store.command()
@config_option
@store_option
def upgrade(config_file: Path | None, store_url: str | None) -> None:
    """Make the store's tables, or bring them forward to this version.

    A scan does that by itself where its role may change tables.
    """
    from scanner.config import load_config
    from scanner.history.store import open_store

    with open_store(store_url or load_config(config_file).store_url) as opened:
        status = opened.status()
    click.echo(f"{status.place} is at version {status.version}")
