"""``muster store``: check, upgrade and protect the store."""

from __future__ import annotations

from pathlib import Path

import click

from scanner.cli.calls import Group
from scanner.cli.console import say
from scanner.cli.exit_codes import PROBLEMS
from scanner.cli.options import config_option, store_option

LONGEST_NAME = 63
"""PostgreSQL truncates a longer name: https://www.postgresql.org/docs/current/limits.html."""


@click.group(cls=Group)
def store() -> None:
    """Check, upgrade and protect the store."""


@store.command()
@click.option("--owner", default="muster_owner", show_default=True, metavar="NAME", help="Role that owns the tables.")
@click.option("--writer", default="muster_writer", show_default=True, metavar="NAME", help="Role that scans.")
@click.option("--reader", default="muster_reader", show_default=True, metavar="NAME", help="Role that reports.")
@click.option("--page", default="muster_page", show_default=True, metavar="NAME", help="Role of the served page.")
@click.option("--schema", default="public", show_default=True, metavar="NAME", help="Schema in the store's URL.")
def grants(owner: str, writer: str, reader: str, page: str, schema: str) -> None:
    """Print SQL for the roles of a store on PostgreSQL.

    Pipe it into psql as the database's owner or a superuser. It creates missing roles without a password, and grants
    each role the least it needs.
    """
    from scanner.errors import UsageError
    from scanner.store.grants import Roles
    from scanner.store.grants import grants as sql

    names = (owner, writer, reader, page, schema)
    wrong = [name for name in names if not name or not name.isprintable() or len(name) > LONGEST_NAME]
    if wrong:
        raise UsageError(
            f"{wrong[0]!r} is not a name of a role or schema", hint=f"give up to {LONGEST_NAME} printable characters"
        )
    click.echo(sql(Roles(owner=owner, writer=writer, reader=reader, page=page), schema), nl=False)


@store.command()
@click.option("--repair", is_flag=True, help="Repair or remove damaged rows; on PostgreSQL as the owner.")
@config_option
@store_option
def check(repair: bool, config_file: Path | None, store_url: str | None) -> int:
    """Verify every row's hash, and the database's own integrity.

    Exit 1 if a problem remains. --repair restores rows from their content, and removes other damaged rows. Scans that
    had them report that. The next scan stores them again.
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
        click.echo(f"{place}: {counted(scans, 'scan', 'scans')}, no problems")
        return 0
    problems = counted(len(found), "problem", "problems")
    click.echo(f"{place}: {problems}, {len(found) - left:,} repaired" if repair else f"{place}: {problems}")
    if left and not repair:
        say("`muster store check --repair` repairs it; back up the store first")
    return PROBLEMS if left else 0


@store.command()
@config_option
@store_option
def upgrade(config_file: Path | None, store_url: str | None) -> None:
    """Create the store's tables, or migrate them to this version.

    A scan does this itself if its role may change tables.
    """
    from scanner.config.load import load_config
    from scanner.store.store import open_store

    with open_store(store_url or load_config(config_file).store_url) as opened:
        status = opened.status()
    click.echo(f"{status.place} is at version {status.version}")


@store.command()
@click.option("--scan", "scan_id", metavar="ID", help="Scan id; default: the latest scan.")
@config_option
@store_option
def index(scan_id: str | None, config_file: Path | None, store_url: str | None) -> None:
    """Build the index that `muster serve` answers from, for example after each scan.

    The server builds it itself if it is missing. A scan that has one is left as it is. The folder is [serve] index in
    the config; default: beside an SQLite store.
    """
    from contextlib import closing
    from functools import partial

    from scanner.cli.serve import index_folder
    from scanner.config.load import load_config
    from scanner.serve.index.catalog import Catalog
    from scanner.store.store import open_store

    config = load_config(config_file)
    place = store_url or config.store_url
    folder = config.serve.index or index_folder(place)
    with closing(Catalog(folder, partial(open_store, place, create=False), activity=config.activity)) as catalog:
        built = catalog.refresh() if scan_id is None else catalog.of(scan_id)
        click.echo(f"scan {built.scan} is indexed in {folder}")
