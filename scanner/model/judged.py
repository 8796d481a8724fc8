"""The results of judging: a verdict on each axis, and findings."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from functools import lru_cache
from typing import Any

from msgspec import Struct

from scanner.model.activity import Activity, Deviation
from scanner.model.agents import AgentVerdict
from scanner.model.declared import Acknowledged, Asked, Entry
from scanner.model.discovered import Identity, Signal
from scanner.model.rights import Privilege
from scanner.model.terms import (
    SEVERITY_RANK,
    DriftAspect,
    EntryState,
    FindingState,
    FindingStatus,
    Handled,
    NatureVerdictName,
    OrphanReason,
    OwnershipState,
    RegistryState,
    Rung,
    Severity,
    UsageState,
)

LIKELY = 0.75
"""At or above this score most suggestions are right, below it most are wrong: see docs/explanation/accuracy.md."""


NAMED = 0.5
"""Next steps name nobody below this score."""


class MatchCandidate(Struct, frozen=True, kw_only=True, gc=False):
    """An entry that may match an identity, and why. ``score`` is 0 to 1."""

    entry: str
    score: float
    evidence: str

    @property
    def is_likely(self) -> bool:
        """Whether the score is high enough that most such suggestions are right."""
        return self.score >= LIKELY


class LookAlike(Struct, frozen=True, kw_only=True, gc=False):
    """A valid entry whose name, ``name``, an identity imitates. ``evidence``: the difference."""

    entry: str
    name: str
    evidence: str


class Former(Struct, frozen=True, kw_only=True, gc=False):
    """An entry with the unique id of an identity that no longer exists, and whose name another one has now."""

    entry: str
    unique_id: str


class IdentityCandidate(Struct, frozen=True, kw_only=True, gc=False):
    """An identity that may be meant by an entry without a match, and why. ``score`` is 0 to 1."""

    identity: str
    score: float
    evidence: str


class OwnerCandidate(Struct, frozen=True, kw_only=True, gc=False):
    """A person to ask about an identity, and why. ``score`` is 0 to 1."""

    person: str
    score: float
    evidence: str
    leaving: bool = False
    """Active, but about to leave."""
    technical: bool = False
    """The only evidence is a technical word that names share, such as ``deploy``."""

    @property
    def may_be_asked(self) -> bool:
        """Whether a next step names this person."""
        return self.score >= NAMED and not self.leaving and not self.technical


class NatureVerdict(Struct, frozen=True, kw_only=True, gc=False):
    """Whether an identity is a person, with the signals.

    ``person``: the e-mail of the person on the roster whose own account it is. ``has_left``: that person has left;
    ``left_on``: the last day, if known.
    """

    verdict: NatureVerdictName = "unknown"
    signals: tuple[Signal, ...] = ()
    person: str | None = None
    has_left: bool = False
    left_on: date | None = None


class RegistryVerdict(Struct, frozen=True, kw_only=True, gc=False):
    """Whether the identity is declared in a registry.

    ``provisional``: unregistered, but a gap covers what a match would need; or an unreadable registry row names it.
    """

    state: RegistryState
    provisional: bool = False
    entry: str | None = None
    rung: Rung | None = None
    also_by: Rung | None = None
    """The next rung on which the same entry matches."""
    evidence: str | None = None
    agreeing: tuple[str, ...] = ()
    """Entries of other registries that match and agree."""
    contradictions: tuple[str, ...] = ()
    """Entries of other registries that match and contradict."""
    proposed: str | None = None
    """The proposed entry that matches an unregistered identity."""
    proposed_by: Rung | None = None
    """The rung on which the proposed entry matches."""
    look_alike: LookAlike | None = None
    """The declared identity whose name it imitates."""
    former: Former | None = None
    """The entry that declares an earlier identity of its name, if the registry shows that."""
    candidates: tuple[MatchCandidate, ...] = ()
    retired: bool = False
    """Its entry is retired or has expired."""
    break_glass: bool = False
    """Its entry declares it as an account for emergencies."""


class OwnershipVerdict(Struct, frozen=True, kw_only=True, gc=False):
    """Whether an identity has an active owner."""

    state: OwnershipState
    reason: OrphanReason | None = None
    owner: str | None = None
    team: str | None = None
    """The team in the entry, else the owner's team on the roster, whether or not the owner is active."""
    evidence: str | None = None
    backup_only: bool = False
    """The backup owner is the only active owner."""
    leaving: tuple[str, ...] = ()
    """The active owners, if all of them are about to leave."""
    last_day: date | None = None
    """The latest last day among those leaving, if known for all; of an owner marked as left, a last day to come."""
    candidates: tuple[OwnerCandidate, ...] = ()


