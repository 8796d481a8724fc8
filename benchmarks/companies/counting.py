"""What became of cells: owners, statuses, dates, and pairs that are suggested."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import Literal, TypeAlias

from msgspec import Struct

from benchmarks.companies.company import Row
from benchmarks.companies.judged import Outcome, person_of
from benchmarks.companies.people import Member

Result: TypeAlias = Literal["right", "unknown", "not read", "misread"]
_STANDS = {"active": ("active",), "resting": ("active",), "leaving": ("leaving",), "left": ("left",)}
_NEAR = {"leaving": ("active",)}
"""What else is true enough: somebody who gave notice still works here."""


class Owning(Struct, frozen=True, kw_only=True):
    """A row whose owner is measured. ``named``: who answers for certain; ``first``: who is asked first otherwise."""

    row: Row
    form: str
    named: str | None
    first: str | None

    @property
    def wrongly(self) -> bool:
        """Whether somebody is named who is not meant."""
        return self.named is not None and self.named.lower() not in self.row.owners

    @property
    def right(self) -> bool:
        """Whether one who is meant is named, or asked first."""
        return (self.named or self.first or "").lower() in self.row.owners


def ownings(outcome: Outcome) -> Iterator[Owning]:
    """All rows whose owners are measured, with what is said of the identity that each declares."""
    for case in outcome.cases:
        row = None if case.truth.row is None else outcome.company.rows[case.truth.row]
        if row is None or row.owner_form is None:
            continue
        said = case.said.ownership
        owner = said.owner if said.state == "owned" else None
        first = said.candidates[0].person if said.candidates else None
        yield Owning(row=row, form=row.owner_form, named=owner, first=None if owner else first)


class Dating(Struct, frozen=True, kw_only=True):
    """A cell that was read. ``kind``: what stands there; ``cell``: as it is written; ``read``: what it came to."""

    kind: str
    came_to: Result
    cell: object
    read: object


def status_readings(outcome: Outcome) -> Iterator[Dating]:
    """Of each row's status: an unknown word counts as active, with a warning."""
    heading = outcome.company.words.registry.headings["status"]
    for number, row in enumerate(outcome.company.rows):
        entry = outcome.entries.get(number)
        cell = row.cells["status"]
        if entry is None:
            result: Result = "not read"
        elif entry.status == row.status and not _is_told(outcome, number, heading):
            result = "right"
        else:
            result = "unknown" if _is_told(outcome, number, heading) and entry.status == "active" else "misread"
        yield Dating(kind=f"entry: {row.status}", came_to=result, cell=cell, read=entry and entry.status)


def date_readings(outcome: Outcome) -> Iterator[Dating]:
    """Of each row's end: what cannot be read is unknown, and never without an end in silence."""
    heading = outcome.company.words.registry.headings["expires"]
    for number, row in enumerate(outcome.company.rows):
        entry = outcome.entries.get(number)
        told = _is_told(outcome, number, heading)
        if entry is None:
            result: Result = "not read"
        elif entry.expires is None and told:
            result = "right" if row.end.kind == "unreadable" else "unknown"
        elif row.end.kind == "unreadable":
            result = "misread"
        else:
            result = "right" if entry.expires == row.end.means else "misread"
        yield Dating(kind=f"end: {row.end.kind}", came_to=result, cell=row.end.cell, read=entry and entry.expires)


def standing_readings(outcome: Outcome) -> Iterator[Dating]:
    """Of each person's status and last day."""
    for one in outcome.company.staff:
        person = person_of(outcome, one)
        if person is None:
            result: Result = "not read"
        elif person.status in (*_STANDS[one.standing], *_NEAR.get(one.standing, ())):
            result = "right"
        else:
            result = "unknown" if person.status == "unknown" else "misread"
        yield Dating(kind=f"person: {one.standing}", came_to=result, cell=one.word, read=person and person.status)
        yield _left(one, person is not None, None if person is None else person.left_on)


def _left(one: Member, is_read: bool, day: date | None) -> Dating:
    result: Result = (
        "not read" if not is_read else "right" if day == one.left else "unknown" if day is None else "misread"
    )
    kind = "last day" if one.left else "no last day"
    return Dating(kind=f"person: {kind}", came_to=result, cell=one.left, read=day)


def _is_told(outcome: Outcome, number: int, heading: str) -> bool:
    """Whether a message names this line and this heading."""
    return any(f" {heading}:" in text for text in outcome.texts.get(number, ()))


def pairs(outcome: Outcome) -> tuple[set[tuple[int, str]], set[tuple[int, str]]]:
    """All pairs of row and identity that are suggested for entries, and for identities as far as their entry asks."""
    entries = {(row, key) for row, keys in outcome.asked.items() for key in keys}
    identities = {
        (row, case.said.identity.key) for case in outcome.cases for row, _ in case.suggested if row in outcome.asked
    }
    return entries, identities
