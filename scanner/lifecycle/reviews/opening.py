"""Opens a campaign: selects identities, says what reviewers need to know, and assigns them. Pure but for random ids."""

from __future__ import annotations

import hashlib
import secrets
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence

import msgspec

from scanner.access.blast_radius.counts import Radii
from scanner.access.blast_radius.words import sentence
from scanner.lifecycle.reviews.granted import grants_used
from scanner.lifecycle.reviews.reviewers import People, Reviewers
from scanner.matching.globs import compile_glob
from scanner.model import SEVERITY_RANK, Assessment, Entry, Finding, Identity, ScanResult
from scanner.model.attributes import GRANTED_SERVICES
from scanner.model.reviews import ReviewFacts, ReviewItem
from scanner.text import counted, few

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
    facts = OpeningFacts(result)
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


# --- The facts of an identity for its reviewer, as text ---

_REASONS = 2
"""Maximum number of reasons for its privilege."""
_NAMED = 3
"""Maximum number of identities that can become it."""


class OpeningFacts:
    """The facts of any identity of a result."""

    def __init__(self, result: ScanResult) -> None:
        self._entries: Mapping[str, Entry] = {one.entry.id: one.entry for one in result.entries}
        self._findings: Mapping[str, Finding] = {one.fingerprint: one for one in result.findings}
        self._first_seen = result.first_seen
        self._scanned = result.scan.finished_at.date()
        self._sources = _can_become(result.identities)
        self._radii = Radii(result)

    def of(self, one: Assessment) -> ReviewFacts:
        """The facts, in words."""
        identity = one.identity
        entry = self._entries.get(one.registry.entry or "")
        services = identity.attributes.get(GRANTED_SERVICES)
        found = [self._findings[print_] for print_ in one.findings if print_ in self._findings]
        return ReviewFacts(
            name=identity.shown_name,
            provider=identity.provider,
            scope=identity.scope,
            kind=identity.kind,
            what=_what(one, entry),
            may=_may(one),
            worst=None if (radius := self._radii.of(identity.key)) is None else sentence(radius),
            used=_used(one),
            since=self._since(one),
            who_else=self._who_else(one, entry),
            entry=None if entry is None else entry.id,
            owner=one.ownership.owner,
            privilege=one.privilege.level,
            grants=tuple(sorted({grant.name for grant in identity.grants})),
            services=len(services) if isinstance(services, list | tuple) else None,
            findings=tuple(dict.fromkeys(finding.rule for finding in found if finding.acknowledged is None)),
            unread=tuple(identity.unread) if one.rechecked else ("all of it: these are its last known facts",),
            granted=grants_used(one, self._scanned),
        )

    def _since(self, one: Assessment) -> str | None:
        identity = one.identity
        seen = self._first_seen.get(identity.key)
        parts = [
            f"created on {identity.created_at:%Y-%m-%d}" if identity.created_at else None,
            f"by {identity.created_by}" if identity.created_by else None,
            f"first scanned on {seen:%Y-%m-%d}" if seen else None,
        ]
        return " ".join(filter(None, parts[:2])) or parts[2]

    def _who_else(self, one: Assessment, entry: Entry | None) -> str | None:
        parts = []
        if entry is not None and (others := [*entry.backup_owner, *entry.technical_owner]):
            parts.append(f"also {', '.join(dict.fromkeys(others))}")
        sources = self._sources.get(one.identity.key, ())
        if sources:
            parts.append(f"{few(sources, _NAMED)} can become it")
        if one.consumers:
            parts.append(f"{counted(len(one.consumers), 'workload runs', 'workloads run')} as it")
        return "; ".join(parts) or None


def facts_hash(facts: ReviewFacts) -> str:
    """SHA-256 of the facts as JSON with sorted keys, in hexadecimal digits."""
    return hashlib.sha256(msgspec.json.encode(facts, order="sorted")).hexdigest()


def _can_become(assessments: Iterable[Assessment]) -> Mapping[str, Sequence[str]]:
    """By key, the names of the identities that can become it in one step, sorted."""
    found: defaultdict[str, set[str]] = defaultdict(set)
    for one in assessments:
        for link in one.identity.links:
            if link.relation == "can_assume":
                found[link.target].add(one.identity.shown_name)
    return {key: sorted(names) for key, names in found.items()}


def _what(one: Assessment, entry: Entry | None) -> str:
    identity = one.identity
    kind = f"{identity.kind}, an AI agent" if one.agent.is_agent else identity.kind
    purpose = (entry.purpose if entry else None) or identity.description
    state = " (disabled)" if identity.enabled is False else ""
    return f"{kind}{state}: {purpose}" if purpose else f"{kind}{state}"


def _may(one: Assessment) -> str | None:
    privilege, granted = one.privilege, _granted(one.identity)
    if privilege.level == "unknown":
        return f"unknown; granted: {granted}" if granted else None
    reasons = "; ".join(privilege.evidence[:_REASONS])
    level = f"{privilege.level}: {reasons}" if reasons else privilege.level
    return f"{level}; granted: {granted}" if granted else level


def _granted(identity: Identity) -> str:
    """The names of a few grants, those of an admin first."""
    grants = sorted(identity.grants, key=lambda one: (not one.admin, one.name))
    return few(list(dict.fromkeys(grant.name for grant in grants)), _NAMED)


def _used(one: Assessment) -> str | None:
    usage = one.usage
    state = None if usage.state == "unknown" else f"{usage.state.replace('_', ' ')}: {usage.evidence}"
    unused = None if one.activity is None else one.activity.use_of_grants
    return "; ".join(filter(None, (state, unused))) or None
