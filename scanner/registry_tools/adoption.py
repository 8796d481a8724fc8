"""What answers change in a registry: entries updated, entries added; pure.

1. An answer belongs to the entry whose id it names. An id that is only a file and a row counts as long as the entry
   there stands for the identity; rows move when somebody sorts a list.
2. Without an id it belongs to the entry that names the identity exactly, if there is one.
3. Otherwise it is a new entry.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from itertools import count

from msgspec import Struct

from scanner.errors import Problem, RegistryError
from scanner.matching.ladder import Matching, match
from scanner.model import Entry, Identity, Rung
from scanner.registry.columns import REGISTRY
from scanner.registry_tools.filled_in import OWNERS, Answer
from scanner.registry_tools.values import Value, can_be_written, literal_identity
from scanner.roster import Roster
from scanner.tables.cells import CellError, read_text, shown

_EXACT: frozenset[Rung] = frozenset({"key", "unique_id", "credential", "alias", "name"})
_ONLY_FOR_NEW = frozenset({"kind"})
_NUMBERED = re.compile(r"(.*?)(\d{1,18})")


class Change(Struct, frozen=True, kw_only=True):
    """New values for an entry's columns, or a new entry (None). ``places``: where that was filled in."""

    entry: Entry | None
    cells: Mapping[str, Value]
    places: tuple[str, ...]


class Plan(Struct, frozen=True, kw_only=True):
    """What is to be changed, in the order of the answers; ``settled``: answers that change nothing."""

    changes: tuple[Change, ...]
    warnings: tuple[Problem, ...]
    settled: int


class _Gathered:
    """All answers about one entry, or about one identity without an entry."""

    def __init__(self, first: Answer, entry: Entry | None) -> None:
        self.entry = entry
        self.answers = [first]

    def cells(self, problems: list[Problem]) -> dict[str, Value]:
        """What they say together; two that say different things are a problem."""
        cells: dict[str, Value] = {}
        for answer in self.answers:
            for column, value in answer.cells.items():
                if cells.setdefault(column, value) != value:
                    other = next(one.origin for one in self.answers if one.cells.get(column) == cells[column])
                    message = f"{other} says something else of the same entry"
                    problems.append(answer.problem(message, field=column, fix="make them agree"))
        return cells


def plan(
    answers: Sequence[Answer],
    entries: Sequence[Entry],
    roster: Roster | None,
    *,
    registry: str,
    in_sheet: bool,
    today: date,
) -> Plan:
    """What the answers change in one registry of several, of which ``entries`` holds all.

    ``registry``: its name. ``in_sheet``: new entries become rows of a sheet.

    Raises RegistryError with every answer that cannot be taken; warns of owners who are nobody, or gone.
    """
    problems: list[Problem] = []
    warnings: list[Problem] = []
    matching = match([one.identity for one in answers], entries, tag_keys=(), today=today)
    gathered: dict[str, _Gathered] = {}
    for answer in answers:
        warnings += _strangers(answer, roster)
        try:
            entry = _entry_of(answer, entries, matching)
            _refuse_elsewhere(answer, entry, registry)
        except RegistryError as error:
            problems += error.problems
            continue
        subject = f"entry {entry.id}" if entry else f"identity {answer.identity.key}"
        if subject in gathered:
            gathered[subject].answers.append(answer)
        else:
            gathered[subject] = _Gathered(answer, entry)
    changes, ids = [], _free_ids(entries)
    for one in gathered.values():
        cells = one.cells(problems)
        problems += _unwritable(one.answers[0], cells, in_sheet=in_sheet)
        if one.entry is not None:
            cells = _news(one.entry, cells)
        elif (declared := _declared(one.answers[0].identity, in_sheet=in_sheet)) is not None:
            cells |= declared | ({"id": next(ids)} if ids else {})
        else:
            message = "its key cannot be written as an identity of this registry; it was left out"
            warnings.append(one.answers[0].problem(message, field="key", fix="declare it by another of its ids"))
            continue
        if cells:
            places = tuple(str(answer.origin) for answer in one.answers)
            ordered = {column: cells[column] for column in REGISTRY.names if column in cells}
            changes.append(Change(entry=one.entry, cells=ordered, places=places))
    if problems:
        raise RegistryError(*problems)
    settled = len(answers) - sum(len(change.places) for change in changes)
    return Plan(changes=tuple(changes), warnings=tuple(warnings), settled=settled)


