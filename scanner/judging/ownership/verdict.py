"""Ownership verdicts: the owners in the matching entries, resolved against the roster.

An identity is owned if an owner is an active person on the roster, or a group with an active member. It is orphaned
if every owner has left, is unknown or is a machine.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date
from itertools import chain

import msgspec
from msgspec import Struct

from scanner.access.same import Same, same_things
from scanner.judging.ownership.candidates import Candidates, Committers, Deployers, Linked
from scanner.judging.ownership.directory import Directory
from scanner.judging.ownership.hints import Clues, tag_scores
from scanner.judging.ownership.words import Neighbours
from scanner.matching.decision import completes
from scanner.matching.keys import fold
from scanner.model import (
    UNREGISTERED,
    Entry,
    Identity,
    OrphanReason,
    OwnerCandidate,
    Ownership,
    OwnershipVerdict,
    Person,
    RegistryVerdict,
    Workload,
)
from scanner.processes import spread
from scanner.registry.roster import Roster
from scanner.registry.roster.machines import Machines
from scanner.text import either, few

_PATTERNS_NAMED = 2


class _ResolvedOwner(Struct, frozen=True, kw_only=True):
    """A named owner, resolved. ``reason`` is None for an active owner; ``owner`` is the e-mail on the roster.

    ``unknown``: whether it is unknown if the person is active.

    ``team``: on the roster. ``leaving``: the people behind it, if all of them are about to leave. ``last_day``: of one
    who is marked as left, if it is still to come.
    """

    owner: str
    team: str | None = None
    reason: OrphanReason | None = None
    evidence: str
    unknown: bool = False
    leaving: tuple[Person, ...] = ()
    last_day: date | None = None


class _Accountable(Struct, frozen=True, kw_only=True):
    """The owners in some entries: ``active`` are owners, or backup owners if no owner is active."""

    active: tuple[_ResolvedOwner, ...]
    failed: tuple[_ResolvedOwner, ...]
    backup_only: bool


class Answers:
    """Returns ownership verdicts. ``entries``: by id. ``directory``: None without a roster."""

    def __init__(self, entries: Mapping[str, Entry], directory: Directory | None) -> None:
        self._entries = entries
        self._directory = directory
        self._declared: dict[tuple[str, ...], OwnershipVerdict] = {}

    def verdict(self, registry: RegistryVerdict) -> OwnershipVerdict:
        """Return the verdict without candidates. Identities with the same entries share one verdict."""
        match registry.state:
            case "exempt":
                return OwnershipVerdict(state="not_applicable", evidence=registry.evidence)
            case "unchecked":
                return OwnershipVerdict(state="unchecked", evidence=registry.evidence)
            case "unregistered":
                return UNREGISTERED
            case "ambiguous":
                return self._ambiguous([self._entries[candidate.entry] for candidate in registry.candidates])
            case "registered":
                assert registry.entry is not None
                ids = registry.entry, *registry.agreeing
                if ids not in self._declared:
                    declared = [self._entries[entry] for entry in ids]
                    self._declared[ids] = _in_declared_team(self._registered(declared), declared)
                return self._declared[ids]

    def _registered(self, declared: Sequence[Entry]) -> OwnershipVerdict:
        """Judge by the owners in any of the entries, the first entry first."""
        unread = next((entry for entry in declared if entry.hides("owner", "backup_owner")), None)
        if self._directory is None:
            named = _unlooked_up(_owners(declared) or _backup_owners(declared))
            return named or _unread_owner(unread) or _never_assigned(declared)
        answer = _accountable(declared, self._directory)
        if answer.active:
            hides_owner = any(entry.hides("owner") for entry in declared)
            return _owned(answer.active, backup_only=answer.backup_only and not hides_owner)
        if (unclear := _unread_owner(unread)) is not None:
            return unclear
        if not answer.failed:
            return _never_assigned(declared)
        first = next((one for one in answer.failed if one.unknown), answer.failed[0])
        evidence = "; ".join(one.evidence for one in answer.failed)
        if first.unknown:
            return OwnershipVerdict(state="unchecked", owner=first.owner, team=first.team, evidence=evidence)
        return OwnershipVerdict(
            state="orphaned",
            reason=first.reason,
            owner=first.owner,
            team=first.team,
            evidence=evidence,
            last_day=first.last_day,
        )

    def _ambiguous(self, declared: Sequence[Entry]) -> OwnershipVerdict:
        """Owned only if all entries lead to the same active owner."""
        origins = _origins(declared)
        unclear = _unread_owner(next((entry for entry in declared if entry.hides("owner", "backup_owner")), None))
        if self._directory is None:
            named = [_owners([entry]) or _backup_owners([entry]) for entry in declared]
            common = [one for one in named[0] if all(fold(one) in map(fold, others) for others in named[1:])]
            return _unlooked_up(common) or unclear or _orphaned("ambiguous", f"{origins} name no common owner")
        answers = [_accountable([entry], self._directory) for entry in declared]
        shared = set.intersection(*({one.owner for one in answer.active} for answer in answers))
        if not shared:
            unknown = next((one for answer in answers for one in answer.failed if one.unknown), None)
            if unclear is not None:
                return unclear
            if unknown is not None:
                return OwnershipVerdict(state="unchecked", evidence=f"{origins}: {unknown.evidence}")
            return _orphaned("ambiguous", f"{origins} lead to no common active owner")
        active = sorted((one for one in answers[0].active if one.owner in shared), key=lambda one: one.owner)
        verdict = _owned(active, backup_only=any(answer.backup_only for answer in answers))
        return msgspec.structs.replace(verdict, evidence=f"{origins} all lead to {verdict.owner}")


def _owners(declared: Sequence[Entry]) -> list[str]:
    return [text for entry in declared for text in entry.owner]


def _backup_owners(declared: Sequence[Entry]) -> list[str]:
    return [text for entry in declared for text in entry.backup_owner]


def _in_declared_team(verdict: OwnershipVerdict, declared: Sequence[Entry]) -> OwnershipVerdict:
    team = next((entry.team for entry in declared if entry.team), verdict.team)
    return verdict if team == verdict.team else msgspec.structs.replace(verdict, team=team)


def _origins(declared: Sequence[Entry]) -> str:
    return ", ".join(sorted(str(entry.origin) for entry in declared))


def _orphaned(reason: OrphanReason, evidence: str) -> OwnershipVerdict:
    return OwnershipVerdict(state="orphaned", reason=reason, evidence=evidence)


def _never_assigned(declared: Sequence[Entry]) -> OwnershipVerdict:
    return _orphaned("never_assigned", f"{_origins(declared)} {either(len(declared), 'names', 'name')} no owner")


def _unread_owner(entry: Entry | None) -> OwnershipVerdict | None:
    """Return ``unchecked`` for an entry with an unreadable owner cell; None without such an entry."""
    if entry is None:
        return None
    return OwnershipVerdict(state="unchecked", evidence=f"the owner in {entry.origin} cannot be read")


def _unlooked_up(owners: Sequence[str]) -> OwnershipVerdict | None:
    """Return ``unchecked`` for named owners without a roster; None if no owner is named."""
    if not owners:
        return None
    return OwnershipVerdict(state="unchecked", owner=owners[0], evidence="there is no roster to resolve owners")


def _owned(active: Sequence[_ResolvedOwner], *, backup_only: bool) -> OwnershipVerdict:
    leaving: dict[str, Person] = {}
    if all(one.leaving for one in active):
        leaving = {person.email: person for one in active for person in one.leaving}
    last_days = [person.left_on for person in leaving.values() if person.left_on is not None]
    return OwnershipVerdict(
        state="owned",
        owner=active[0].owner,
        team=active[0].team,
        evidence=active[0].evidence,
        backup_only=backup_only,
        leaving=tuple(sorted(leaving)),
        last_day=max(last_days, default=None) if len(last_days) == len(leaving) else None,
    )


def _accountable(declared: Sequence[Entry], directory: Directory) -> _Accountable:
    owners = [_cited(_resolved(text, "owner", directory), one, declared) for one in declared for text in one.owner]
    backups = [
        _cited(_resolved(text, "backup owner", directory), one, declared)
        for one in declared
        for text in one.backup_owner
    ]
    active = tuple(owner for owner in owners if owner.reason is None)
    active_backups = tuple(one for one in backups if one.reason is None)
    return _Accountable(
        active=active or active_backups,
        failed=tuple(dict.fromkeys(owner for owner in owners if owner.reason is not None)),
        backup_only=not active and bool(active_backups),
    )


def _cited(owner: _ResolvedOwner, named_in: Entry, declared: Sequence[Entry]) -> _ResolvedOwner:
    """An owner whom only a pattern names says so."""
    if not completes(named_in, declared[0]):
        return owner
    pattern = few(named_in.identities, _PATTERNS_NAMED)
    return msgspec.structs.replace(owner, evidence=f"{owner.evidence}; by the pattern {pattern} in {named_in.origin}")


def _resolved(text: str, role: str, directory: Directory) -> _ResolvedOwner:
    person = directory.resolve(text)
    if person is None:
        if text in directory.machines:
            return _ResolvedOwner(owner=text, reason="owner_is_machine", evidence=f"{role} {text} is a machine")
        meaning = directory.meaning(text)
        reason: OrphanReason = "ambiguous" if meaning.ambiguous else "unresolvable"
        hidden = directory.hides_names and not meaning.ambiguous
        why = f"{meaning.why_unresolved}; part of the roster cannot be read" if hidden else meaning.why_unresolved
        return _ResolvedOwner(owner=text, reason=reason, evidence=f"{role} {text} {why}", unknown=hidden)
    named, team = f"{role} {person.email}", _team(person)
    if not directory.is_active(person):
        if directory.is_unknown(person):
            evidence = f"{named} is on the roster, but {_why_unknown(person)}"
            return _ResolvedOwner(owner=person.email, team=team, reason="unresolvable", evidence=evidence, unknown=True)
        if person.is_group:
            evidence = f"{named} has no active member"
            return _ResolvedOwner(owner=person.email, team=team, reason="group_empty", evidence=evidence)
        still_to_come = None if directory.has_left(person) else person.left_on
        return _ResolvedOwner(
            owner=person.email,
            team=team,
            reason="departed",
            evidence=f"{named} {directory.why_gone(person)}",
            last_day=still_to_come,
        )
    members = directory.active_members(person) if person.is_group else (person,)
    evidence = f"{named} has active members, {members[0].email} first" if person.is_group else f"{named} is active"
    leaving = () if directory.stays(person) else members
    return _ResolvedOwner(owner=person.email, team=team, evidence=evidence, leaving=leaving)


def _why_unknown(person: Person) -> str:
    if unread := [column for column in ("status", "left_on", "members") if column in person.unread]:
        return f"{unread[0]} cannot be read"
    return "not all of its members can be read" if person.is_group else "with a status that is not understood"


def _team(person: Person) -> str | None:
    """Return the person's team; a group is its own team."""
    return person.name or person.email.removeprefix("team:") if person.is_group else person.team


