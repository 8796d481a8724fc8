"""Loads the roster: people and groups, and who has left."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import get_args

from msgspec import Struct

from scanner.catalog import read_table
from scanner.errors import Problem
from scanner.matching.keys import is_email
from scanner.model import Person, PersonStatus
from scanner.registry.columns import PEOPLE
from scanner.registry.lists import ListSource
from scanner.registry.records import Notes, Record, read_records
from scanner.registry.tables.cells import shown

_RANKED: tuple[PersonStatus, ...] = ("unknown", "active", "leaving", "left")
"""Of a person in two lists, the last of these counts."""
_STATUSES: dict[str, PersonStatus] = {
    **{status: status for status in get_args(PersonStatus)},
    **{
        word: status
        for language in read_table(
            "scanner.registry.roster", "statuses.toml", dict[str, dict[PersonStatus, list[str]]]
        ).values()
        for status, words in language.items()
        for word in words
    },
}
_PARTED = str.maketrans("_-", "  ")


class People(Struct, frozen=True, kw_only=True):
    """All people and groups, in the order of files and rows, with warnings."""

    people: tuple[Person, ...] = ()
    warnings: tuple[Problem, ...] = ()


def load_people(lists: Sequence[ListSource]) -> People:
    """Return the people and groups in these lists, which can have the same formats as the registry.

    A person in several lists is merged: earlier lists take precedence, but a person who has left in one list has left.
    Raises RegistryError with all problems, each with file, line and heading.
    """
    notes = Notes()
    people: dict[str, Person] = {}
    lists_of: dict[str, str] = {}
    for record in read_records(lists, PEOPLE, {"email"}, "people", notes):
        email = _email(record)
        if email is None and not record.fields.errors:
            notes.problems.append(
                record.problem(
                    "no person is named",
                    field=record.fields.heading("email"),
                    fix="fill in the e-mail, or team:name for a group",
                )
            )
        person = _person(record, email or "", notes)
        if email is None:
            continue
        key = email.lower()
        known = people.get(key)
        if known is not None and lists_of[key] == record.source.name:
            notes.problems.append(
                record.problem(f"{shown(email)} is already at {known.origin}", field=record.fields.heading("email"))
            )
        people[key] = person if known is None else _merged(known, person)
        lists_of[key] = record.source.name
    notes.problems.extend(_same_ids(people.values()))
    notes.raise_problems()
    return People(people=tuple(people.values()), warnings=tuple(notes.warnings))


def _merged(known: Person, again: Person) -> Person:
    """Merge one person from two lists, keeping all names."""
    named = (*known.aliases, *again.aliases, *((again.id,) if known.id and again.id else ()))
    return Person(
        email=known.email,
        origin=known.origin,
        id=known.id or again.id,
        name=known.name or again.name,
        status=max(known.status, again.status, key=_RANKED.index),
        left_on=known.left_on or again.left_on,
        manager=known.manager or again.manager,
        team=known.team or again.team,
        aliases=tuple(alias for alias in dict.fromkeys(named) if alias != known.id),
        members=tuple(dict.fromkeys((*(known.members or ()), *(again.members or ())))) or None,
    )


def _same_ids(people: Iterable[Person]) -> Iterator[Problem]:
    """Yield the people whose id another person has, too: a text with that id would be ambiguous."""
    holders: dict[str, Person] = {}
    for person in people:
        holder = holders.setdefault(person.id, person) if person.id else person
        if holder is not person:
            message = f"the id {shown(person.id or '')} is that of {holder.email} at {holder.origin}, too"
            yield Problem(file=person.origin.file, line=person.origin.row, field="id", message=message)


def _email(record: Record) -> str | None:
    """Return the e-mail.

    Directories leave it empty for people without a mailbox, who have an alias that is an address.
    """
    return record.fields.text("email") or next(filter(is_email, record.fields.items("aliases")), None)


def _name(record: Record) -> str | None:
    parts = (record.fields.text("first_name"), record.fields.text("last_name"))
    return record.fields.text("name") or " ".join(filter(None, parts)) or None


def _person(record: Record, email: str, notes: Notes) -> Person:
    fields = record.fields
    return Person(
        email=email,
        origin=record.origin,
        id=fields.text("id"),
        name=_name(record),
        status=_status(record, notes),
        left_on=record.day("left_on"),
        manager=fields.text("manager"),
        team=fields.text("team"),
        aliases=fields.items("aliases"),
        members=fields.items("members") or None,
    )


def _status(record: Record, notes: Notes) -> PersonStatus:
    """Return the status; one that no list knows is unknown: nobody is said to have left, or to be there, by it."""
    written = record.fields.text("status")
    if written is None:
        return "active"
    status = _STATUSES.get(" ".join(written.lower().translate(_PARTED).split()))
    if status is None:
        notes.warnings.append(
            record.problem(
                f"unknown status {shown(written)}, so whether the person is active is unknown",
                field=record.fields.heading("status"),
                fix="use one of active, leaving, left",
            )
        )
    return status or "unknown"
