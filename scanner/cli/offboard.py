"""``muster offboard``: what a leaver owns, with successors and next steps."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from scanner.cli.exit_codes import NOT_FOUND
from scanner.cli.options import config_option, listed, people_option, store_option
from scanner.errors import UsageError

if TYPE_CHECKING:
    from scanner.cli.output import Delivery
    from scanner.lifecycle.offboarding.records import Handover
    from scanner.model import Person, ScanInfo, ScanResult


@click.command()
@click.argument("person")
@config_option
@store_option
@people_option
@click.option(
    "-o",
    "--output",
    "outputs",
    multiple=True,
    metavar="FORMAT:PATH",
    help="Write it as table, csv, xlsx, markdown or json; '-' is stdout, {date} the scan's day. Repeats.",
)
def offboard(
    person: str,
    config_file: Path | None,
    store_url: str | None,
    people: tuple[Path, ...],
    outputs: tuple[str, ...],
) -> int:
    """List what a leaver owns, with suggested successors.

    Identities that the person owns, backs up, built, created or approved, and the person's accounts, from the latest
    scan in the store. Run it before, on or after the last day. PERSON is an e-mail, id, alias, name or user name.
    Exit 1 if no person matches, 2 if several do.
    """
    from reports.handover import WRITERS
    from scanner.cli.console import warn
    from scanner.cli.output import deliver, plan_formats
    from scanner.config.load import load_config
    from scanner.judging.last_known.shrunk import LEAVERS
    from scanner.judging.last_known.unread_lists import CELLS_OF_PEOPLE, warnings_of
    from scanner.lifecycle.offboarding.handover import handover
    from scanner.registry.roster.people import load_people
    from scanner.store.store import open_store

    planned = plan_formats(outputs, tuple(WRITERS), "a handover")
    config = load_config(config_file)
    roster = load_people(tuple(map(listed, people)) or config.people, strict=False)
    warn(map(str, roster.warnings))
    warn((*warnings_of(LEAVERS, roster.unread), *warnings_of(CELLS_OF_PEOPLE, roster.cells)))
    with open_store(store_url or config.store_url, create=False) as store:
        result = store.load()
    leaver = _find_person(person, result, roster.people)
    found = handover(result, roster.people, leaver, datetime.now(UTC).date())
    if not found.items and leaver not in roster.people:
        _print_unknown(person, result, roster.people)
        return NOT_FOUND
    deliver([_delivery(*one, found, result.scan) for one in planned], hint="choose another path")
    return 0


def _find_person(text: str, result: ScanResult, people: Sequence[Person]) -> Person:
    """The person in the roster, else in the registry, else as typed. Raises UsageError if several match."""
    from reports.handover import called
    from scanner.lifecycle.offboarding.leaver import find_people, unlisted_person
    from scanner.model import Origin
    from scanner.text import printable

    hits = find_people(text, people) or find_people(text, _only_declared(result, people))
    if len(hits) > 1:
        listed = "".join(f"\n  {printable(called(hit))}" for hit in hits)
        raise UsageError(f"{len(hits)} people match {printable(text)}:{listed}", hint="name one by e-mail")
    return hits[0] if hits else unlisted_person(text, Origin(file="the command line"))


def _only_declared(result: ScanResult, people: Sequence[Person]) -> tuple[Person, ...]:
    from scanner.lifecycle.offboarding.leaver import unlisted_people

    return unlisted_people([declared.entry for declared in result.entries], people)


def _print_unknown(text: str, result: ScanResult, people: Sequence[Person]) -> None:
    from scanner.lifecycle.offboarding.leaver import nearest
    from scanner.text import printable

    click.echo(
        f"no person matches {printable(text)}: not on the roster, in the registry, in a tag or as a creator", err=True
    )
    for name in nearest(text, (*people, *_only_declared(result, people))):
        click.echo(f"  is it {printable(name)}?", err=True)


def _delivery(name: str, path: str, found: Handover, scan: ScanInfo) -> Delivery:
    from reports.handover import WRITERS
    from scanner.cli.output import Delivery

    return Delivery(
        format=name,
        title=f"{name} (handover)",
        path=path.replace("{date}", f"{scan.started_at:%Y-%m-%d}"),
        write=partial(WRITERS[name], found, scan),
    )