# --- Ownership of all identities: owners first, then candidates for orphaned and soon orphaned ones ---


class Beside(Struct, frozen=True, kw_only=True):
    """What else is evidence for owners.

    ``committers``: who committed leaked keys of an identity, by its key: name and
    evidence. ``same``: of ``same_things``, if it is known. ``workloads``: their makers. ``holders``: whose own account
    an identity is, by its key; these people are no candidates for it.
    """

    committers: Mapping[str, Sequence[tuple[str, str]]] = {}
    same: Mapping[str, Sequence[Same]] | None = None
    workloads: Sequence[Workload] = ()
    holders: Mapping[str, str] = {}


_NOTHING = Beside()


def judge_owners(
    subjects: Sequence[tuple[Identity, RegistryVerdict]],
    entries: Mapping[str, Entry],
    roster: Roster | None,
    *,
    ownership: Ownership,
    machines: Callable[[str], bool],
    beside: Beside = _NOTHING,
) -> dict[str, OwnershipVerdict]:
    """Return the ownership verdict of each identity, by key.

    Orphaned identities, and those with a backup owner only or with leaving owners only, have candidates, the best
    first. ``entries``: by id. ``roster``: None if not given; owners are then neither resolved nor suggested.
    ``machines``: whether a text names a discovered non-human identity, by key, name or alias.
    """
    directory = None if roster is None else Directory(roster, Machines(ownership.machines, machines))
    answers = Answers(entries, directory)
    verdicts = {identity.key: answers.verdict(registry) for identity, registry in subjects}
    if directory is None:
        return verdicts
    owned = (
        (identity, verdict.owner)
        for identity, _ in subjects
        if (verdict := verdicts[identity.key]).owner is not None and _is_settled(verdict)
    )

    def owner_of(key: str) -> str | None:
        verdict = verdicts.get(key)
        return verdict.owner if verdict is not None and _is_settled(verdict) else None

    deployers = Deployers((identity for identity, _ in subjects), directory)
    clues = Clues(directory, tag_scores(ownership.tag_keys))
    same = beside.same
    if same is None:
        same = same_things([identity for identity, _ in subjects], beside.workloads)
    wanted = {one.key for others in same.values() for one in others}
    linked = Linked(same, owner_of, {one.key: one for one, _ in subjects if one.key in wanted}, beside.workloads, clues)
    others = (linked, deployers, Committers(beside.committers, directory))
    candidates = Candidates(entries, directory, ownership, Neighbours(owned), others, clues)

    def likeliest(part: Sequence[tuple[Identity, RegistryVerdict]]) -> list[tuple[OwnerCandidate, ...]]:
        return [
            candidates.of(
                identity, registry, without=_no_candidates(verdicts[identity.key], beside.holders.get(identity.key))
            )
            for identity, registry in part
        ]

    unsettled = [one for one in subjects if _has_candidates(verdicts[one[0].key])]
    for (identity, _), found in zip(unsettled, chain.from_iterable(spread(likeliest, unsettled)), strict=True):
        if found:
            verdicts[identity.key] = msgspec.structs.replace(verdicts[identity.key], candidates=found)
    return verdicts


def _has_candidates(verdict: OwnershipVerdict) -> bool:
    return verdict.state in ("orphaned", "owned") and not _is_settled(verdict)


def _no_candidates(verdict: OwnershipVerdict, holder: str | None) -> tuple[str, ...]:
    """Return the owners who are known to leave, and the person whose own account it is."""
    leaving = (*verdict.leaving, verdict.owner) if verdict.leaving and verdict.owner else verdict.leaving
    return leaving if holder is None else (*leaving, holder)


def _is_settled(verdict: OwnershipVerdict) -> bool:
    """Return whether it has an active owner who stays."""
    return verdict.state == "owned" and not verdict.backup_only and not verdict.leaving
