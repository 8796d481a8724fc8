"""Every rule, and what they find in one snapshot. Adding a rule means one file and one name in ``RULES``."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime
from itertools import product
from typing import TypeAlias

import msgspec
from msgspec import Struct

from scanner.model import (
    SEVERITIES,
    Assessment,
    EntryAssessment,
    Exemption,
    Fact,
    Finding,
    Policy,
    StoredSecret,
)
from scanner.rules import (
    admin,
    ambiguous_registration,
    backup_owner_only,
    credential_lives_too_long,
    credential_never_used,
    credential_too_old,
    credential_unused,
    dormant,
    entry_expiring,
    entry_not_active,
    entry_not_found,
    escalation,
    exemption_expired,
    open_trust,
    orphaned,
    person_with_keys,
    retired_but_alive,
    review_overdue,
    root_access_key,
    self_declared,
    stale_secret,
    token_never_expires,
    two_active_keys,
    unregistered,
)
from scanner.rules.base import (
    CIRCUMSTANCES,
    CredentialRule,
    EntryRule,
    ExemptionRule,
    Hit,
    IdentityRule,
    Rule,
    SecretRule,
    Yardstick,
    fingerprint,
)

RULES: tuple[Rule, ...] = (
    admin.RULE,
    ambiguous_registration.RULE,
    backup_owner_only.RULE,
    credential_lives_too_long.RULE,
    credential_never_used.RULE,
    credential_too_old.RULE,
    credential_unused.RULE,
    dormant.RULE,
    entry_expiring.RULE,
    entry_not_active.RULE,
    entry_not_found.RULE,
    escalation.RULE,
    exemption_expired.RULE,
    open_trust.RULE,
    orphaned.RULE,
    person_with_keys.RULE,
    retired_but_alive.RULE,
    review_overdue.RULE,
    root_access_key.RULE,
    self_declared.RULE,
    stale_secret.RULE,
    token_never_expires.RULE,
    two_active_keys.RULE,
    unregistered.RULE,
)
"""Sorted by id."""

_IDENTITY_RULES = tuple(rule for rule in RULES if isinstance(rule, IdentityRule))
_CREDENTIAL_RULES = tuple(rule for rule in RULES if isinstance(rule, CredentialRule))
_ENTRY_RULES = tuple(rule for rule in RULES if isinstance(rule, EntryRule))
_SECRET_RULES = tuple(rule for rule in RULES if isinstance(rule, SecretRule))
_EXEMPTION_RULES = tuple(rule for rule in RULES if isinstance(rule, ExemptionRule))

_Found: TypeAlias = tuple[str, Finding]
"""A finding with its subject's key, which it is sorted by."""


class RuleContext(Struct, frozen=True, kw_only=True):
    """One judged snapshot. ``now``: the moment of the scan, aware. ``registry_given``: False where none was at all."""

    assessments: Sequence[Assessment] = ()
    entries: Sequence[EntryAssessment] = ()
    secrets: Sequence[StoredSecret] = ()
    exemptions: Sequence[Exemption] = ()
    policy: Policy = Policy()
    now: datetime
    registry_given: bool = True


def evaluate(context: RuleContext) -> tuple[Finding, ...]:
    """All findings, sorted by severity (critical first), rule and subject; ``new`` is always False here.

    What was not re-checked this time is not judged again: its earlier findings stand.
    """
    by = Yardstick(policy=context.policy, now=context.now, entries={found.entry.id: found for found in context.entries})
    found: list[_Found] = []
    for assessment in context.assessments:
        if assessment.rechecked:
            found.extend(_judge_identity(assessment, by))
    for entry in context.entries:
        if entry.rechecked:
            found.extend(_judge_entry(entry, by))
    for secret in context.secrets:
        found.extend(_judge_secret(secret, by))
    if context.registry_given:
        for exemption in _longest(context.exemptions):
            found.extend(_judge_exemption(exemption, by))
    found.sort(key=lambda pair: (SEVERITIES.index(pair[1].severity), pair[1].rule, pair[0]))
    return tuple(finding for _, finding in found)


NEEDS: Mapping[str, frozenset[Fact]] = {rule.id: rule.needs for rule in RULES}
"""By rule: the facts without which it cannot tell that it no longer fires."""


def entry_fingerprints(entry_id: str) -> frozenset[str]:
    """The fingerprints of all findings that there can be on an entry itself."""
    return frozenset(fingerprint(rule.id, entry_id) for rule in _ENTRY_RULES)


def _judge_identity(assessment: Assessment, by: Yardstick) -> Iterator[_Found]:
    identity = assessment.identity
    owner = _owner(assessment)
    holding = frozenset(name for name, holds in CIRCUMSTANCES.items() if holds(assessment))
    for rule in _IDENTITY_RULES:
        if rule.silent_on.isdisjoint(holding) and (hit := rule.check(assessment, by)) is not None:
            yield _found(rule, hit, identity.key, provider=identity.provider, identity=identity.key, owner=owner)
    speaking = [rule for rule in _CREDENTIAL_RULES if rule.silent_on.isdisjoint(holding)]
    for credential, speaker in product(filter(by.live, identity.credentials), speaking):
        if (hit := speaker.check(credential, assessment, by)) is not None:
            key = credential.key
            provider = identity.provider
            yield _found(speaker, hit, key, provider=provider, identity=identity.key, credential=key, owner=owner)


def _judge_entry(assessment: EntryAssessment, by: Yardstick) -> Iterator[_Found]:
    entry = assessment.entry
    owner = next(iter(entry.owner), None)
    for rule in _ENTRY_RULES:
        if (hit := rule.check(assessment, by)) is not None:
            yield _found(rule, hit, entry.id, entry=entry.id, owner=owner)


def _judge_secret(secret: StoredSecret, by: Yardstick) -> Iterator[_Found]:
    for rule in _SECRET_RULES:
        if (hit := rule.check(secret, by)) is not None:
            yield _found(rule, hit, secret.key, provider=secret.provider, credential=secret.key)


def _judge_exemption(exemption: Exemption, by: Yardstick) -> Iterator[_Found]:
    for rule in _EXEMPTION_RULES:
        if (hit := rule.check(exemption, by)) is not None:
            yield _found(rule, hit, exemption.match)


def _longest(exemptions: Sequence[Exemption]) -> tuple[Exemption, ...]:
    """One for each pattern: the one that holds longest, so that a renewal beside the old line is no finding."""
    ordered = sorted(exemptions, key=lambda exemption: (exemption.until or date.max, exemption.reason))
    return tuple({exemption.match: exemption for exemption in ordered}.values())


def _owner(assessment: Assessment) -> str | None:
    """Who can act on it: the owner, or where nobody answers for it the likeliest person to ask."""
    verdict = assessment.ownership
    if verdict.owner is not None and verdict.state != "orphaned":
        return verdict.owner
    likeliest = max(verdict.candidates, key=lambda candidate: candidate.score, default=None)
    return likeliest.person if likeliest is not None else None


def _found(
    rule: Rule,
    hit: Hit,
    subject: str,
    *,
    provider: str | None = None,
    identity: str | None = None,
    credential: str | None = None,
    entry: str | None = None,
    owner: str | None = None,
) -> _Found:
    finding = Finding(
        fingerprint=fingerprint(rule.id, subject),
        rule=rule.id,
        severity=hit.severity or rule.severity,
        identity=identity,
        credential=credential,
        entry=entry,
        title=rule.title,
        evidence=msgspec.to_builtins(hit.evidence),
        remediation=rule.remediation,
        controls=rule.controls_for(provider),
        owner=owner,
    )
    return subject, finding
