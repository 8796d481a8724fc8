"""What Muster makes of what it found: a verdict on each axis, and findings."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

from msgspec import Struct

from scanner.model.declared import (
    Acknowledged,
    Entry,
)
from scanner.model.discovered import Identity, Signal
from scanner.model.rights import Privilege
from scanner.model.terms import (
    GRAVITY,
    DriftAspect,
    EntryState,
    FindingStatus,
    NatureVerdictName,
    OrphanReason,
    OwnershipState,
    RegistryState,
    Rung,
    Severity,
    UsageState,
)

LIKELY = 0.75
"""From this score on a suggestion is mostly right, below it mostly wrong: see docs/explanation/accuracy.md."""


class MatchCandidate(Struct, frozen=True, kw_only=True, gc=False):
    """An entry that might stand for an identity, and why. ``score`` is 0 to 1."""

    entry: str
    score: float
    evidence: str

    @property
    def is_likely(self) -> bool:
        """Whether it is worth a look before anything else: of suggestions this sure most are right."""
        return self.score >= LIKELY


class LookAlike(Struct, frozen=True, kw_only=True, gc=False):
    """An entry that counts fully and whose name, ``name``, an identity only looks like; ``evidence``: by what."""

    entry: str
    name: str
    evidence: str


class IdentityCandidate(Struct, frozen=True, kw_only=True, gc=False):
    """An identity that an entry which stands for nothing might mean, and why. ``score`` is 0 to 1."""

    identity: str
    score: float
    evidence: str


class OwnerCandidate(Struct, frozen=True, kw_only=True, gc=False):
    """A person to ask about an identity, and why. ``score`` is 0 to 1."""

    person: str
    score: float
    evidence: str


class NatureVerdict(Struct, frozen=True, kw_only=True, gc=False):
    """Human or not."""

    verdict: NatureVerdictName = "unknown"
    signals: tuple[Signal, ...] = ()


class AgentVerdict(Struct, frozen=True, kw_only=True, gc=False):
    """AI agent or not."""

    is_agent: bool = False
    signals: tuple[Signal, ...] = ()


class RegistryVerdict(Struct, frozen=True, kw_only=True, gc=False):
    """Whether anybody declared it.

    ``provisional``: unregistered, but a gap covers what a match would need; or an unreadable registry row names it.
    """

    state: RegistryState
    provisional: bool = False
    entry: str | None = None
    rung: Rung | None = None
    also_by: Rung | None = None
    """The next rung on which the same entry names it."""
    evidence: str | None = None
    agreeing: tuple[str, ...] = ()
    """Entries of other registries that declare the same of it."""
    contradictions: tuple[str, ...] = ()
    """Entries of other registries that declare something else of it."""
    proposed: str | None = None
    """Unregistered, but this entry matches it and is only proposed."""
    proposed_by: Rung | None = None
    """The rung on which that entry matches it."""
    look_alike: LookAlike | None = None
    """The declared name that it imitates."""
    candidates: tuple[MatchCandidate, ...] = ()


class OwnershipVerdict(Struct, frozen=True, kw_only=True, gc=False):
    """Whether anybody answers for it."""

    state: OwnershipState
    reason: OrphanReason | None = None
    owner: str | None = None
    team: str | None = None
    """The team it belongs to: as its entry says, else that of the owner on the roster, whether or not they are here."""
    evidence: str | None = None
    backup_only: bool = False
    """Owned only because a backup owner is active."""
    leaving: tuple[str, ...] = ()
    """Who answers for it now and is about to leave, where nobody else who answers stays."""
    last_day: date | None = None
    """The last day of the last of these, where it is known."""
    candidates: tuple[OwnerCandidate, ...] = ()


class Drift(Struct, frozen=True, kw_only=True, gc=False):
    """One thing that was found to be other than declared. ``credential``: the key of the one it is about."""

    aspect: DriftAspect
    declared: str
    found: str
    credential: str | None = None


class UsageVerdict(Struct, frozen=True, kw_only=True, gc=False):
    """Whether it is used. Evidence holds dates, never ages, so that it changes only when a fact does."""

    state: UsageState
    last_used_at: datetime | None = None
    window_days: int
    evidence: str


class Finding(Struct, frozen=True, kw_only=True, gc=False):
    """A rule that fired. ``fingerprint`` comes from rule and subject alone, so rewording never makes it new."""

    fingerprint: str
    rule: str
    severity: Severity
    identity: str | None = None
    credential: str | None = None
    entry: str | None = None
    assignment: str | None = None
    title: str
    evidence: Mapping[str, Any] = {}
    remediation: str
    controls: tuple[str, ...] = ()
    owner: str | None = None
    new: bool = False
    held_back: bool = False
    """It would be new, but a gap may hide what answers it: it is announced when that can be told."""
    rechecked: bool = True
    acknowledged: Acknowledged | None = None
    """Somebody lets it be: it is never new meanwhile, and is new again on the day after."""
    first_seen: datetime | None = None
    """Start of the first scan that ever had it; None only in a result that knows no history."""
    reopened: bool = False
    """New now, but known from before the last scan: it was gone and came back."""

    @property
    def subject(self) -> str | None:
        """The key of what it is about: an identity, an entry, an assignment or a credential; None for a setting."""
        return self.identity or self.entry or self.assignment or self.credential

    @property
    def subjects(self) -> tuple[str, ...]:
        """The keys of all that it names, a credential's after its holder's; none for a setting."""
        return tuple(filter(None, (self.identity, self.credential, self.entry, self.assignment)))

    @property
    def is_on_entry(self) -> bool:
        """Whether it is about a registry entry itself, whose id may also be what an identity is called."""
        return self.entry is not None and self.identity is None

    @property
    def about(self) -> str:
        """What it is about, in words that are clear where nothing else is said of it."""
        if self.subject is None:
            return f"exemption {self.evidence.get('match')}"
        return f"entry {self.entry}" if self.is_on_entry else self.subject

    @property
    def status(self) -> FindingStatus:
        """What it is to somebody who read the last report."""
        if self.reopened:
            return "reopened"
        return "new" if self.new else "open"


def gravest_first(finding: Finding) -> tuple[int, str, str, str, str]:
    """What findings are sorted by: severity, rule, what they are about."""
    subject, credential = finding.subject or "", finding.credential or ""
    return GRAVITY[finding.severity], finding.rule, subject, credential, finding.fingerprint


class Earlier(Struct, frozen=True, kw_only=True, gc=False):
    """What is known of a finding from scans before.

    ``announced``: it was more than held back or acknowledged in one of them. ``let_be``: it stood in the last one, and
    somebody let it be.
    """

    first_seen: datetime | None
    announced: bool
    let_be: bool = False


class Assessment(Struct, frozen=True, kw_only=True, gc=False):
    """One identity with everything judged about it. ``findings`` are fingerprints.

    ``rechecked`` is False where its place was not read this time and the last verdicts stand. ``consumers``: keys of
    the workloads and agents that run as it.
    """

    identity: Identity
    nature: NatureVerdict
    agent: AgentVerdict
    registry: RegistryVerdict
    ownership: OwnershipVerdict
    usage: UsageVerdict
    privilege: Privilege
    drift: tuple[Drift, ...] = ()
    consumers: tuple[str, ...] = ()
    findings: tuple[str, ...] = ()
    rechecked: bool = True

    @property
    def abandoned(self) -> bool:
        """Nobody answers for it and nobody uses it: the first to switch off."""
        return self.ownership.state == "orphaned" and self.usage.state in ("dormant", "never_used")

    @property
    def whom_to_ask(self) -> str | None:
        """Its owner or, where nobody answers for it, the best owner candidate."""
        if self.ownership.owner is not None and self.ownership.state != "orphaned":
            return self.ownership.owner
        return self.ownership.candidates[0].person if self.ownership.candidates else None


class EntryAssessment(Struct, frozen=True, kw_only=True, gc=False):
    """One entry with what became of it. ``identities`` are keys of those matched to it."""

    entry: Entry
    state: EntryState
    identities: tuple[str, ...] = ()
    evidence: str | None = None
    candidates: tuple[IdentityCandidate, ...] = ()
    """What it might mean, where it stands for nothing."""
    renamed: Mapping[str, str] = {}
    """By the key that they have now, the keys under which it matched identities that it matches no more."""
    rechecked: bool = True


class Recreation(Struct, frozen=True, kw_only=True, gc=False):
    """That an identity was deleted and made anew: the unique id that it has, the one ``before``, and the day."""

    unique_id: str
    before: str
    recreated_on: date
