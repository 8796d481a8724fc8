"""Opens a campaign: selects identities and assigns reviewers. Pure except for random item ids."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterable, Sequence

from scanner.lifecycle.reviews.facts import Facts, facts_hash
from scanner.lifecycle.reviews.reviewers import People, Reviewers
from scanner.matching.globs import compile_glob
from scanner.model import SEVERITY_RANK, Assessment, Entry, ScanResult
from scanner.model.reviews import ReviewItem

RISK = "risk"
"""A value of ``--view``: identities with an open finding of high severity or above."""
_ID_BYTES = 8


def in_scopes(globs: Sequence[str]) -> Callable[[Assessment], bool]:
    """Whether an identity's scope matches one of the globs; without globs, any does."""
    patterns = [compile_glob(glob, ignore_case=True) for glob in globs]
    return lambda one: not patterns or any(pattern.fullmatch(one.identity.scope) for pattern in patterns)


def at_risk(result: ScanResult) -> Callable[[Assessment], bool]:
    """Whether an identity has an open finding of high severity or above."""
    high = SEVERITY_RANK["high"]
    open_ones = {
        finding.fingerprint
        for finding in result.findings
        if finding.acknowledged is None and SEVERITY_RANK[finding.severity] <= high
    }
    return lambda one: not open_ones.isdisjoint(one.findings)


def is_reviewable(one: Assessment) -> bool:
    """Whether it can be reviewed: exempt identities, including people, are not."""
    return one.registry.state != "exempt"


def items(
    result: ScanResult, chosen: Iterable[Assessment], people: People, wanted: Sequence[str] = ()
) -> tuple[ReviewItem, ...]:
    """One item for each chosen identity that can be reviewed, by reviewer and key.

    ``wanted``: as ``--reviewer``. Raises UsageError for a reviewer who cannot decide.
    """
    facts = Facts(result)
    entries = {one.entry.id: one.entry for one in result.entries}
    reviewers = Reviewers(people, entries, wanted)
    found = []
    for one in filter(is_reviewable, chosen):
        reviewer, because = reviewers.of(one)
        shown = facts.of(one)
        found.append(
            ReviewItem(
                id=secrets.token_hex(_ID_BYTES),
                key=one.identity.key,
                reviewer=reviewer,
                because=because,
                facts=shown,
                facts_hash=facts_hash(shown),
                sole_beneficiary=_sole_beneficiary(one, entries.get(one.registry.entry or ""), people),
            )
        )
    return tuple(sorted(found, key=lambda item: (item.reviewer, item.key)))


def _sole_beneficiary(one: Assessment, entry: Entry | None, people: People) -> str | None:
    """The person who owns and built the identity, if no backup owner does; None otherwise."""
    owner = people.reviewer(one.ownership.owner) if one.ownership.owner else None
    if owner is None or (entry is not None and any(map(people.reviewer, entry.backup_owner))):
        return None
    built_by = (entry.built_by if entry else None, one.identity.created_by)
    return owner if any(text and people.mentioned(text) == owner for text in built_by) else None
