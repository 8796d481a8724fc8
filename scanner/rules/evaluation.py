"""Runs the rules over a judged snapshot and returns findings, each new since the last scan or not."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime
from functools import cache
from itertools import chain
from operator import itemgetter
from typing import TypeAlias, TypeVar

import msgspec
from msgspec import Struct

from scanner.model import (
    SEVERITIES,
    Assessment,
    Assignment,
    ClosedTicket,
    Credential,
    EntryAssessment,
    Exemption,
    Finding,
    Severity,
    StoredSecret,
)
from scanner.model.activity import SharedChange
from scanner.model.planned import PlannedChange, PlannedPlace
from scanner.processes import spread
from scanner.rules import agents, registration
from scanner.rules.base import (
    ActivityRule,
    AssignmentRule,
    Circumstance,
    CredentialRule,
    EntryRule,
    ExemptionRule,
    ExpiredCredentialRule,
    Hit,
    IdentityRule,
    PlanCredentialRule,
    PlanRule,
    Rule,
    RuleContext,
    SecretRule,
    SharedChangeRule,
    TicketRule,
    circumstances_of,
    fingerprint,
    is_live,
)
from scanner.rules.catalog import BY_ID, RULES
from scanner.rules.controls.frameworks import cited

_Kind = TypeVar("_Kind", bound=Rule)


def _of(kind: type[_Kind]) -> tuple[_Kind, ...]:
    return tuple(rule for rule in RULES if isinstance(rule, kind))


_IDENTITY_RULES = _of(IdentityRule)
_CREDENTIAL_RULES = _of(CredentialRule)
_EXPIRED_RULES = _of(ExpiredCredentialRule)
_ENTRY_RULES = _of(EntryRule)
_SECRET_RULES = _of(SecretRule)
_ASSIGNMENT_RULES = _of(AssignmentRule)
_EXEMPTION_RULES = _of(ExemptionRule)
_ACTIVITY_RULES = {rule.id: rule for rule in _of(ActivityRule)}
_SHARED_CHANGE_RULES = _of(SharedChangeRule)
_PLAN_RULES = _of(PlanRule)
_PLAN_CREDENTIAL_RULES = _of(PlanCredentialRule)
_TICKET_RULES = _of(TicketRule)
ON_UNDECLARED = frozenset(
    rule.id for rule in (registration.LOOKALIKE, registration.RUNS_BEFORE_APPROVAL, registration.UNREGISTERED)
)
"""Rules that a match would resolve. Their findings are held back while a gap may hide the entry, then new."""

_Found: TypeAlias = tuple[str, Finding]
"""The subject's key, which is the sort key, and the finding."""


class JudgedSnapshot(Struct, frozen=True, kw_only=True):
    """One judged snapshot. ``registry_given``: False without a registry.

    ``carried``: identities that were not re-checked, as the last scan had them.
    """

    assessments: Sequence[Assessment] = ()
    carried: Sequence[Assessment] = ()
    entries: Sequence[EntryAssessment] = ()
    secrets: Sequence[StoredSecret] = ()
    assignments: Sequence[Assignment] = ()
    exemptions: Sequence[Exemption] = ()
    shared: Sequence[SharedChange] = ()
    registry_given: bool = True


def evaluate(snapshot: JudgedSnapshot, context: RuleContext) -> tuple[Finding, ...]:
    """Return all findings, sorted by severity (critical first), rule and subject.

    Subjects that were not re-checked are not judged again, but for rules that say so: their earlier findings stay.
    """
    return _sorted(_judge(snapshot, context))


def evaluate_activity(
    assessments: Sequence[Assessment], shared: Sequence[SharedChange], context: RuleContext
) -> tuple[Finding, ...]:
    """Like :func:`evaluate`, for findings about activity only."""
    of_each = (found for one in assessments for found in _judge_activity(one, _subject_of(one), context))
    return _sorted((*of_each, *_judge_shared(shared, context)))


def evaluate_changes(changes: Iterable[PlannedChange], context: RuleContext) -> tuple[Finding, ...]:
    """Like :func:`evaluate`, for planned changes in the gate; the evidence includes the place.

    Rules of scans about facts that deployment does not change run as well (``Rule.on_plans``).
    """
    return _sorted(found for change in changes for found in _judge_change(change, context))


