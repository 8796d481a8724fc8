"""What the rules find in one judged snapshot."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime
from functools import cache, partial
from operator import itemgetter
from typing import TypeAlias

import msgspec
from msgspec import Struct

from scanner.model import (
    SEVERITIES,
    Assessment,
    Assignment,
    Credential,
    EntryAssessment,
    Exemption,
    Finding,
    Policy,
    Recreation,
    Severity,
    StoredSecret,
)
from scanner.rules.base import (
    AssignmentRule,
    Circumstance,
    CredentialRule,
    EntryRule,
    ExemptionRule,
    ExpiredCredentialRule,
    Hit,
    IdentityRule,
    Rule,
    SecretRule,
    Yardstick,
    circumstances_of,
    fingerprint,
    is_live,
)
from scanner.rules.catalog import RULES
from scanner.rules.controls.frameworks import cited

_IDENTITY_RULES = tuple(rule for rule in RULES if isinstance(rule, IdentityRule))
_CREDENTIAL_RULES = tuple(rule for rule in RULES if isinstance(rule, CredentialRule))
_EXPIRED_RULES = tuple(rule for rule in RULES if isinstance(rule, ExpiredCredentialRule))
_ENTRY_RULES = tuple(rule for rule in RULES if isinstance(rule, EntryRule))
_SECRET_RULES = tuple(rule for rule in RULES if isinstance(rule, SecretRule))
_ASSIGNMENT_RULES = tuple(rule for rule in RULES if isinstance(rule, AssignmentRule))
_EXEMPTION_RULES = tuple(rule for rule in RULES if isinstance(rule, ExemptionRule))

_Found: TypeAlias = tuple[str, Finding]
"""A finding with its subject's key, which it is sorted by."""


class RuleContext(Struct, frozen=True, kw_only=True):
    """One judged snapshot. ``now``: the moment of the scan, aware. ``registry_given``: False where none was at all.

    ``not_listed``: keys of credentials that only an earlier scan knew, as a gap hides whether they are still there.
    ``frameworks``: ids of those whose controls findings cite; None: the usual ones.
    """

    assessments: Sequence[Assessment] = ()
    entries: Sequence[EntryAssessment] = ()
    secrets: Sequence[StoredSecret] = ()
    assignments: Sequence[Assignment] = ()
    exemptions: Sequence[Exemption] = ()
    recreations: Mapping[str, Recreation] = {}
    not_listed: frozenset[str] = frozenset()
    policy: Policy = Policy()
    now: datetime
    registry_given: bool = True
    frameworks: frozenset[str] | None = None


def evaluate(context: RuleContext) -> tuple[Finding, ...]:
    """All findings, sorted by severity (critical first), rule and subject; ``new`` is always False here.

    What was not re-checked this time is not judged again: its earlier findings stand.
    """
    by = Yardstick(
        policy=context.policy,
        now=context.now,
        entries={found.entry.id: found for found in context.entries},
        recreations=context.recreations,
        not_listed=context.not_listed,
        frameworks=context.frameworks,
    )
    alike: dict[tuple[Severity, str], list[_Found]] = defaultdict(list)
    for found in _judge(context, by):
        alike[found[1].severity, found[1].rule].append(found)
    gravest_first = sorted(alike, key=lambda pair: (SEVERITIES.index(pair[0]), pair[1]))
    return tuple(finding for pair in gravest_first for _, finding in sorted(alike[pair], key=itemgetter(0)))


def _judge(context: RuleContext, by: Yardstick) -> Iterator[_Found]:
    for assessment in context.assessments:
        if assessment.rechecked:
            yield from _judge_identity(assessment, by)
    for entry in context.entries:
        if entry.rechecked:
            yield from _judge_entry(entry, by)
    for secret in context.secrets:
        yield from _judge_secret(secret, by)
    for assignment in context.assignments:
        yield from _judge_assignment(assignment, by)
    if context.registry_given:
        for exemption in _longest(context.exemptions):
            yield from _judge_exemption(exemption, by)


def _judge_identity(assessment: Assessment, by: Yardstick) -> Iterator[_Found]:
    identity = assessment.identity
    owner = _owner(assessment)
    found = partial(
        _found,
        by=by,
        provider=identity.provider,
        is_agent=assessment.agent.is_agent,
        identity=identity.key,
        owner=owner,
    )
    speaking = _speaking(circumstances_of(assessment))
    for rule in speaking.on_identity:
        if (hit := rule.check(assessment, by)) is not None:
            yield found(rule, hit, identity.key)
    for credential in identity.credentials:
        for speaker in speaking.on_credential(credential, by.now):
            if (hit := speaker.check(credential, assessment, by)) is not None:
                yield found(speaker, hit, credential.key, credential=credential.key)


