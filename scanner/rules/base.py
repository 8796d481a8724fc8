"""Rules: texts as data, and one pure function that checks one subject.

The rule's class is its kind of subject: an identity, a credential, an entry, a stored secret, an assignment, an
exemption or a planned change. A check gets the subject and a :class:`RuleContext` (thresholds, time of the scan,
entries). It returns a :class:`Hit` if the rule fires, None otherwise. ``scanner/rules/controls`` maps rules to the
controls of standards.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime, timedelta
from functools import cache
from itertools import compress
from typing import Any, Literal, TypeAlias, get_args

from msgspec import Struct

from scanner.model import (
    POWERFUL,
    SEVERITIES,
    SEVERITY_RANK,
    Assessment,
    Assignment,
    ClosedTicket,
    Credential,
    DriftAspect,
    EntryAssessment,
    Exemption,
    Exposure,
    Fact,
    Finding,
    KnownFinding,
    Policy,
    Recreation,
    Severity,
    StoredSecret,
)
from scanner.model.activity import Deviation, SharedChange
from scanner.model.attributes import EXPOSED
from scanner.model.planned import PlannedChange, PlannedPlace
from scanner.model.reviews import ReviewOutcome

_DAY = timedelta(days=1)

Circumstance: TypeAlias = Literal["disabled", "exempt", "provider_managed", "human", "break_glass"]
CIRCUMSTANCES: tuple[Circumstance, ...] = get_args(Circumstance)
"""Circumstances that a rule can exclude. Its check does not run where one of them holds."""


def circumstances_of(assessment: Assessment) -> frozenset[Circumstance]:
    """Return the circumstances that hold for an identity."""
    identity = assessment.identity
    return _held(  # in the order of CIRCUMSTANCES
        identity.enabled is False,
        assessment.registry.state == "exempt",
        identity.managed_by is not None,
        assessment.nature.verdict == "human",
        assessment.registry.break_glass,
    )


@cache
def _held(*holds: bool) -> frozenset[Circumstance]:
    return frozenset(compress(CIRCUMSTANCES, holds))


def is_live(credential: Credential, now: datetime) -> bool:
    """Return whether a credential can be used: not disabled and not expired. Unknown counts as live."""
    expired = credential.expires_at is not None and credential.expires_at <= now
    return credential.enabled is not False and not expired


class Hit(Struct, frozen=True, kw_only=True, gc=False):
    """A rule fired. ``evidence``: facts, dates and limits, never ages. ``severity``: None uses the rule's severity.

    ``place``: of what causes it in a planned change; None if that is the resource of the identity or credential.
    """

    evidence: Mapping[str, Any]
    severity: Severity | None = None
    place: PlannedPlace | None = None


class History(Struct, frozen=True):
    """What findings are compared with: the announced ones of the last scan, by fingerprint.

    ``known`` is None on a store's first scan: none of its findings is new. ``held_back``: the severities of those that
    a gap keeps from being announced as new; they can worsen all the same.
    """

    known: Mapping[str, KnownFinding] | None = None
    held_back: Mapping[str, Severity] = {}


class Compared(Struct, frozen=True, kw_only=True, gc=False):
    """A finding beside the last scan. ``is_unknown``: that scan did not announce it. ``was``: its lower severity."""

    is_unknown: bool = False
    first_seen: datetime | None = None
    was: Severity | None = None


_WITHOUT_HISTORY = Compared()


class RuleContext(Struct, frozen=True, kw_only=True):
    """The context of a check.

    ``policy``: thresholds. ``now``: the time of the scan, aware. ``entries``: by id. ``recreations``: by identity key.
    ``reviews``: decisions of the latest access review, by identity key.
    ``not_listed``: keys of credentials known from an earlier scan only, because a gap hides whether they still exist.
    ``exposures``: where leaked keys are, by the key of the credential, or of the identity if no list has the key.
    ``frameworks``: ids of the frameworks whose controls findings cite; None uses the default frameworks.
    ``history``: None if there is nothing to compare findings with.
    """

    policy: Policy = Policy()
    now: datetime
    entries: Mapping[str, EntryAssessment] = {}
    recreations: Mapping[str, Recreation] = {}
    reviews: Mapping[str, ReviewOutcome] = {}
    not_listed: frozenset[str] = frozenset()
    exposures: Mapping[str, tuple[Exposure, ...]] = {}
    frameworks: frozenset[str] | None = None
    history: History | None = None

    @property
    def today(self) -> date:
        """The day of the scan, in UTC."""
        return self.now.date()

    def past(self, moment: datetime | None, days: int, *, until: datetime | None = None) -> bool:
        """Return whether more than ``days`` days lie between ``moment`` and ``until`` (or now); False if unknown."""
        return moment is not None and (min(until or self.now, self.now) - moment) / _DAY > days

    def compared(self, identifier: str, severity: Severity) -> Compared:
        """Return how a finding of this fingerprint and severity compares with the last scan."""
        if self.history is None:
            return _WITHOUT_HISTORY
        if self.history.known is None:
            return Compared(first_seen=self.now)
        before = self.history.known.get(identifier)
        old = self.history.held_back.get(identifier) if before is None else before.severity
        was = old if old is not None and SEVERITY_RANK[severity] < SEVERITY_RANK[old] else None
        if before is None:
            return Compared(is_unknown=True, first_seen=self.now, was=was)
        return Compared(first_seen=before.first_seen, was=was)

    def live(self, credential: Credential) -> bool:
        """Return whether a credential can be used, see :func:`is_live`."""
        return is_live(credential, self.now)

    def entry_of(self, assessment: Assessment) -> EntryAssessment | None:
        """Return the entry that matches a registered identity, else None."""
        verdict = assessment.registry
        return self.entries.get(verdict.entry or "") if verdict.state == "registered" else None


class Rule(Struct, frozen=True, kw_only=True):
    """The declaration of a rule. The rule reference is generated from it.

    ``severity_note``: when a hit has another severity. ``evidence``: names of the facts a hit can contain.
    ``thresholds``: fields of Policy that the check reads. ``silent_on``: circumstances where the check does not run.
    ``needs``: facts of the identity without which a finding cannot be resolved.
    """

    id: str
    severity: Severity
    severity_note: str | None = None
    title: str
    why: str
    remediation: str
    evidence: tuple[str, ...]
    thresholds: tuple[str, ...] = ()
    silent_on: frozenset[Circumstance] = frozenset()
    needs: frozenset[Fact] = frozenset()
    on_plans: bool = False
    """Whether the gate also runs the rule, on identities that a change would bring."""
    on_last_known: bool = False
    """Whether the rule also runs on identities that were not re-checked, because its facts come from elsewhere."""


class IdentityRule(Rule, frozen=True, kw_only=True):
    """Checks an identity with its verdicts."""

    check: Callable[[Assessment, RuleContext], Hit | None]


class CredentialRule(Rule, frozen=True, kw_only=True):
    """Checks a live credential and the identity that holds it."""

    check: Callable[[Credential, Assessment, RuleContext], Hit | None]


class ExpiredCredentialRule(Rule, frozen=True, kw_only=True):
    """Checks a credential that has expired and is not disabled. No other rule checks those."""

    check: Callable[[Credential, Assessment, RuleContext], Hit | None]


class EntryRule(Rule, frozen=True, kw_only=True):
    """Checks a registry entry."""

    check: Callable[[EntryAssessment, RuleContext], Hit | None]


class SecretRule(Rule, frozen=True, kw_only=True):
    """Checks a stored secret."""

    check: Callable[[StoredSecret, RuleContext], Hit | None]


class AssignmentRule(Rule, frozen=True, kw_only=True):
    """Checks an assignment: a grant as listed at the resource that gives it."""

    check: Callable[[Assignment, RuleContext], Hit | None]


class ActivityRule(Rule, frozen=True, kw_only=True):
    """Checks a deviation in the activity of an identity on one day. Its subject is identity and day."""

    check: Callable[[Deviation, Assessment, RuleContext], Hit]


class SharedChangeRule(Rule, frozen=True, kw_only=True):
    """Checks a change that many identities made at once."""

    check: Callable[[SharedChange, RuleContext], Hit]


class PlanRule(Rule, frozen=True, kw_only=True):
    """Checks an identity that a change would create or change. Only the gate runs it, in place of rules of scans."""

    check: Callable[[PlannedChange, RuleContext], Hit | None]


class PlanCredentialRule(Rule, frozen=True, kw_only=True):
    """Checks a credential that a change would create. Only the gate runs it, in place of rules of scans."""

    check: Callable[[Credential, PlannedChange, RuleContext], Hit | None]


class TicketRule(Rule, frozen=True, kw_only=True):
    """Checks an identity with open findings of a closed ticket."""

    check: Callable[[ClosedTicket, Sequence[Finding], Assessment, RuleContext], Hit]


class ExemptionRule(Rule, frozen=True, kw_only=True):
    """Checks a configured exemption."""

    check: Callable[[Exemption, RuleContext], Hit | None]


def fingerprint(rule_id: str, subject_key: str) -> str:
    """Return the permanent id of a finding, 32 hex digits, from the rule's id and the subject's key alone."""
    return hashlib.sha256(f"{rule_id}\0{subject_key}".encode("utf-8", "surrogatepass")).hexdigest()[:32]


def texts_in(assessment: Assessment, attribute: str) -> tuple[str, ...]:
    """Return the texts that an attribute of the identity lists; none if it is missing, or of another form."""
    given = assessment.identity.attributes.get(attribute)
    return tuple(one for one in given if isinstance(one, str)) if isinstance(given, (list, tuple)) else ()


def is_powerful(assessment: Assessment) -> bool:
    """Return whether an identity is an admin or can escalate to admin."""
    return assessment.privilege.level in POWERFUL


def undeclared(assessment: Assessment, context: RuleContext, **facts: Any) -> Hit:
    """Return the hit for an identity without an approved entry: by what it can do and its use, low in the grace."""
    created_at, grace_days = assessment.identity.created_at, context.policy.new_identity_grace
    in_grace = created_at is not None and not context.past(created_at, grace_days)
    evidence = {
        "created_at": created_at,
        "grace_days": grace_days if in_grace else None,
        "provisional": True if assessment.registry.provisional else None,
        **facts,
    }
    severity: Severity = "low" if in_grace else _undeclared_severity(assessment, context)
    return Hit(evidence={name: fact for name, fact in evidence.items() if fact is not None}, severity=severity)


UNDECLARED_NOTE = (
    "critical for an admin, and if a key of it has leaked and it can do more than normal; high if it can make itself "
    "an admin, if a key has leaked, or if its privilege is high and it may be used; medium if its privilege is normal "
    "or unknown, or high and unused; low if it is normal or unknown and unused, and within the grace period for new "
    "identities; "
    "disabled, one step lower. Unknown use counts as use"
)
"""When an identity without an approved entry has which severity."""

_UNUSED = ("dormant", "never_used")


def _undeclared_severity(assessment: Assessment, context: RuleContext) -> Severity:
    level, is_unused = assessment.privilege.level, assessment.usage.state in (*_UNUSED, "disabled")
    found: Severity = "high" if level == "escalation" or (level == "high" and not is_unused) else "medium"
    if level == "admin" or (has_leaked(assessment, context) and level not in ("normal", "unknown")):
        found = "critical"
    elif has_leaked(assessment, context):
        found = "high"
    elif level in ("normal", "unknown") and is_unused:
        found = "low"  # a gap that hides the privilege makes nothing worse
    is_disabled = assessment.identity.enabled is False
    return SEVERITIES[min(SEVERITIES.index(found) + 1, SEVERITIES.index("low"))] if is_disabled else found


def has_leaked(assessment: Assessment, context: RuleContext) -> bool:
    """Return whether the provider or a secret scanner reports a live key of the identity as leaked."""
    identity = assessment.identity
    return identity.key in context.exposures or any(
        one.key in context.exposures or one.attributes.get(EXPOSED) for one in identity.credentials if context.live(one)
    )


def is_unregistered_or_orphaned(assessment: Assessment) -> bool:
    """Return whether an identity is unregistered or orphaned."""
    return assessment.registry.state == "unregistered" or assessment.ownership.state == "orphaned"


def drifted_credential(credential: Credential, assessment: Assessment, *aspects: DriftAspect) -> Hit | None:
    """Return the hit for a credential with drift in one of the aspects: high if the identity is powerful."""
    of_credential = (drift for drift in assessment.drift if drift.credential == credential.key)
    drift = next((drift for drift in of_credential if drift.aspect in aspects), None)
    if drift is None:
        return None
    facts = {
        "kind": credential.kind,
        "id": credential.id,
        "created_at": credential.created_at,
        "entry": assessment.registry.entry,
        "declared": drift.declared,
    }
    return Hit(
        evidence={name: fact for name, fact in facts.items() if fact is not None},
        severity="high" if is_powerful(assessment) else None,
    )
