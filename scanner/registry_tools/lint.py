"""What is wrong with entries and people although they can be read; pure.

A problem is what makes an identity's verdict worse than its owner believes; a warning is what somebody should look at.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from datetime import timedelta
from typing import TypeAlias

from msgspec import Struct

from scanner.errors import Problem, did_you_mean
from scanner.matching.globs import GlobIndex, is_pattern, literal, pieces
from scanner.matching.keys import Place, fold, is_bare, is_email, place_of
from scanner.model import Entry, Person
from scanner.registry_tools.standards import Standard
from scanner.tables.cells import shown

BROAD = 4
"""Letters and digits below which a pattern is likely to stand for more than was meant."""
_SOMETHING = "\ue000"
"""A character that nothing is called by: only a wildcard stands for it."""

_OWNERS = ("owner", "technical_owner", "backup_owner")


class Note(Struct, frozen=True, kw_only=True):
    """Something about a list. ``grave``: a problem, else a warning."""

    grave: bool
    problem: Problem


Said: TypeAlias = tuple[str, str, str | None]
"""The column that it is about, what is wrong, and what to do."""
Check: TypeAlias = Callable[[Entry, Standard], Iterator[Said]]


def lint_entries(entries: Sequence[Entry], standard: Standard) -> tuple[Note, ...]:
    """Everything about the entries, in their order; what concerns several of them stands at the later one."""
    notes: list[tuple[int, Note]] = []
    order = {id(entry): number for number, entry in enumerate(entries)}
    living = [entry for entry in entries if entry.status != "retired"]
    for grave, check in _CHECKS:
        for entry in entries if check is _retired_without_date else living:
            notes += [(order[id(entry)], _noted(entry, said, grave)) for said in check(entry, standard)]
    notes += [(order[id(entry)], _noted(entry, said, True)) for entry, said in _twins(living)]
    notes += [(order[id(entry)], _noted(entry, said, False)) for entry, said in _covered(living)]
    return tuple(note for _, note in sorted(notes, key=lambda one: one[0]))


def lint_people(people: Sequence[Person], standard: Standard) -> tuple[Note, ...]:
    """Everything about the roster, in its order."""
    return tuple(
        Note(
            grave=False,
            problem=Problem(file=one.origin.file, line=one.origin.row, field=column, message=message, fix=fix),
        )
        for one in people
        for column, message, fix in _person(one, standard)
    )


def _noted(entry: Entry, said: Said, grave: bool) -> Note:
    column, message, fix = said
    return Note(
        grave=grave,
        problem=Problem(file=entry.origin.file, line=entry.origin.row, field=column, message=message, fix=fix),
    )


def _accountable(entry: Entry, standard: Standard) -> Iterator[Said]:
    for column in _OWNERS:
        for owner in getattr(entry, column):
            if why := standard.why_not_accountable(owner):
                yield column, f"{shown(owner)} {why}", "name somebody who is there"


def _ownerless(entry: Entry, _standard: Standard) -> Iterator[Said]:
    if not entry.owner:
        yield "owner", "nobody is named", "name who answers for it"


def _leaving(entry: Entry, standard: Standard) -> Iterator[Said]:
    for column in _OWNERS:
        for owner in getattr(entry, column):
            person = standard.roster.resolve(owner) if standard.roster else None
            if person is not None and person.status == "leaving" and not standard.why_not_accountable(owner):
                until = f" on {person.left_on}" if person.left_on else ""
                yield column, f"{shown(owner)} leaves{until}", "name a successor"


def _expired(entry: Entry, standard: Standard) -> Iterator[Said]:
    if entry.expires is not None and entry.expires < standard.today:
        yield "expires", f"expired on {entry.expires}, yet is {entry.status}", "retire it, or extend it"


def _review(entry: Entry, standard: Standard) -> Iterator[Said]:
    if entry.last_reviewed is None and entry.next_review is None:
        yield "last_reviewed", "was never reviewed", "write the day of its last review"
        return
    days = timedelta(days=standard.policy.review)
    due = min(day for day in (entry.next_review, entry.last_reviewed and entry.last_reviewed + days) if day)
    if due < standard.today:
        column = "next_review" if due == entry.next_review else "last_reviewed"
        yield column, f"its review was due on {due}", "review it, and write the day into last_reviewed"


def _purposeless(entry: Entry, _standard: Standard) -> Iterator[Said]:
    if entry.purpose is None:
        yield "purpose", "is empty", "say what it is for"


def _provider(entry: Entry, standard: Standard) -> Iterator[Said]:
    if entry.provider is not None and not standard.knows_provider(entry.provider):
        known = sorted(standard.providers or ())
        fix = did_you_mean(fold(entry.provider), known) or f"use one of {', '.join(known)}"
        yield "provider", f"{shown(entry.provider)} is nothing that can be scanned: this matches nothing", fix


def _broad(entry: Entry, _standard: Standard) -> Iterator[Said]:
    for text in entry.identities:
        if is_pattern(text) and sum(char.isalnum() for piece in pieces(text) for char in piece.literal) < BROAD:
            yield "identities", f"the pattern {shown(text)} may stand for far too much", "name more of it"


def _retired_without_date(entry: Entry, _standard: Standard) -> Iterator[Said]:
    if entry.status == "retired" and entry.expires is None:
        yield "expires", "is retired, and nobody can tell since when", "write its last day into expires"


def _person(person: Person, standard: Standard) -> Iterator[Said]:
    if person.is_group:
        if standard.roster is not None and not standard.roster.is_active(person):
            yield "members", f"{shown(person.email)} has no active member", "name one, or retire the group"
        return
    if person.status != "active" and person.left_on is None:
        yield "left_on", f"{shown(person.email)} is {person.status}, without a day", "write the last day"
    if person.manager and standard.roster is not None and standard.roster.resolve(person.manager) is None:
        yield "manager", f"{shown(person.manager)} is not on the roster", None


_CHECKS: tuple[tuple[bool, Check], ...] = (
    (True, _accountable),
    (True, _ownerless),
    (True, _expired),
    (False, _leaving),
    (False, _review),
    (False, _purposeless),
    (False, _provider),
    (False, _broad),
    (False, _retired_without_date),
)
"""Whether it is a problem, and the check; retired entries are asked for their last day alone."""


def _twins(entries: Sequence[Entry]) -> Iterator[tuple[Entry, Said]]:
    """Identities that two entries name for the same place; which of them is meant, nobody can tell."""
    first: dict[str, list[Entry]] = defaultdict(list)
    for entry in entries:
        for text in entry.identities:
            same = first[_compared(text)]
            other = next((one for one in same if one is not entry and _overlap(place_of(one), place_of(entry))), None)
            if other is not None and not _agree(one=other, other=entry):
                yield entry, ("identities", f"{shown(text)} is declared at {other.origin}, too", "keep one of them")
            same.append(entry)


def _compared(text: str) -> str:
    exact = text if is_pattern(text) else literal(text)
    return fold(exact) if is_email(exact) or is_bare(exact) else exact


def _overlap(one: Place, other: Place) -> bool:
    return all(None in (mine, theirs) or mine == theirs for mine, theirs in zip(one, other, strict=True))


def _agree(one: Entry, other: Entry) -> bool:
    """Entries of two registries that say the same are one declaration."""
    return one.registry != other.registry and (one.owner, one.status) == (other.owner, other.status)


def _covered(entries: Sequence[Entry]) -> Iterator[tuple[Entry, Said]]:
    """Patterns that stand for nothing which a wider pattern of another entry does not stand for as well."""
    patterns = [(text, entry) for entry in entries for text in entry.identities if is_pattern(text)]
    index = GlobIndex((text, (text, entry)) for text, entry in patterns)
    for text, entry in patterns:
        for wider, other in index.hits(_example(text)):
            if other is not entry and wider != text and _overlap(place_of(entry), place_of(other)):
                message = f"the pattern {shown(text)} is covered by {shown(wider)} at {other.origin}"
                yield entry, ("identities", message, "the narrower one counts; is it still needed?")


def _example(pattern: str) -> str:
    """A text that only patterns at least as wide stand for."""
    across = f"{_SOMETHING}/{_SOMETHING}:{_SOMETHING}"
    fillings = {"": "", "*": _SOMETHING, "**": across}
    return "".join(fillings[piece.wild] + piece.literal for piece in pieces(pattern))