UNREGISTERED = OwnershipVerdict(state="orphaned", reason="unregistered", evidence="no entry declares it")


class Drift(Struct, frozen=True, kw_only=True, gc=False):
    """A difference between the identity and its entry. ``credential``: the key of the credential concerned."""

    aspect: DriftAspect
    declared: str
    found: str
    credential: str | None = None


class UsageVerdict(Struct, frozen=True, kw_only=True, gc=False):
    """Whether an identity is used. Evidence has dates, never ages, so it changes only when a fact changes."""

    state: UsageState
    last_used_at: datetime | None = None
    window_days: int
    evidence: str


@lru_cache(maxsize=10_000)
def last_used_on(day: date) -> str:
    """Return the evidence of a last use, one text per day: many identities share it."""
    return f"last used {day}"


class ClosedTicket(Struct, frozen=True, kw_only=True, gc=False):
    """A ticket that people closed. ``target``: the ticket system's name; ``findings``: fingerprints of what it had."""

    target: str
    shown: str
    closed_at: datetime
    findings: tuple[str, ...]


class Finding(Struct, frozen=True, kw_only=True, gc=False):
    """A rule that fired. ``fingerprint`` derives from rule and subject alone, so new wording keeps it."""

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
    """Held for confirmation: a gap may hide the fact that resolves it."""
    rechecked: bool = True
    acknowledged: Acknowledged | None = None
    """Suppressed: never new until the acknowledgement ends, new again on the day after."""
    asked: Asked | None = None
    """An acknowledgement that waits for a reviewer: until then the finding counts and raises alarms. Never stored."""
    handled: Handled | None = None
    """What people began about its identity: an open access review, or a proposed owner. Never stored."""
    first_seen: datetime | None = None
    """Start of the first scan with this finding; None in a result without history."""
    reopened: bool = False
    """New in this scan, but known from before the last scan."""
    was: Severity | None = None
    """The severity in the last scan, if it is lower: the finding has *worsened*."""
    cause: str | None = None
    """Why it has worsened; of a new one, the change of the setup that alone caused it."""
    by_setup: bool = False
    """New or worse only because of a new version of Muster, a changed policy or an added source."""

    @property
    def subject(self) -> str | None:
        """The key of the subject: an identity, entry, assignment or credential; None for a setting."""
        return self.identity or self.entry or self.assignment or self.credential

    @property
    def subjects(self) -> tuple[str, ...]:
        """The keys that it names, a credential's after its holder's; empty for a setting."""
        return tuple(filter(None, (self.identity, self.credential, self.entry, self.assignment)))

    @property
    def is_on_entry(self) -> bool:
        """Whether the subject is a registry entry, whose id can equal an identity's name."""
        return self.entry is not None and self.identity is None

    @property
    def about(self) -> str:
        """The subject as text that is clear without context."""
        if self.subject is None:
            return f"exemption {self.evidence.get('match')}"
        return f"entry {self.entry}" if self.is_on_entry else self.subject

    @property
    def worsened(self) -> bool:
        """Whether its severity has risen since the last scan."""
        return self.was is not None

    @property
    def raises_alarm(self) -> bool:
        """Whether it is new or has worsened, is not acknowledged, and the estate caused it, not the setup alone."""
        return (self.new or self.worsened) and self.acknowledged is None and not self.by_setup

    @property
    def state(self) -> FindingState:
        """What people do about it, and whether it has worsened: the first of these that is so."""
        if self.acknowledged is not None:
            return "acknowledged"
        if self.asked is not None:
            return "asked"
        if self.worsened:
            return "worsened"
        return self.handled or "open"

    @property
    def status(self) -> FindingStatus:
        """The state compared with the last report."""
        if self.reopened:
            return "reopened"
        return "new" if self.new else "open"


