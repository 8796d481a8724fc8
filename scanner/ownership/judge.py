"""Ownership of a whole estate: first who answers for what, then whom to ask where nobody does, or not for long."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import msgspec

from scanner.model import Entry, Identity, Ownership, OwnershipVerdict, RegistryVerdict
from scanner.ownership.candidates import Candidates
from scanner.ownership.directory import Directory
from scanner.ownership.machines import Machines
from scanner.ownership.neighbours import Neighbours
from scanner.ownership.roles import Roles
from scanner.ownership.verdict import Answers
from scanner.roster import Roster


def judge_owners(
    subjects: Sequence[tuple[Identity, RegistryVerdict]],
    entries: Mapping[str, Entry],
    roster: Roster | None,
    *,
    ownership: Ownership,
    machines: Callable[[str], bool],
) -> dict[str, OwnershipVerdict]:
    """The ownership verdict of each identity, by its key.

    Candidates, the likeliest first, are with whatever is orphaned, held by a backup only, or owned by nobody who
    stays. ``entries``: by id. ``roster``: None where none was given; then nobody can be looked up or suggested.
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

    candidates = Candidates(entries, directory, ownership, Neighbours(owned), Roles(owner_of))
    for identity, registry in subjects:
        verdict = verdicts[identity.key]
        if verdict.state not in ("orphaned", "owned") or _is_settled(verdict):
            continue
        nobody_new = (*verdict.leaving, verdict.owner) if verdict.leaving and verdict.owner else verdict.leaving
        if likeliest := candidates.of(identity, registry, without=nobody_new):
            verdicts[identity.key] = msgspec.structs.replace(verdict, candidates=likeliest)
    return verdicts


def _is_settled(verdict: OwnershipVerdict) -> bool:
    """Whether an owner answers for it and will stay."""
    return verdict.state == "owned" and not verdict.backup_only and not verdict.leaving
