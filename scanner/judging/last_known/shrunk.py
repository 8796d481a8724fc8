"""Registries and rosters that lost an implausible share of their rows: nobody has departed by that. Pure.

An export that broke off looks like a list. So a registry that lost rows counts as partly read, as if it had unreadable
rows, and its lost entries stand as the last scan read them. A roster is not kept, so identities whose owner it would
take away keep their last verdict on ownership.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date

from msgspec.structs import replace

from scanner.judging.last_known.vanished import MOST_LOST
from scanner.model import (
    Assessment,
    Coverage,
    Entry,
    EntryAssessment,
    Origin,
    OrphanReason,
    OwnershipVerdict,
    Person,
    Summary,
    UnreadRow,
)
from scanner.model.coverage import PEOPLE, REGISTRY
from scanner.registry.roster import Roster
from scanner.text import counted

FEWEST_ROWS = 5
"""The fewest rows that a list must lose: in a short one, a clean-up is a third of it."""
FEWEST_LEAVERS = 3
"""The fewest people who must leave at once: a roster of two is no list that broke."""
MOST_LEAVING = 0.5
"""The largest share of the people who are there that can plausibly leave between two scans."""
ROWS, LEAVERS = f"{REGISTRY}.rows", f"{PEOPLE}.rows"
"""Sections of the gaps."""
_ACCEPT = "implausible; if it is right, scan with --accept-drop"
_BY_ROSTER: frozenset[OrphanReason | None] = frozenset({"departed", "unresolvable", "group_empty"})
"""Reasons for being orphaned that a roster decides."""


def lost_rows(
    entries: Sequence[Entry], unread: Sequence[UnreadRow], last: Sequence[EntryAssessment]
) -> list[UnreadRow]:
    """Return a row that may declare anything for each registry that lost an implausible share of its rows.

    ``last``: the entries of the last scan, under the ids that they have now. A row that moved to another file is not
    lost, and neither is one whose id alone changed, as long as the file has as many rows.
    """
    ids = {entry.id for entry in entries} | {row.id for row in unread if row.id is not None}
    declared = {_declared(entry) for entry in entries}
    before = Counter(one.entry.origin.file for one in last)
    now = Counter(entry.origin.file for entry in entries) + Counter(row.origin.file for row in unread)
    lost = Counter(
        one.entry.origin.file for one in last if one.entry.id not in ids and _declared(one.entry) not in declared
    )
    return [
        UnreadRow(
            origin=Origin(file=file),
            why=(f"{counted(now[file], 'row', 'rows')} where the last scan read {before[file]:,}: {_ACCEPT}",),
            hides_names=True,
        )
        for file, number in sorted(lost.items())
        if _is_implausible(number, before[file]) and _is_implausible(before[file] - now[file], before[file])
    ]


def _declared(entry: Entry) -> tuple[object, ...]:
    return entry.identities, entry.provider, entry.scope


def _is_implausible(lost: int, before: int) -> bool:
    return lost >= FEWEST_ROWS and lost > before * MOST_LOST


def roster_numbers(people: Sequence[Person], unread: int, today: date) -> tuple[int, int]:
    """Return the number of a roster's rows, and of those who are active. ``unread``: rows that cannot be read.

    People of unknown status and unreadable rows count as active.
    """
    roster = Roster(people, today, rows_unread=unread)
    return len(people) + unread, unread + sum(roster.is_active(one) or roster.is_unknown(one) for one in people)


def implausible_roster(people: Sequence[Person], unread: int, today: date, last: Summary) -> str | None:
    """Return why a roster is not believed; None if it is, or if the last scan had none."""
    if last.people is None or last.people_active is None:
        return None
    rows, active = roster_numbers(people, unread, today)
    if _is_implausible(last.people - rows, last.people):
        return f"{counted(rows, 'row', 'rows')} where the last scan read {last.people:,}: {_ACCEPT}"
    left = last.people_active - active
    if left >= FEWEST_LEAVERS and left > last.people_active * MOST_LEAVING:
        return f"{left:,} of {last.people_active:,} active people have left at once: {_ACCEPT}"
    return None


def nobody_left(people: Iterable[Person]) -> tuple[Person, ...]:
    """Return the people of a roster that is not believed, as if none of them had left."""
    return tuple(one if one.status != "left" else replace(one, status="active", left_on=None) for one in people)


def as_last_owned(
    fresh: Iterable[Assessment], last: Mapping[str, OwnershipVerdict], *, nobody_left: bool
) -> Iterator[Assessment]:
    """Yield the identities; where it is not known what the roster says, with the last known verdict (``last``, by key).

    ``nobody_left``: the roster is not believed about anybody, so an identity that the last scan did not have has no
    verdict. Else only its last row was cut: what its other rows decide stands.
    """
    for one in fresh:
        before, now = last.get(one.identity.key), one.ownership
        if before is None and nobody_left and now.reason in _BY_ROSTER:
            yield replace(one, ownership=replace(now, state="unchecked", reason=None))
        elif before not in (None, now) and (now.state == "unchecked" or (nobody_left and _may_hide(before, now))):
            yield replace(one, ownership=before)
        else:
            yield one


def _may_hide(before: OwnershipVerdict, now: OwnershipVerdict) -> bool:
    """Return whether the roster alone may have changed the verdict."""
    return not _BY_ROSTER.isdisjoint((before.reason, now.reason))


def depends_on_roster(verdict: OwnershipVerdict) -> bool:
    """Return whether the roster decides a verdict."""
    return verdict.state == "owned" or verdict.reason in _BY_ROSTER


def gap(section: str, file: str, why: str) -> Coverage:
    """Return the gap of a list that is not believed."""
    source = section.partition(".")[0]
    return Coverage(source=source, provider=source, scope=file, section=section, status="partial", detail=why)