def _judge_change(change: PlannedChange, context: RuleContext) -> Iterator[_Found]:
    assessment, here = change.after, change.planned.places[0]
    held, subject = circumstances_of(assessment), _subject_of(assessment)
    for rule in _applicable_rules(held).on_identity:
        if rule.on_plans and (hit := rule.check(assessment, context)) is not None:
            yield _found(rule, _placed(hit, here), subject, context)
    for plan_rule in _PLAN_RULES:
        if plan_rule.silent_on.isdisjoint(held) and (hit := plan_rule.check(change, context)) is not None:
            yield _found(plan_rule, _placed(hit, here), subject, context)
    for credential in assessment.identity.credentials:
        place = change.planned.credentials_at.get(credential.key)
        if place is not None and is_live(credential, context.now):
            of_credential = msgspec.structs.replace(subject, key=credential.key, credential=credential.key)
            for rule_of_it, hit in _credential_hits(credential, change, held, context):
                yield _found(rule_of_it, _placed(hit, place), of_credential, context)


def _credential_hits(
    credential: Credential, change: PlannedChange, held: frozenset[Circumstance], context: RuleContext
) -> Iterator[tuple[Rule, Hit]]:
    for rule in _applicable_rules(held).on_live:
        if rule.on_plans and (hit := rule.check(credential, change.after, context)) is not None:
            yield rule, hit
    for plan_rule in _PLAN_CREDENTIAL_RULES:
        if plan_rule.silent_on.isdisjoint(held) and (hit := plan_rule.check(credential, change, context)) is not None:
            yield plan_rule, hit


def _placed(hit: Hit, place: PlannedPlace) -> Hit:
    place = hit.place or place
    at = {"file": place.file, "resource": place.resource} | ({} if place.line is None else {"line": place.line})
    return msgspec.structs.replace(hit, evidence={**hit.evidence, **at})


def evaluate_growth(
    assessments: Iterable[Assessment], place: PlannedPlace, context: RuleContext
) -> tuple[Finding, ...]:
    """Like :func:`evaluate`, for what agents have beyond their lock only, with its place in the gate."""
    rule = agents.AGENT_REACH_GREW
    hits = ((one, rule.check(one, context)) for one in assessments if rule.silent_on.isdisjoint(circumstances_of(one)))
    return _sorted(_found(rule, _placed(hit, place), _subject_of(one), context) for one, hit in hits if hit is not None)


def evaluate_tickets(
    closed: Sequence[ClosedTicket], findings: Iterable[Finding], assessments: Sequence[Assessment], context: RuleContext
) -> tuple[Finding, ...]:
    """Like :func:`evaluate`, for findings about closed tickets only. ``findings``: of this scan.

    A finding that started after its ticket was closed, or was accepted, is ignored.
    """
    judged = {one.identity.key: one for one in assessments if one.rechecked} if closed else {}
    standing = {one.fingerprint: one for one in findings if one.acknowledged is None} if closed else {}
    found: dict[tuple[str, str], _Found] = {}
    for ticket in sorted(closed, key=lambda one: (one.closed_at, one.target, one.shown)):
        left: dict[str, list[Finding]] = defaultdict(list)
        for finding in (standing[known] for known in ticket.findings if known in standing):
            if finding.identity in judged and (finding.first_seen is None or finding.first_seen <= ticket.closed_at):
                left[finding.identity].append(finding)
        for key, its in left.items():
            for rule in _TICKET_RULES:
                hit = rule.check(ticket, its, judged[key], context)
                found.setdefault((rule.id, key), _found(rule, hit, _subject_of(judged[key]), context))
    return _sorted(found.values())


def _sorted(findings: Iterable[_Found]) -> tuple[Finding, ...]:
    alike: dict[tuple[Severity, str], list[_Found]] = defaultdict(list)
    for found in findings:
        alike[found[1].severity, found[1].rule].append(found)
    by_severity = sorted(alike, key=lambda pair: (SEVERITIES.index(pair[0]), pair[1]))
    return tuple(finding for pair in by_severity for _, finding in sorted(alike[pair], key=itemgetter(0)))


def _judge(snapshot: JudgedSnapshot, context: RuleContext) -> Iterator[_Found]:
    def judge_part(part: Sequence[Assessment]) -> list[_Found]:
        return [found for one in part if one.rechecked for found in _judge_identity(one, context)]

    yield from chain.from_iterable(spread(judge_part, snapshot.assessments))
    yield from _judge_last_known(snapshot.carried, context)
    for entry in snapshot.entries:
        if entry.rechecked:
            yield from _judge_entry(entry, context)
    for secret in snapshot.secrets:
        yield from _judge_secret(secret, context)
    for assignment in snapshot.assignments:
        yield from _judge_assignment(assignment, context)
    yield from _judge_shared(snapshot.shared, context)
    if snapshot.registry_given:
        for exemption in _longest(snapshot.exemptions):
            yield from _judge_exemption(exemption, context)