class _Speaking(Struct, frozen=True):
    """Rules that look at an identity and at what it holds."""

    on_identity: tuple[IdentityRule, ...]
    on_live: tuple[CredentialRule, ...]
    on_expired: tuple[ExpiredCredentialRule, ...]

    def on_credential(
        self, credential: Credential, now: datetime
    ) -> tuple[CredentialRule, ...] | tuple[ExpiredCredentialRule, ...]:
        """Those that look at one that it holds; of a disabled one nothing is said."""
        if is_live(credential, now):
            return self.on_live
        return () if credential.enabled is False else self.on_expired


@cache
def _speaking(held: frozenset[Circumstance]) -> _Speaking:
    """The rules that are not silent where these circumstances hold."""
    return _Speaking(
        tuple(rule for rule in _IDENTITY_RULES if rule.silent_on.isdisjoint(held)),
        tuple(rule for rule in _CREDENTIAL_RULES if rule.silent_on.isdisjoint(held)),
        tuple(rule for rule in _EXPIRED_RULES if rule.silent_on.isdisjoint(held)),
    )


def still_asked(finding: Finding, assessment: Assessment, now: datetime) -> bool:
    """Whether the rule of an earlier finding looks at what it is about as that is by now, whatever it would say.

    Not where a circumstance holds on which it is silent, nor where the credential is known to be gone, or no longer
    one that it looks at.
    """
    identity, speaking = assessment.identity, _speaking(circumstances_of(assessment))
    rules: Sequence[Rule] = speaking.on_identity
    if finding.credential is not None and "credentials" in identity.unread:
        rules = (*speaking.on_live, *speaking.on_expired)
    elif finding.credential is not None:
        held = (one for one in identity.credentials if one.key == finding.credential)
        rules = [rule for one in held for rule in speaking.on_credential(one, now)]
    return any(rule.id == finding.rule for rule in rules)


def _judge_entry(assessment: EntryAssessment, by: Yardstick) -> Iterator[_Found]:
    entry = assessment.entry
    owner = next(iter(entry.owner), None)
    for rule in _ENTRY_RULES:
        if (hit := rule.check(assessment, by)) is not None:
            yield _found(rule, hit, entry.id, by=by, entry=entry.id, owner=owner)


def _judge_secret(secret: StoredSecret, by: Yardstick) -> Iterator[_Found]:
    for rule in _SECRET_RULES:
        if (hit := rule.check(secret, by)) is not None:
            yield _found(rule, hit, secret.key, by=by, provider=secret.provider, credential=secret.key)


def _judge_assignment(assignment: Assignment, by: Yardstick) -> Iterator[_Found]:
    for rule in _ASSIGNMENT_RULES:
        if (hit := rule.check(assignment, by)) is not None:
            yield _found(rule, hit, assignment.key, by=by, provider=assignment.provider, assignment=assignment.key)


def _judge_exemption(exemption: Exemption, by: Yardstick) -> Iterator[_Found]:
    for rule in _EXEMPTION_RULES:
        if (hit := rule.check(exemption, by)) is not None:
            yield _found(rule, hit, exemption.match, by=by)


def _longest(exemptions: Sequence[Exemption]) -> tuple[Exemption, ...]:
    """One for each pattern: the one that holds longest, so that a renewal beside the old line is no finding."""
    ordered = sorted(exemptions, key=lambda exemption: (exemption.until or date.max, exemption.reason))
    return tuple({exemption.match: exemption for exemption in ordered}.values())


def _owner(assessment: Assessment) -> str | None:
    """Who can act on it: the owner, or where nobody answers for it the likeliest person to ask."""
    verdict = assessment.ownership
    if verdict.owner is not None and verdict.state != "orphaned":
        return verdict.owner
    if not verdict.candidates:
        return None
    return max(verdict.candidates, key=lambda candidate: candidate.score).person


def _found(
    rule: Rule,
    hit: Hit,
    subject: str,
    *,
    by: Yardstick,
    provider: str | None = None,
    is_agent: bool = False,
    identity: str | None = None,
    credential: str | None = None,
    entry: str | None = None,
    assignment: str | None = None,
    owner: str | None = None,
) -> _Found:
    finding = Finding(
        fingerprint=fingerprint(rule.id, subject),
        rule=rule.id,
        severity=hit.severity or rule.severity,
        identity=identity,
        credential=credential,
        entry=entry,
        assignment=assignment,
        title=rule.title,
        evidence=msgspec.to_builtins(hit.evidence),
        remediation=rule.remediation,
        controls=cited(rule.id, provider, is_agent=is_agent, chosen=by.frameworks),
        owner=owner,
    )
    return subject, finding
