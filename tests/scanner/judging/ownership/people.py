"""A roster, and identities judged against it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

from scanner.judging.ownership import judge_owners
from scanner.judging.ownership.directory import Directory
from scanner.model import Entry, Identity, MatchCandidate, OwnerCandidate, Ownership, OwnershipVerdict, RegistryVerdict
from scanner.registry.roster import Roster
from scanner.registry.roster.machines import Machines
from tests.factories import make_entry, make_identity, make_person

TODAY = date(2026, 11, 25)
LAST_DAY = date(2026, 12, 31)
ROSTER = Roster(
    [
        make_person("ada@example.com", id="E7"),
        make_person("lea@example.com", status="leaving", left_on=LAST_DAY),
        make_person("kim@example.com", left_on=date(2026, 12, 15)),
        make_person("max@example.com", status="leaving"),
        make_person("bob@example.com", status="left", left_on=date(2026, 8, 1), manager="eve@example.com", team="core"),
        make_person("eve@example.com", status="left", manager="E7"),
        make_person("loop@example.com", status="left", manager="loop@example.com"),
        make_person("cyd@example.com", team="core"),
        make_person("team:core"),
        make_person("team:empty", members=("bob@example.com",), manager="cyd@example.com"),
        make_person("team:farewell", members=("lea@example.com", "kim@example.com")),
        make_person("team:changing", members=("lea@example.com", "E7")),
    ],
    TODAY,
)
REGISTERED = RegistryVerdict(state="registered", entry="NHI-1", rung="key", evidence="key x = registry.csv:2")
UNREGISTERED = RegistryVerdict(state="unregistered")


def discovered(text: str) -> bool:
    """Whether it is one of the machines that were discovered."""
    return text in ("deploy-role", "arn:aws:iam::123456789012:user/ada", "kim")


def directory(roster: Roster = ROSTER, machines: Sequence[str] = ()) -> Directory:
    """The roster, with these patterns of machines."""
    return Directory(roster, Machines(machines, discovered))


def judge_all(
    subjects: Sequence[tuple[Identity, RegistryVerdict]],
    entries: Sequence[Entry] = (),
    roster: Roster | None = ROSTER,
    ownership: Ownership | None = None,
) -> dict[str, OwnershipVerdict]:
    """Their verdicts, by key."""
    by_id = {entry.id: entry for entry in entries}
    return judge_owners(subjects, by_id, roster, ownership=ownership or Ownership(), machines=discovered)


def judge(*entries: Entry, registry: RegistryVerdict = REGISTERED, roster: Roster | None = ROSTER) -> OwnershipVerdict:
    """The verdict on an identity that these entries declare."""
    identity = make_identity()
    return judge_all([(identity, registry)], entries, roster)[identity.key]


def candidates(
    identity: Identity,
    *entries: Entry,
    registry: RegistryVerdict = UNREGISTERED,
    roster: Roster = ROSTER,
    ownership: Ownership | None = None,
) -> tuple[OwnerCandidate, ...]:
    """A person or team to ask about it."""
    return judge_all([(identity, registry)], entries, roster, ownership)[identity.key].candidates


def scores(found: Sequence[OwnerCandidate]) -> list[tuple[str, float]]:
    """Who, and how likely."""
    return [(one.person, one.score) for one in found]


def entry(owner: tuple[str, ...] = (), **facts: Any) -> Entry:
    """An entry of this owner."""
    return make_entry("x", owner=owner, **facts)


def likely(entry: str, score: float) -> RegistryVerdict:
    """Unregistered, but this entry may match it."""
    candidate = MatchCandidate(entry=entry, score=score, evidence="name x = registry.csv:9")
    return RegistryVerdict(state="unregistered", candidates=(candidate,))
