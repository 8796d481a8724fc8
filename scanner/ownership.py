"""Whether anybody answers for an identity: owners resolved against the roster, and whom to ask where there is none.

Orphaned means: nobody accountable. An owner answers for an identity by being an active person on the roster, or a
group with at least one; whoever is gone, unknown or a machine does not.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from importlib.resources import files

import msgspec
from msgspec import Struct

from scanner.matching.keys import fold
from scanner.model import Entry, Identity, OrphanReason, OwnershipVerdict, RegistryVerdict
from scanner.owner_candidates import owner_candidates
from scanner.roster import Roster


class _Machines(Struct, frozen=True):
    words: frozenset[str]
    prefixes: tuple[str, ...]
    suffixes: tuple[str, ...]


class _Table(Struct, frozen=True):
    machines: _Machines


_DENIED = msgspec.toml.decode(files("scanner").joinpath("ownership.toml").read_bytes(), type=_Table).machines


class _Standing(Struct, frozen=True, kw_only=True):
    """What one named owner comes to. ``reason`` is None for one who answers; ``owner`` is the roster's own e-mail."""

    owner: str
    reason: OrphanReason | None
    evidence: str


class _Accountable(Struct, frozen=True, kw_only=True):
    """Who answers for one entry: ``active`` owners, or, in their place, backup owners."""

    active: tuple[_Standing, ...]
    failed: tuple[_Standing, ...]
    backup_only: bool


def judge_ownership(
    identity: Identity,
    registry: RegistryVerdict,
    entries: Mapping[str, Entry],
    roster: Roster | None,
    *,
    machines: Callable[[str], bool],
) -> OwnershipVerdict:
    """The ownership verdict; where nobody answers, or only a backup does, with candidates, the likeliest first.

    ``entries``: by id. ``roster``: None where none was given. ``machines``: whether a text names a discovered
    non-human identity, by key, name or alias.
    """
    if registry.state == "exempt":
        return OwnershipVerdict(state="not_applicable", evidence=registry.evidence)
    if registry.state == "unchecked":
        return OwnershipVerdict(state="unchecked", evidence=registry.evidence)
    related = {one.entry: one.score for one in registry.candidates}
    declared = [entries[registry.entry]] if registry.entry is not None else [entries[entry] for entry in related]
    verdict = _judge(registry, declared, roster, machines)
    if roster is None or (verdict.state == "owned" and not verdict.backup_only):
        return verdict
    if registry.entry is not None:
        related[registry.entry] = 1.0
    hints = [(entries[entry], score) for entry, score in related.items()]
    return msgspec.structs.replace(verdict, candidates=owner_candidates(identity, hints, roster))


def _judge(
    registry: RegistryVerdict, declared: Sequence[Entry], roster: Roster | None, machines: Callable[[str], bool]
) -> OwnershipVerdict:
    if registry.state == "unregistered":
        return _orphaned("unregistered", "no entry declares it")
    if roster is None:
        return _without_roster(declared)
    answers = [_accountable(entry, roster, machines) for entry in declared]
    if registry.state == "ambiguous":
        return _ambiguous(declared, answers)
    (answer,) = answers
    if answer.active:
        first = answer.active[0]
        return OwnershipVerdict(
            state="owned", owner=first.owner, evidence=first.evidence, backup_only=answer.backup_only
        )
    if answer.failed:
        first = answer.failed[0]
        evidence = "; ".join(one.evidence for one in answer.failed)
        return OwnershipVerdict(state="orphaned", reason=first.reason, owner=first.owner, evidence=evidence)
    return _orphaned("never_assigned", f"{declared[0].origin} names no owner")


def _orphaned(reason: OrphanReason, evidence: str) -> OwnershipVerdict:
    return OwnershipVerdict(state="orphaned", reason=reason, evidence=evidence)


def _without_roster(declared: Sequence[Entry]) -> OwnershipVerdict:
    """Who is named cannot be looked up; that nobody is named, or not the same one, can be seen all the same."""
    first, *others = declared
    owners = [
        owner
        for owner in first.owner or first.backup_owner
        if all(fold(owner) in map(fold, other.owner or other.backup_owner) for other in others)
    ]
    if owners:
        return OwnershipVerdict(state="unchecked", owner=owners[0], evidence="no roster was given to look owners up in")
    if others:
        return _orphaned("ambiguous", f"{_origins(declared)} name no common owner")
    return _orphaned("never_assigned", f"{first.origin} names no owner")


def _ambiguous(declared: Sequence[Entry], answers: Sequence[_Accountable]) -> OwnershipVerdict:
    """Owned only where all of the entries lead to the same active owner."""
    common = set.intersection(*({one.owner for one in answer.active} for answer in answers))
    if not common:
        return _orphaned("ambiguous", f"{_origins(declared)} lead to no common active owner")
    owner = min(common)
    return OwnershipVerdict(
        state="owned",
        owner=owner,
        evidence=f"{_origins(declared)} all lead to {owner}",
        backup_only=any(answer.backup_only for answer in answers),
    )


def _origins(declared: Sequence[Entry]) -> str:
    return ", ".join(sorted(str(entry.origin) for entry in declared))


def _accountable(entry: Entry, roster: Roster, machines: Callable[[str], bool]) -> _Accountable:
    owners = [_standing(text, "owner", roster, machines) for text in entry.owner]
    backups = [_standing(text, "backup owner", roster, machines) for text in entry.backup_owner]
    active = tuple(one for one in owners if one.reason is None)
    return _Accountable(
        active=active or tuple(one for one in backups if one.reason is None),
        failed=tuple(one for one in owners if one.reason is not None),
        backup_only=not active and any(one.reason is None for one in backups),
    )


def _standing(text: str, role: str, roster: Roster, machines: Callable[[str], bool]) -> _Standing:
    person = roster.resolve(text)
    if person is not None and roster.is_active(person):
        if not person.is_group:
            return _Standing(owner=person.email, reason=None, evidence=f"{role} {person.email} is active")
        member = roster.active_members(person)[0]
        return _Standing(
            owner=person.email, reason=None, evidence=f"{role} {person.email} has active members, {member.email} first"
        )
    if person is not None and person.is_group:
        return _Standing(
            owner=person.email, reason="group_empty", evidence=f"{role} {person.email} has no active member"
        )
    if person is not None:
        left = f"left on {person.left_on}" if person.left_on else "has left"
        return _Standing(owner=person.email, reason="departed", evidence=f"{role} {person.email} {left}")
    if is_machine(text) or machines(text):
        return _Standing(owner=text, reason="owner_is_machine", evidence=f"{role} {text} is a machine")
    return _Standing(owner=text, reason="unresolvable", evidence=f"{role} {text} is not on the roster")


def is_machine(text: str) -> bool:
    """Whether a text that should name a person stands on the deny-list, itself or as the name in an e-mail."""
    name = fold(text.strip())
    return (
        not _DENIED.words.isdisjoint({name, name.partition("@")[0]})
        or name.startswith(_DENIED.prefixes)
        or name.endswith(_DENIED.suffixes)
    )
