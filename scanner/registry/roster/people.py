"""Loads the roster: people and groups, and who has left."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from datetime import date

from msgspec import Struct
from msgspec.structs import replace

from scanner.errors import CutOff, Problem, RegistryError
from scanner.languages import worded
from scanner.matching.keys import is_email
from scanner.model import FileEnd, Origin, Person, PersonStatus, UnreadCells, UnreadRow
from scanner.redaction.masking import mask
from scanner.registry.columns import PEOPLE
from scanner.registry.lists import ListSource
from scanner.registry.records import Notes, Record, read_records, unread_cells, unread_columns, why
from scanner.registry.roster import Roster
from scanner.registry.tables.cells import shown
from scanner.registry.understood import Understood
from scanner.registry.vocabulary import PERSON_STATUSES, say_what_it_means

_SAID = ("active", "leaving", "left")
_RANKED: tuple[PersonStatus, ...] = ("unknown", "active", "leaving", "left")
"""Of a person in two lists, the last of these counts."""
# Japanese names, with the family name first.
_FAMILY_FIRST = re.compile(r"[\u3040-\u30ff\u4e00-\u9fff]")
_WORD = re.compile(r"[^\s,]+")
_NAMES = frozenset({"name", "first_name", "last_name"})


class People(Struct, frozen=True, kw_only=True):
    """All people and groups, in the order of files and rows, with warnings.

    ``unread``: rows that cannot be read: they name no person, or one that an earlier row of the list has. ``cells``: of
    rows that count, though these cells cannot be read; their people name the columns, too.
    ``understood``: the tables as they were read. ``ends``: how files ended that may be read if they were cut.
    """

    people: tuple[Person, ...] = ()
    warnings: tuple[Problem, ...] = ()
    unread: tuple[UnreadRow, ...] = ()
    cells: tuple[UnreadCells, ...] = ()
    understood: tuple[Understood, ...] = ()
    ends: tuple[FileEnd, ...] = ()

    def roster(self, today: date) -> Roster:
        """Return the roster of these people on that day."""
        return Roster(self.people, today, rows_unread=len(self.unread))


class PeopleSurvey(Struct, frozen=True, kw_only=True):
    """All readable people, and all problems. ``whole``: none of these concerns a whole list or file."""

    people: People
    problems: tuple[Problem, ...]
    whole: bool


def load_people(lists: Sequence[ListSource], *, strict: bool = True) -> People:
    """Return the people and groups in these lists, which can have the same formats as the registry.

    A person in several lists is merged: earlier lists take precedence, but a person who has left in one list has left.
    Raises RegistryError with all problems, each with file, line and heading. Unless ``strict``, an unreadable row is
    skipped and an unreadable cell left out, and only problems of a whole list raise an error. All readers of a roster
    get it masked: workbooks, pages and mails name people, too.
    """
    found = survey_people(lists)
    if found.problems and (strict or not found.whole):
        raise RegistryError(*found.problems)
    people = found.people
    return replace(
        people,
        people=tuple(map(mask, people.people)),
        unread=tuple(map(mask, people.unread)),
        cells=tuple(map(mask, people.cells)),
    )


def survey_people(lists: Sequence[ListSource]) -> PeopleSurvey:
    """As :func:`load_people`, but returns the problems instead of raising them."""
    notes = Notes()
    people: dict[str, Person] = {}
    lists_of: dict[str, str] = {}
    unread: list[UnreadRow] = []
    cells: list[UnreadCells] = []
    for record in read_records(lists, PEOPLE, {"email"}, "people", notes):
        # E-mail. Directories leave it empty for people without a mailbox, who have an alias that is an address.
        email = record.fields.text("email") or next(filter(is_email, record.fields.items("aliases")), None)
        person = _person(record, email or "", notes)
        key = (email or "").lower()
        known = people.get(key)
        wrong = []
        if email is None and not record.hides({"email"}):
            fix = "fill in the e-mail, or team:name for a group"
            wrong.append(record.problem("no person is named", field=record.fields.heading("email"), fix=fix))
        elif known is not None and lists_of[key] == record.source.name:
            message = f"{shown(known.email)} is already at {known.origin}"
            wrong.append(record.problem(message, field=record.fields.heading("email")))
            people[key] = _contested(known, person)
        notes.of_row(*wrong)
        if wrong or email is None or record.hides({"email"}):
            unread.append(UnreadRow(origin=record.origin, why=tuple(map(why, [*wrong, *record.wrong_cells]))))
            continue
        if person.unread:
            cells.append(unread_cells(record, person.unread))
        people[key] = person if known is None else _merged(known, person)
        lists_of[key] = record.source.name
    alike = list(_same_ids(people.values()))
    notes.of_row(*(problem for _, problem in alike))
    for person, problem in alike:
        people[person.email.lower()] = replace(person, id=None, unread=_columns({*person.unread, "id"}))
        cells.append(UnreadCells(origin=person.origin, columns=("id",), why=(why(problem),)))
    unread += [
        UnreadRow(
            origin=Origin(file=one.file, sheet=one.sheet, row=one.line),
            why=(why(one),),
            was_cut=isinstance(one, CutOff),
        )
        for one in notes.lost
    ]
    return PeopleSurvey(
        people=People(
            people=tuple(people.values()),
            warnings=tuple(notes.warnings),
            unread=tuple(unread),
            cells=tuple(cells),
            understood=tuple(notes.understood),
            ends=tuple(notes.ends),
        ),
        problems=tuple(notes.problems),
        whole=notes.of_rows_alone,
    )


def _columns(columns: Collection[str]) -> tuple[str, ...]:
    return tuple(column for column in PEOPLE.names if column in columns)


def _contested(known: Person, again: Person) -> Person:
    """Return a person with a second row in the list: whether they have left is unknown, unless both rows agree."""
    if (known.status, known.left_on) == (again.status, again.left_on):
        return known
    return replace(known, status="unknown", left_on=None, unread=_columns({*known.unread, "status", "left_on"}))


def _merged(known: Person, again: Person) -> Person:
    """Merge one person from two lists, keeping all names."""
    unread = _columns({*known.unread, *again.unread})
    status = max(known.status, again.status, key=_RANKED.index)
    named = (*known.aliases, *again.aliases, *((again.id,) if known.id and again.id else ()))
    return Person(
        email=known.email,
        origin=known.origin,
        id=known.id or again.id,
        name=known.name or again.name,
        status="unknown" if status != "left" and _hides_end(unread) else status,
        left_on=known.left_on or again.left_on,
        manager=known.manager or again.manager,
        team=known.team or again.team,
        aliases=tuple(alias for alias in dict.fromkeys(named) if alias != known.id),
        members=tuple(dict.fromkeys((*(known.members or ()), *(again.members or ())))) or None,
        unread=unread,
    )


def _hides_end(unread: Collection[str]) -> bool:
    """Return whether an unreadable cell says whether the person has left."""
    return "left_on" in unread or "status" in unread


def _same_ids(people: Iterable[Person]) -> Iterator[tuple[Person, Problem]]:
    """Yield the people whose id another person has, too: a text with that id is ambiguous, and means neither."""
    holders: dict[str, list[Person]] = {}
    for person in people:
        if person.id:
            holders.setdefault(person.id, []).append(person)
    for same in holders.values():
        for at, person in enumerate(same) if len(same) > 1 else ():
            other = same[0 if at else 1]
            message = f"the id {shown(person.id or '')} is that of {other.email} at {other.origin}, too"
            origin = person.origin
            yield (
                person,
                Problem(file=origin.file, sheet=origin.sheet, line=origin.row, field="id", message=message),
            )


def _name(record: Record) -> str | None:
    """Return the full name. Beside a first name alone, ``name`` is the last one, as in German and French lists."""
    whole, first, last = (record.fields.text(column) for column in ("name", "first_name", "last_name"))
    if whole is not None and (first is None) != (last is None):
        half, every = (first or last or "").casefold(), whole.casefold()
        if set(half.split()) <= set(_WORD.findall(every)) or (_FAMILY_FIRST.search(half) and half in every):
            return whole
        first, last, whole = (first, whole, None) if first is not None else (whole, last, None)
    parts = (last, first) if _FAMILY_FIRST.search(f"{first}{last}") else (first, last)
    return whole or " ".join(filter(None, parts)) or None


def _person(record: Record, email: str, notes: Notes) -> Person:
    fields = record.fields
    person = Person(
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
    unread = unread_columns(record, PEOPLE.names)
    if not unread:
        return person
    single: dict[str, None] = {column: None for column in ("id", "left_on", "manager", "team") if column in unread}
    if not _NAMES.isdisjoint(unread):
        single["name"] = None
    status = "unknown" if person.status != "left" and _hides_end(unread) else person.status
    return replace(person, unread=unread, status=status, **single)


def _status(record: Record, notes: Notes) -> PersonStatus:
    """Return the status; a word that no table has is unknown, neither left nor active."""
    written = record.fields.text("status")
    if written is None:
        return "unknown" if record.hides({"status"}) else "active"
    own = record.own_meaning("status", written)
    status = PERSON_STATUSES.get(own or worded(written))
    record.takes("status", written, status)
    if status is None:
        notes.warnings.append(
            record.problem(
                f"unknown status {shown(written)}, so whether the person is active is unknown",
                field=record.fields.heading("status"),
                fix=say_what_it_means("status", _SAID),
            )
        )
    return status or "unknown"
