"""What a rule is: its texts as data, and one pure function that looks at one thing and says whether it fires.

A rule's kind says what it looks at: an identity, a credential, an entry, a stored secret, an assignment or an
exemption. Checks get the thing and a :class:`Yardstick` (thresholds, the moment, the entries), and answer with a
:class:`Hit` or None. Which controls of which standards a rule gives evidence for stands in ``scanner/rules/controls``.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from datetime import date, datetime, timedelta
from types import MappingProxyType
from typing import Any, Literal, TypeAlias

from msgspec import Struct

from scanner.model import (
    POWERFUL,
    Assessment,
    Assignment,
    Credential,
    DriftAspect,
    EntryAssessment,
    Exemption,
    Fact,
    Policy,
    Recreation,
    Severity,
    StoredSecret,
)

_DAY = timedelta(days=1)

Circumstance: TypeAlias = Literal["disabled", "exempt", "provider_managed", "human"]
CIRCUMSTANCES: Mapping[Circumstance, Callable[[Assessment], bool]] = MappingProxyType(
    {
        "disabled": lambda assessment: assessment.identity.enabled is False,
        "exempt": lambda assessment: assessment.registry.state == "exempt",
        "provider_managed": lambda assessment: assessment.identity.managed_by is not None,
        "human": lambda assessment: assessment.nature.verdict == "human",
    }
)
"""What a rule may be silent on, whatever its check would say."""


def circumstances_of(assessment: Assessment) -> frozenset[Circumstance]:
    """Those that hold for it."""
    return frozenset(name for name, holds in CIRCUMSTANCES.items() if holds(assessment))


def is_live(credential: Credential, now: datetime) -> bool:
    """Whether it still opens something: not disabled and not expired; unknown counts as live."""
    expired = credential.expires_at is not None and credential.expires_at <= now
    return credential.enabled is not False and not expired


class Hit(Struct, frozen=True, kw_only=True, gc=False):
    """A rule fires. ``evidence``: facts with dates and limits, never ages; ``severity``: None takes the rule's own."""

    evidence: Mapping[str, Any]
    severity: Severity | None = None


class Yardstick(Struct, frozen=True, kw_only=True):
    """What things are measured by: the thresholds, the moment of the scan, entries by id, the made anew by key.

    ``not_listed``: keys of credentials that only an earlier scan knew, as a gap hides whether they are still there.
    ``frameworks``: ids of those whose controls findings cite; None: the usual ones.
    """

    policy: Policy
    now: datetime
    entries: Mapping[str, EntryAssessment] = {}
    recreations: Mapping[str, Recreation] = {}
    not_listed: frozenset[str] = frozenset()
    frameworks: frozenset[str] | None = None

    @property
    def today(self) -> date:
        """The day of the scan, in UTC."""
        return self.now.date()

    def past(self, moment: datetime | None, days: int, *, until: datetime | None = None) -> bool:
        """Whether more than so many days have gone by since, up to ``until`` or now; False where it is unknown."""
        return moment is not None and (min(until or self.now, self.now) - moment) / _DAY > days

    def live(self, credential: Credential) -> bool:
        """Whether it still opens something, see :func:`is_live`."""
        return is_live(credential, self.now)

    def entry_of(self, assessment: Assessment) -> EntryAssessment | None:
        """The entry that the identity is registered by."""
        verdict = assessment.registry
        return self.entries.get(verdict.entry or "") if verdict.state == "registered" else None


class Rule(Struct, frozen=True, kw_only=True):
    """What every rule declares; its documentation is made from this alone.

    ``severity_note``: when a hit has another severity. ``evidence``: names of the facts a hit may carry.
    ``needs``: facts of the identity without which it cannot tell that it no longer fires.
    ``thresholds``: fields of Policy that it reads.
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


class IdentityRule(Rule, frozen=True, kw_only=True):
    """Looks at one identity with its verdicts."""

    check: Callable[[Assessment, Yardstick], Hit | None]


class CredentialRule(Rule, frozen=True, kw_only=True):
    """Looks at one live credential and at the identity that holds it."""

    check: Callable[[Credential, Assessment, Yardstick], Hit | None]


class ExpiredCredentialRule(Rule, frozen=True, kw_only=True):
    """Looks at one credential that has expired and is not disabled; no other rule looks at those."""

    check: Callable[[Credential, Assessment, Yardstick], Hit | None]


class EntryRule(Rule, frozen=True, kw_only=True):
    """Looks at one registry entry."""

    check: Callable[[EntryAssessment, Yardstick], Hit | None]


class SecretRule(Rule, frozen=True, kw_only=True):
    """Looks at one stored secret."""

    check: Callable[[StoredSecret, Yardstick], Hit | None]


class AssignmentRule(Rule, frozen=True, kw_only=True):
    """Looks at one right as the place that gives it tells it."""

    check: Callable[[Assignment, Yardstick], Hit | None]


class ExemptionRule(Rule, frozen=True, kw_only=True):
    """Looks at one configured exemption."""

    check: Callable[[Exemption, Yardstick], Hit | None]


def fingerprint(rule_id: str, subject_key: str) -> str:
    """32 hex digits that name a finding for good: made from the rule's id and the subject's key, nothing else."""
    return hashlib.sha256(f"{rule_id}\0{subject_key}".encode("utf-8", "surrogatepass")).hexdigest()[:32]


def is_powerful(assessment: Assessment) -> bool:
    """Whether it is an admin or can make itself one."""
    return assessment.privilege.level in POWERFUL


def undeclared(assessment: Assessment, by: Yardstick, **facts: Any) -> Hit:
    """What to say of an identity that no approved entry declares: critical for an admin, low within its grace."""
    created_at, grace_days = assessment.identity.created_at, by.policy.new_identity_grace
    in_grace = created_at is not None and not by.past(created_at, grace_days)
    evidence = {
        "created_at": created_at,
        "grace_days": grace_days if in_grace else None,
        "provisional": True if assessment.registry.provisional else None,
        **facts,
    }
    is_admin = assessment.privilege.level == "admin"
    return Hit(
        evidence={name: fact for name, fact in evidence.items() if fact is not None},
        severity="low" if in_grace else "critical" if is_admin else None,
    )


def is_unanswered(assessment: Assessment) -> bool:
    """Whether nobody declared it or nobody answers for it."""
    return assessment.registry.state == "unregistered" or assessment.ownership.state == "orphaned"


def drifted_credential(credential: Credential, assessment: Assessment, *aspects: DriftAspect) -> Hit | None:
    """What to say of a credential that differs from its entry in one of these; high for the powerful."""
    about = (one for one in assessment.drift if one.credential == credential.key)
    drift = next((one for one in about if one.aspect in aspects), None)
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