def _judge_identity(assessment: Assessment, context: RuleContext) -> Iterator[_Found]:
    identity, subject = assessment.identity, _subject_of(assessment)
    applicable = _applicable_rules(circumstances_of(assessment))
    for rule in applicable.on_identity:
        if (hit := rule.check(assessment, context)) is not None:
            yield _found(rule, hit, subject, context)
    yield from _judge_activity(assessment, subject, context)
    for credential in identity.credentials:
        for credential_rule in applicable.on_credential(credential, context.now):
            if (hit := credential_rule.check(credential, assessment, context)) is not None:
                held = msgspec.structs.replace(subject, key=credential.key, credential=credential.key)
                yield _found(credential_rule, hit, held, context)


def _judge_last_known(carried: Iterable[Assessment], context: RuleContext) -> Iterator[_Found]:
    leaking = {one.identity for its in context.exposures.values() for one in its}
    for assessment in carried:
        if assessment.identity.key not in leaking:
            continue
        for key, found in _judge_identity(assessment, context):
            if BY_ID[found.rule].on_last_known:
                yield key, msgspec.structs.replace(found, rechecked=False)


def _subject_of(assessment: Assessment) -> _Subject:
    identity = assessment.identity
    return _Subject(
        key=identity.key,
        provider=identity.provider,
        is_agent=assessment.agent.is_agent,
        identity=identity.key,
        owner=_owner(assessment),
        may_be_declared=assessment.registry.provisional,
    )


def _judge_activity(assessment: Assessment, subject: _Subject, context: RuleContext) -> Iterator[_Found]:
    for deviation in assessment.deviations:
        rule = _ACTIVITY_RULES[deviation.rule]
        if rule.silent_on.isdisjoint(circumstances_of(assessment)):
            # What happens on a day is another finding on another day; a known condition that lasts is the same.
            about = deviation.day if deviation.lasts is None else deviation.lasts
            own = msgspec.structs.replace(subject, key=f"{assessment.identity.key}\0{about}")
            # In stores of earlier versions each of its days was a finding of its own.
            former = [f"{assessment.identity.key}\0{day}" for day in deviation.days]
            yield _found(rule, rule.check(deviation, assessment, context), own, context, former)


def _judge_shared(shared: Iterable[SharedChange], context: RuleContext) -> Iterator[_Found]:
    for change in shared:
        for rule in _SHARED_CHANGE_RULES:
            subject = _Subject(key=f"{change.provider}\0{change.sort}\0{change.value}", provider=change.provider)
            yield _found(rule, rule.check(change, context), subject, context)


class _Applicable(Struct, frozen=True):
    """The rules that apply to an identity and its credentials."""

    on_identity: tuple[IdentityRule, ...]
    on_live: tuple[CredentialRule, ...]
    on_expired: tuple[ExpiredCredentialRule, ...]

    def on_credential(
        self, credential: Credential, now: datetime
    ) -> tuple[CredentialRule, ...] | tuple[ExpiredCredentialRule, ...]:
        """Return the rules that apply to a credential; none if it is disabled."""
        if is_live(credential, now):
            return self.on_live
        return () if credential.enabled is False else self.on_expired


@cache
def _applicable_rules(held: frozenset[Circumstance]) -> _Applicable:
    """Return the rules that are not silent on these circumstances."""
    return _Applicable(
        tuple(rule for rule in _IDENTITY_RULES if rule.silent_on.isdisjoint(held)),
        tuple(rule for rule in _CREDENTIAL_RULES if rule.silent_on.isdisjoint(held)),
        tuple(rule for rule in _EXPIRED_RULES if rule.silent_on.isdisjoint(held)),
    )


