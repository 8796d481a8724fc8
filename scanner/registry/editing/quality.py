"""The quality of a registry: how many entries fill in each column validly, by column and by team."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from typing import Any, TypeAlias

from msgspec import Struct

from scanner.matching.cells.places import provider_meant
from scanner.matching.decision import Who, as_written
from scanner.matching.keys import fold
from scanner.model import Entry, Policy
from scanner.model.declared import later
from scanner.registry.columns import ACCOUNT, OWNERS, REGISTRY, STAGE
from scanner.registry.roster import Roster
from scanner.registry.roster.machines import is_machine

KINDS = frozenset({"agent", "service", "pipeline", "integration", "application", "break_glass", "other"})


class Standard(Struct, frozen=True, kw_only=True):
    """What entries are checked against. ``roster``: None without one; then all names are valid.

    ``providers``: those that can be scanned, normalised; None: any provider.
    """

    today: date
    policy: Policy = Policy()
    roster: Roster | None = None
    providers: frozenset[str] | None = None
    kinds: frozenset[str] = KINDS

    def why_not_accountable(self, owner: str) -> str | None:
        """Return why a person or group cannot be an owner; None if it can, or that is unknown."""
        if self.roster is None:
            return None
        person = self.roster.resolve(owner)
        if person is None:
            if is_machine(owner):
                return "is a machine"
            meaning = self.roster.meaning(owner)
            return None if self.roster.hides_names and not meaning.ambiguous else meaning.why_unresolved
        if self.roster.is_active(person) or self.roster.is_unknown(person):
            return None
        if person.is_group:
            return "has no active member"
        return self.roster.why_gone(person)

    def why_not_for_long(self, owner: str) -> str | None:
        """Return why an owner will leave; None if the owner stays, or that is unknown."""
        person = self.roster.resolve(owner) if self.roster else None
        if self.roster is None or person is None or not self.roster.is_active(person) or self.roster.stays(person):
            return None
        if person.is_group:
            return "has active members, and all of them are leaving"
        return f"leaves on {person.left_on}" if person.left_on else "leaves"

    @property
    def who(self) -> Who:
        """Return the person or group that a scan resolves an owner's name to."""
        return as_written if self.roster is None else self.roster.meant_by

    def knows_provider(self, provider: str) -> bool:
        """Return whether identities could be discovered there."""
        meant = provider_meant(provider, self.providers or ())
        return meant is not None and (self.providers is None or meant in self.providers)


# --- Completeness of a registry, column by column ---

CIS_5_5 = frozenset({"owner", "last_reviewed", "purpose"})
"""The minimum that safeguard 5.5 of the CIS Controls 8.1 requires of an inventory of service accounts."""
MEANT = frozenset(
    {"purpose", "built_by", "owner", "systems", "credentials", "last_reviewed", "baseline", "blast_radius"}
)
"""The columns that a registry of non-human identities should have."""
_MARKS = (("CIS 5.5", CIS_5_5), ("registry", MEANT))

_IsValid: TypeAlias = Callable[[Any, Standard], bool]
"""Return whether the value of a filled cell is valid on that day."""


class Field(Struct, frozen=True, kw_only=True):
    """One column: the shares of entries that fill it in, and that do so validly (0 to 1)."""

    column: str
    filled: float
    valid: float
    counts_for: tuple[str, ...]


class Quality(Struct, frozen=True, kw_only=True):
    """All columns. ``score``: the mean share of valid cells over the columns that a registry should have."""

    entries: int
    score: float
    fields: tuple[Field, ...]


class TeamQuality(Struct, frozen=True, kw_only=True):
    """The score of one team's entries; ``team``: None for entries of none."""

    team: str | None
    entries: int
    score: float


def by_team(entries: Sequence[Entry], standard: Standard) -> tuple[TeamQuality, ...]:
    """Return the quality of each team's entries that are not retired, the lowest score first.

    A team is the entry's own, else that of its first owner on the roster.
    """
    names: dict[str, str | None] = {}
    theirs: dict[str, list[Entry]] = defaultdict(list)
    for entry in entries:
        team = entry.team or _team_of_owner(entry, standard)
        names.setdefault(fold(team or ""), team)
        theirs[fold(team or "")].append(entry)
    measured = ((names[key], measure(its, standard)) for key, its in theirs.items())
    found = [TeamQuality(team=team, entries=one.entries, score=one.score) for team, one in measured if one is not None]
    return tuple(sorted(found, key=lambda one: (one.score, one.team is None, one.team or "")))


def _team_of_owner(entry: Entry, standard: Standard) -> str | None:
    if standard.roster is None:
        return None
    people = filter(None, map(standard.roster.resolve, entry.owner))
    return next((person.team for person in people if person.team), None)


def measure(entries: Sequence[Entry], standard: Standard) -> Quality | None:
    """Return the quality of the entries that are not retired; None without any."""
    counted = [entry for entry in entries if entry.status != "retired"]
    if not counted:
        return None
    fields = tuple(_field(column, counted, standard) for column in REGISTRY.names if column not in (ACCOUNT, STAGE))
    score = sum(field.valid for field in fields if field.column in MEANT) / len(MEANT)
    return Quality(entries=len(counted), score=score, fields=fields)


def _field(column: str, entries: Sequence[Entry], standard: Standard) -> Field:
    cells = [cell for entry in entries if (cell := _cell(entry, column)) not in (None, ())]
    is_valid = _VALID.get(column, _always)
    return Field(
        column=column,
        filled=len(cells) / len(entries),
        valid=sum(is_valid(cell, standard) for cell in cells) / len(entries),
        counts_for=tuple(name for name, columns in _MARKS if column in columns),
    )


def _cell(entry: Entry, column: str) -> Any:
    return None if column == "id" and not entry.has_own_id else getattr(entry, column)


def _always(_cell: Any, _standard: Standard) -> bool:
    return True


def _has_accountable_owner(owners: tuple[str, ...], standard: Standard) -> bool:
    return any(standard.why_not_accountable(owner) is None for owner in owners)


def _in_future(day: date, standard: Standard) -> bool:
    return day >= standard.today


def _recent(day: date, standard: Standard) -> bool:
    return day <= standard.today <= later(day, standard.policy.review)


_VALID: Mapping[str, _IsValid] = {
    **dict.fromkeys(OWNERS, _has_accountable_owner),
    **dict.fromkeys(("next_review", "expires"), _in_future),
    "last_reviewed": _recent,
    "kind": lambda kind, standard: kind in standard.kinds,
    "provider": lambda provider, standard: standard.knows_provider(provider),
}