def _entry_of(answer: Answer, entries: Sequence[Entry], matching: Matching) -> Entry | None:
    """The entry that an answer belongs to, None for a new one. Raises RegistryError where nobody can tell."""
    by_id = {entry.id: entry for entry in entries}
    standing = [entry for entry in entries if answer.identity.key in matching.identities_of.get(entry.id, ())]
    if answer.entry is None:
        return _exactly_named(answer, by_id, matching)
    named = by_id.get(answer.entry)
    if named is not None and (named.has_own_id or named in standing):
        return named
    if len(standing) == 1 and not _news(standing[0], answer.cells):
        return standing[0]  # the row has moved, and says all that already
    if named is not None:
        message = f"{shown(answer.entry)} no longer stands for {shown(answer.identity.key)}"
        fix = "write the list of orphans anew, or empty the cell to add an entry"
    else:
        message, fix = f"there is no entry {shown(answer.entry)}", "empty the cell to add an entry"
    raise RegistryError(answer.problem(message, field="id", fix=fix))


def _refuse_elsewhere(answer: Answer, entry: Entry | None, registry: str) -> None:
    if entry is not None and entry.registry != registry and _news(entry, answer.cells):
        message = f"{shown(entry.id)} is declared in {entry.registry}, and this would change {registry}"
        raise RegistryError(answer.problem(message, field="id", fix=f"adopt it with --registry {entry.registry}"))


def _exactly_named(answer: Answer, by_id: Mapping[str, Entry], matching: Matching) -> Entry | None:
    verdict = matching.verdicts[answer.identity.key]
    if verdict.rung not in _EXACT:
        return None
    if verdict.state == "ambiguous":
        several = ", ".join(sorted(str(by_id[one.entry].origin) for one in verdict.candidates))
        raise RegistryError(
            answer.problem(f"several entries name it: {several}", field="id", fix="say which, by its id")
        )
    return by_id[verdict.entry] if verdict.entry else None


def _news(entry: Entry, cells: Mapping[str, Value]) -> dict[str, Value]:
    """What of it the entry does not say already."""
    return {
        column: value
        for column, value in cells.items()
        if column not in _ONLY_FOR_NEW and getattr(entry, column) != value
    }


def _declared(identity: Identity, *, in_sheet: bool) -> dict[str, Value] | None:
    """The columns that name an identity; None where its key has what no cell can hold."""
    key = (literal_identity(identity.key),)
    if not can_be_written(key, in_sheet=in_sheet):
        return None
    texts = {column: _as_read(getattr(identity, column)) for column in ("provider", "scope", "name")}
    return {"identities": key, **{column: text for column, text in texts.items() if text}}


def _as_read(text: str) -> str | None:
    """The text as the registry's reader would give it back; None where it would refuse it."""
    try:
        read = read_text(text)
    except CellError:
        return None
    return read if read and can_be_written(read, in_sheet=True) else None


def _unwritable(answer: Answer, cells: Mapping[str, Value], *, in_sheet: bool) -> Iterator[Problem]:
    for column, value in cells.items():
        if not can_be_written(value, in_sheet=in_sheet):
            yield answer.problem("holds something that no registry could hold", field=column, fix="write it plainly")


def _strangers(answer: Answer, roster: Roster | None) -> Iterator[Problem]:
    if roster is None:
        return
    for column in OWNERS:
        value = answer.cells.get(column, ())
        for text in value if isinstance(value, tuple) else ():
            person = roster.resolve(text)
            if person is None:
                yield answer.problem(f"{shown(text)} is not on the roster", field=column)
            elif not roster.is_active(person):
                yield answer.problem(f"{shown(text)} is on the roster, but not active", field=column)


def _free_ids(entries: Sequence[Entry]) -> Iterator[str] | None:
    """Ids that go on where the registry's own numbering ends; None where it numbers nothing."""
    numbered = [found.groups() for entry in entries if entry.has_own_id and (found := _NUMBERED.fullmatch(entry.id))]
    if not numbered:
        return None
    ((prefix, _),) = Counter(prefix for prefix, _ in numbered).most_common(1)
    last = max((number for one, number in numbered if one == prefix), key=int)
    return (f"{prefix}{number:0{len(last)}}" for number in count(int(last) + 1))