def most_severe_first(finding: Finding) -> tuple[int, str, str, str, str]:
    """Return the sort key of a finding: severity, rule, subject."""
    subject, credential = finding.subject or "", finding.credential or ""
    return SEVERITY_RANK[finding.severity], finding.rule, subject, credential, finding.fingerprint


class KnownFinding(Struct, frozen=True, gc=False):
    """An announced finding of the last scan: when it was first seen, and its severity; None if that is not kept."""

    first_seen: datetime | None
    severity: Severity | None = None


class Earlier(Struct, frozen=True, kw_only=True, gc=False):
    """The history of a finding in earlier scans.

    ``announced``: in at least one of them it was neither held back nor acknowledged. ``acknowledged``: the last scan
    had it, acknowledged.
    """

    first_seen: datetime | None
    announced: bool
    acknowledged: bool = False


class Assessment(Struct, frozen=True, kw_only=True, gc=False):
    """An identity with its verdicts. ``findings`` are fingerprints.

    ``rechecked``: False if its place was not read this time; the verdicts are the last known ones. ``consumers``: keys
    of the workloads and agents that run as it.
    """

    identity: Identity
    nature: NatureVerdict
    agent: AgentVerdict
    registry: RegistryVerdict
    ownership: OwnershipVerdict
    usage: UsageVerdict
    privilege: Privilege
    drift: tuple[Drift, ...] = ()
    not_compared: tuple[str, ...] = ()
    """What its entry declares and was not compared with what it is allowed, with the reason."""
    consumers: tuple[str, ...] = ()
    activity: Activity | None = None
    """Its activity in audit logs; None if there is no log of it. The store keeps it separately."""
    deviations: tuple[Deviation, ...] = ()
    """Deviations that rules report. They are in the findings, so the store does not keep them here."""
    findings: tuple[str, ...] = ()
    rechecked: bool = True

    @property
    def abandoned(self) -> bool:
        """Whether it is orphaned, and dormant or never used."""
        return self.ownership.state == "orphaned" and self.usage.state in ("dormant", "never_used")

    @property
    def contact(self) -> str | None:
        """The owner, or the best owner candidate of an orphaned identity."""
        if self.ownership.owner is not None and self.ownership.state != "orphaned":
            return self.ownership.owner
        return self.ownership.candidates[0].person if self.ownership.candidates else None

    @property
    def suggested(self) -> tuple[str, ...]:
        """The people to ask whether it is theirs: it has no active owner, and they are likely enough."""
        if self.ownership.state != "orphaned" or self.is_own_account:
            return ()
        return tuple(one.person for one in self.ownership.candidates if one.may_be_asked)

    @property
    def is_own_account(self) -> bool:
        """Whether it is the own account of a person on the roster."""
        return self.nature.person is not None and self.nature.verdict != "non_human"


class EntryAssessment(Struct, frozen=True, kw_only=True, gc=False):
    """An entry with its state. ``identities``: keys of the identities that match."""

    entry: Entry
    state: EntryState
    identities: tuple[str, ...] = ()
    evidence: str | None = None
    candidates: tuple[IdentityCandidate, ...] = ()
    """Identities that it may mean, if none matches."""
    renamed: Mapping[str, str] = {}
    """Former keys of renamed identities that it matched, by their current key."""
    first_seen: datetime | None = None
    """Start of the first scan that had the entry; None in a result without history."""
    rechecked: bool = True


class Recreation(Struct, frozen=True, kw_only=True, gc=False):
    """A deleted and recreated identity: its unique id, the one ``before``, and the day."""

    unique_id: str
    before: str
    recreated_on: date
