"""The roster: who there is, who has left, and which groups answer through their members."""

from __future__ import annotations

from collections.abc import Sequence
from typing import get_args

from msgspec import Struct

from scanner.errors import Problem
from scanner.model import Origin, Person, PersonStatus
from scanner.registry.columns import PEOPLE
from scanner.registry.lists import ListSource
from scanner.registry.records import Notes, Record, read_records
from scanner.tables.cells import shown

_STATUSES: dict[str, PersonStatus] = {
    **{status: status for status in get_args(PersonStatus)},
    **dict.fromkeys(("current", "employed", "employee", "enabled", "on leave", "parental leave", "hired"), "active"),
    **dict.fromkeys(("notice", "notice period", "on notice", "resigned", "under notice"), "leaving"),
    **dict.fromkeys(
        ("leaver", "terminated", "inactive", "offboarded", "departed", "former", "former employee", "deactivated",
         "disabled", "deleted", "dismissed", "retired", "deceased", "ex-employee", "gone"),
        "left",
    ),
}  # fmt: skip


class People(Struct, frozen=True, kw_only=True):
    """Everybody on the roster, in the order of files and rows, and what is odd about it without being wrong."""

    people: tuple[Person, ...] = ()
    warnings: tuple[Problem, ...] = ()


def load_people(lists: Sequence[ListSource]) -> People:
    """The people and groups of these files, in the same formats as the registry's.

    Raises RegistryError with everything that is wrong anywhere, each with file, line and heading.
    """
    notes = Notes()
    people: list[Person] = []
    places: dict[str, Origin] = {}
    ids: dict[str, Person] = {}
    for record in read_records(lists, PEOPLE, {"email"}, notes):
        email = record.fields.text("email")
        if email is None:
            if not record.fields.errors:
                notes.problems.append(
                    record.problem(
                        "nobody is named",
                        field=record.fields.heading("email"),
                        fix="fill in the e-mail, or team:name for a group",
                    )
                )
            continue
        known = places.setdefault(email.lower(), record.origin)
        if known is not record.origin:
            notes.problems.append(
                record.problem(f"{shown(email)} is already at {known}", field=record.fields.heading("email"))
            )
        person = _person(record, email, notes)
        holder = ids.setdefault(person.id, person) if person.id else person
        if holder is not person:
            message = f"the id {shown(person.id or '')} is that of {holder.email} at {holder.origin}, too"
            notes.problems.append(record.problem(message, field=record.fields.heading("id")))
        people.append(person)
    notes.raise_problems()
    return People(people=tuple(people), warnings=tuple(notes.warnings))


def _person(record: Record, email: str, notes: Notes) -> Person:
    fields = record.fields
    return Person(
        email=email,
        origin=record.origin,
        id=fields.text("id"),
        name=fields.text("name"),
        status=_status(record, notes),
        left_on=fields.day("left_on"),
        manager=fields.text("manager"),
        team=fields.text("team"),
        aliases=fields.items("aliases"),
        members=fields.items("members") or None,
    )


def _status(record: Record, notes: Notes) -> PersonStatus:
    """The status; one that we cannot read counts as left.

    Wrongly gone makes an orphan that somebody sees and corrects; wrongly there hides one that nobody looks for.
    """
    written = record.fields.text("status")
    if written is None:
        return "active"
    status = _STATUSES.get(" ".join(written.lower().replace("_", " ").split()))
    if status is None:
        notes.warnings.append(
            record.problem(
                f"unknown status {shown(written)}, taken as left",
                field=record.fields.heading("status"),
                fix=f"use one of {', '.join(get_args(PersonStatus))}",
            )
        )
    return status or "left"
