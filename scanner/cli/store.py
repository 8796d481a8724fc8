"""``muster store``: check, upgrade and protect the store."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import click

from scanner.cli.calls import Group
from scanner.cli.console import say
from scanner.cli.exit_codes import PROBLEMS
from scanner.cli.options import config_option, store_option

if TYPE_CHECKING:
    from scanner.store.chain import Printed


_HEAD = re.compile(r"(?:([0-9]{1,12}):)?([0-9a-f]{64})")
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
@click.option(
    "--head",
    "heads",
    multiple=True,
    metavar="HASH",
    help="A head of the log of decisions from an earlier print, as HASH or COUNT:HASH. Repeats.",
)
@config_option
@store_option
def check(repair: bool, heads: tuple[str, ...], config_file: Path | None, store_url: str | None) -> int:
    """Verify every row's hash, the log of decisions, and the database's own integrity.

    It prints the log's length and head. With a --head from an earlier report, it verifies that the log has only grown
    since; without one, records that were cut off at the end cannot be noticed. Exit 1 if a problem remains.

    --repair restores rows from their content, and removes other damaged rows. Scans that had them report that. The next
    scan stores them again. The log is never repaired.
    """
    from scanner.app.acting import by_command
    from scanner.config.load import load_config
    from scanner.store.store import open_store
    from scanner.text import counted

    printed = tuple(map(_printed, heads))
    with open_store(store_url or load_config(config_file).store_url, create=False) as opened:
        found = opened.repair(by_command(), printed) if repair else opened.check(printed)
        scans, place = len(opened.scans()) if not found else 0, opened.status().place
        head = opened.decisions.head()
    for problem in found:
        click.echo(f"{problem.what}: {problem.repaired}" if problem.repaired else problem.what)
    left = sum(problem.repaired is None for problem in found)
    if not found:
        click.echo(f"{place}: {counted(scans, 'scan', 'scans')}, no problems")
        click.echo(str(head))
        return 0
    problems = counted(len(found), "problem", "problems")
    click.echo(f"{place}: {problems}, {len(found) - left:,} repaired" if repair else f"{place}: {problems}")
    click.echo(str(head))
    if not repair and not all(problem.is_evidence for problem in found):
        say("`muster store check --repair` repairs it; back up the store first")
    if any(problem.is_evidence for problem in found):
        say("what people decided is never repaired: compare it with a backup")
    return PROBLEMS if left else 0


def _printed(text: str) -> Printed:
    """The head in ``HASH`` or ``COUNT:HASH``. Raises UsageError."""
    from scanner.errors import UsageError
    from scanner.store.chain import Printed
    from scanner.text import printable

    given = _HEAD.fullmatch(text.strip().lower())
    if given is None:
        raise UsageError(
            f"--head {printable(text)} is no head of the log of decisions",
            hint="give all 64 digits that `muster store check` printed, or COUNT:HASH",
        )
    return Printed(head=given[2], count=None if given[1] is None else int(given[1]))


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

    from scanner.cli.console import counting
    from scanner.cli.indexing import index_folder
    from scanner.config.load import load_config
    from scanner.serve.index.catalog import Catalog
    from scanner.store.store import open_store

    config = load_config(config_file)
    place = store_url or config.store_url
    folder = config.serve.index or index_folder(place)
    with closing(Catalog(folder, partial(open_store, place, create=False), activity=config.activity)) as catalog:
        with counting("building the index") as progress:
            built = catalog.refresh(progress) if scan_id is None else catalog.of(scan_id, progress)
        click.echo(f"scan {built.scan} is indexed in {folder}")