def still_applies(finding: Finding, assessment: Assessment, now: datetime) -> bool:
    """Return whether the rule of an earlier finding still applies to its subject.

    False if the rule is silent on a circumstance that holds now, if the credential is known to be gone, or if the
    rule no longer checks such a credential.
    """
    identity, applicable = assessment.identity, _applicable_rules(circumstances_of(assessment))
    if finding.rule in _ACTIVITY_RULES:
        return _ACTIVITY_RULES[finding.rule].silent_on.isdisjoint(circumstances_of(assessment))
    rules: Sequence[Rule] = applicable.on_identity
    if finding.credential is not None and "credentials" in identity.unread:
        rules = (*applicable.on_live, *applicable.on_expired)
    elif finding.credential is not None:
        held = (credential for credential in identity.credentials if credential.key == finding.credential)
        rules = [rule for credential in held for rule in applicable.on_credential(credential, now)]
    return any(rule.id == finding.rule for rule in rules)


def _judge_entry(assessment: EntryAssessment, context: RuleContext) -> Iterator[_Found]:
    entry = assessment.entry
    owner = next(iter(entry.owner), None)
    for rule in _ENTRY_RULES:
        if (hit := rule.check(assessment, context)) is not None:
            yield _found(rule, hit, _Subject(key=entry.id, entry=entry.id, owner=owner), context)


def _judge_secret(secret: StoredSecret, context: RuleContext) -> Iterator[_Found]:
    for rule in _SECRET_RULES:
        if (hit := rule.check(secret, context)) is not None:
            subject = _Subject(key=secret.key, provider=secret.provider, credential=secret.key)
            yield _found(rule, hit, subject, context)


def _judge_assignment(assignment: Assignment, context: RuleContext) -> Iterator[_Found]:
    for rule in _ASSIGNMENT_RULES:
        if (hit := rule.check(assignment, context)) is not None:
            subject = _Subject(key=assignment.key, provider=assignment.provider, assignment=assignment.key)
            yield _found(rule, hit, subject, context)


def _judge_exemption(exemption: Exemption, context: RuleContext) -> Iterator[_Found]:
    for rule in _EXEMPTION_RULES:
        if (hit := rule.check(exemption, context)) is not None:
            yield _found(rule, hit, _Subject(key=exemption.match), context)


def _longest(exemptions: Sequence[Exemption]) -> tuple[Exemption, ...]:
    """Return the exemption with the latest end for each pattern, so that a renewed one causes no finding."""
    ordered = sorted(exemptions, key=lambda exemption: (exemption.until or date.max, exemption.reason))
    return tuple({exemption.match: exemption for exemption in ordered}.values())


def _owner(assessment: Assessment) -> str | None:
    """Return the owner, or for an orphaned identity the owner candidate with the highest score."""
    verdict = assessment.ownership
    if verdict.owner is not None and verdict.state != "orphaned":
        return verdict.owner
    if not verdict.candidates:
        return None
    return max(verdict.candidates, key=lambda candidate: candidate.score).person


class _Subject(Struct, frozen=True, kw_only=True):
    """The subject of a finding. ``key``: the input of its fingerprint; for other fields see ``Finding``.

    ``provider``, ``is_agent``: which controls are cited. ``may_be_declared``: a gap may hide its entry.
    """

    key: str
    provider: str | None = None
    is_agent: bool = False
    identity: str | None = None
    credential: str | None = None
    entry: str | None = None
    assignment: str | None = None
    owner: str | None = None
    may_be_declared: bool = False


def _found(rule: Rule, hit: Hit, subject: _Subject, context: RuleContext, former: Sequence[str] = ()) -> _Found:
    """``former``: keys that the subject may have in earlier scans."""
    identifier = fingerprint(rule.id, subject.key)
    severity = hit.severity or rule.severity
    every = [context.compared(each, severity) for each in (identifier, *(fingerprint(rule.id, one) for one in former))]
    compared = next((one for one in every if not one.is_unknown), every[0])
    held_back = compared.is_unknown and subject.may_be_declared and rule.id in ON_UNDECLARED
    finding = Finding(
        fingerprint=identifier,
        rule=rule.id,
        severity=severity,
        identity=subject.identity,
        credential=subject.credential,
        entry=subject.entry,
        assignment=subject.assignment,
        title=rule.title,
        evidence=msgspec.to_builtins(hit.evidence),
        remediation=rule.remediation,
        controls=cited(rule.id, subject.provider, is_agent=subject.is_agent, chosen=context.frameworks),
        owner=subject.owner,
        new=compared.is_unknown and not held_back,
        held_back=held_back,
        first_seen=compared.first_seen,
        was=None if compared.is_unknown and not held_back else compared.was,
    )
    return subject.key, finding
