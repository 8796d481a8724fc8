"""The vocabulary as records: what is discovered, what is declared, what is judged.

All are frozen, built by keyword, and out of the garbage collector's sight (they form no cycles). Times are aware
and in UTC; unknown is ``None``, never an empty string. Collections are tuples in a stable order. This module imports
nothing of ours.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any, Literal, TypeAlias

from msgspec import Struct, field

SCHEMA = "muster.scan/1"

Severity: TypeAlias = Literal["critical", "high", "medium", "low", "info"]
SEVERITIES: tuple[Severity, ...] = ("critical", "high", "medium", "low", "info")

CredentialKind: TypeAlias = Literal[
    "access_key", "password", "client_secret", "certificate", "secret_id", "token", "api_key", "ssh_key",
    "federation", "service_specific",
]  # fmt: skip
Relation: TypeAlias = Literal["can_assume", "runs_as", "stores", "federates", "member_of", "acts_as"]
Fact: TypeAlias = Literal["credentials", "permissions", "tags", "trusts", "use"]
"""What may be missing of an identity that was found: a gap kept it from us."""

EVERY_SCOPE = "*"
"""The scope of a gap that covers all of a source, since even the list of its scopes could not be read."""

CoverageStatus: TypeAlias = Literal["complete", "partial", "denied", "failed", "skipped", "not_offered", "off"]
GAPS: frozenset[CoverageStatus] = frozenset({"partial", "denied", "failed", "skipped"})

Rung: TypeAlias = Literal["key", "unique_id", "credential", "tag", "alias", "name", "glob"]
ANY_KIND = "*"
"""Among a section's kinds: it lists identities of every kind, those it has none of included."""

RUNGS: tuple[Rung, ...] = ("key", "unique_id", "credential", "tag", "alias", "name", "glob")

NatureVerdictName: TypeAlias = Literal["non_human", "human", "mixed", "unknown"]
RegistryState: TypeAlias = Literal["registered", "unregistered", "ambiguous", "exempt", "unchecked"]
OwnershipState: TypeAlias = Literal["owned", "orphaned", "unchecked", "not_applicable"]
OrphanReason: TypeAlias = Literal[
    "unregistered", "ambiguous", "never_assigned", "departed", "unresolvable", "group_empty", "owner_is_machine"
]  # fmt: skip
UsageState: TypeAlias = Literal["active", "dormant", "never_used", "disabled", "unknown"]
PrivilegeLevel: TypeAlias = Literal["admin", "escalation", "high", "normal", "unknown"]
EntryStatus: TypeAlias = Literal["proposed", "active", "suspended", "retired"]
EntryState: TypeAlias = Literal[
    "found", "not_found", "not_evaluated", "retired_but_alive", "retired", "proposed", "suspended"
]  # fmt: skip
PersonStatus: TypeAlias = Literal["active", "leaving", "left"]


# --- discovered ---------------------------------------------------------------


class Credential(Struct, frozen=True, kw_only=True, gc=False):
    """What an identity proves itself with: its public id and its dates, never its value.

    ``key`` is unique over all credentials: ``credential_key(identity, kind, id)``.
    ``use_tracked_days`` as on Identity. ``attributes`` holds public facts that rules read, e.g. ``period``.
    """

    key: str
    kind: CredentialKind
    id: str
    enabled: bool | None = None
    created_at: datetime | None = None
    expires_at: datetime | None = None
    never_expires: bool = False
    """The provider says so; ``expires_at`` of None alone only means that we do not know."""
    last_used_at: datetime | None = None
    use_tracked_days: int | None = None
    attributes: Mapping[str, Any] = {}


def credential_key(identity: str, kind: CredentialKind, credential_id: str) -> str:
    """A credential's own key, unique over all identities."""
    return f"{identity}#{kind}:{credential_id}"


class Grant(Struct, frozen=True, kw_only=True, gc=False):
    """A permission an identity holds: its name, through what (``direct``, ``group:…``), and on what.

    ``admin`` is decided from what the permission does, never from its name.
    """

    name: str
    via: str
    resource: str | None = None
    admin: bool = False


class Link(Struct, frozen=True, kw_only=True, gc=False):
    """A typed edge from the identity that carries it to ``target`` (an identity's key, or a thing's)."""

    relation: Relation
    target: str
    evidence: str


class Trust(Struct, frozen=True, kw_only=True, gc=False):
    """Somebody whom an identity lets become it (an AWS trust policy's principal, a role binding to a token issuer).

    ``external``: outside the scope's own organisation or account; None: unknown.
    ``restriction``: how far conditions narrow it: ``none``, ``loose`` (a wildcard) or ``exact``.
    """

    principal: str
    kind: Literal["anyone", "account", "principal", "service", "federated", "deleted"]
    external: bool | None = None
    restriction: Literal["none", "loose", "exact"] = "none"
    evidence: str


class Signal(Struct, frozen=True, kw_only=True, gc=False):
    """One hint at what an identity is. ``sort``: where it comes from, so that two weak ones can differ in kind."""

    says: Literal["human", "machine", "agent"]
    sort: Literal["provider", "credential", "roster", "name", "tag", "path", "description", "permission", "secret"]
    evidence: str
    strength: Literal["strong", "weak", "suggested"] = "strong"


class Privilege(Struct, frozen=True, kw_only=True, gc=False):
    """What an identity could do, decided from its effective permissions."""

    level: PrivilegeLevel
    evidence: tuple[str, ...] = ()


UNKNOWN_PRIVILEGE = Privilege(level="unknown", evidence=("permissions are not read by this source",))


class Identity(Struct, frozen=True, kw_only=True, gc=False):
    """A principal that can act, as one source saw it. ``key`` is its full id with the provider, e.g. an ARN.

    ``scope``: account, subscription, project, cluster or namespace. ``name``: the bare provider name.
    ``enabled``: None counts as enabled. ``managed_by``: why the provider itself answers for it (it is exempt).
    ``use_tracked_days``: how far back the provider's record of use reaches for it; None: it keeps none, or it
    could not be read. ``attributes``: provider facts that have no field of their own, values JSON can hold.
    """

    key: str
    provider: str
    source: str
    scope: str
    kind: str
    name: str
    display_name: str | None = None
    description: str | None = None
    unique_id: str | None = None
    aliases: tuple[str, ...] = ()
    enabled: bool | None = None
    created_at: datetime | None = None
    last_used_at: datetime | None = None
    use_tracked_days: int | None = None
    environment: str | None = None
    managed_by: str | None = None
    tags: Mapping[str, str] = {}
    attributes: Mapping[str, Any] = {}
    signals: tuple[Signal, ...] = ()
    privilege: Privilege = UNKNOWN_PRIVILEGE
    credentials: tuple[Credential, ...] = ()
    grants: tuple[Grant, ...] = ()
    links: tuple[Link, ...] = ()
    trusts: tuple[Trust, ...] = ()
    unread: tuple[Fact, ...] = ()
    """What of it a gap kept from us this time; the last scan's knowledge of just that still stands."""
    sources: tuple[str, ...] = ()
    """Every source that saw it; filled in when they are joined."""


class StoredSecret(Struct, frozen=True, kw_only=True, gc=False):
    """A secret in a secrets manager: that it is there and how old its value is, never the value.

    It is a thing, not a principal: it counts among credentials and has no registry axis.
    ``rotated_at``: when its current value was written.
    """

    key: str
    provider: str
    source: str
    scope: str
    name: str
    created_at: datetime | None = None
    rotated_at: datetime | None = None
    last_used_at: datetime | None = None
    expires_at: datetime | None = None
    rotation_enabled: bool | None = None
    tags: Mapping[str, str] = {}
    attributes: Mapping[str, Any] = {}


class Coverage(Struct, frozen=True, kw_only=True, gc=False):
    """How completely one section of one scope was read. A *gap* is partial, denied, failed or skipped.

    ``section``: the spec's name, with a qualifier after a colon where one section is read several times.
    ``kinds``: identity kinds (and ``secret``, or ANY_KIND) this section lists; ``rungs``: the rungs its data feed.
    ``calls``: requests sent, retries included. ``scope`` is ``*`` when even the list of scopes was not readable.
    """

    source: str
    provider: str
    scope: str
    section: str
    status: CoverageStatus
    identities: int = 0
    calls: int = 0
    detail: str | None = None
    permission: str | None = None
    kinds: tuple[str, ...] = ()
    rungs: tuple[Rung, ...] = ()

    @property
    def is_gap(self) -> bool:
        """Whether a conclusion that depends on this section would be a guess."""
        return self.status in GAPS


# --- declared -----------------------------------------------------------------


class Origin(Struct, frozen=True, kw_only=True, gc=False):
    """Where an entry or a person was declared; ``row`` is 1-based, headings included."""

    file: str
    sheet: str | None = None
    row: int | None = None

    def __str__(self) -> str:
        place = self.file if self.sheet is None else f"{self.file}[{self.sheet}]"
        return place if self.row is None else f"{place}:{self.row}"


class Entry(Struct, frozen=True, kw_only=True, gc=False):
    """One declared identity (docs/registry.md names the columns). ``id`` falls back to ``file:row``.

    ``identities`` are exact ids, names or globs, never empty: a row without them stands for its ``name``.
    ``has_own_id`` is False where file and row stand in for the id.
    """

    id: str
    origin: Origin
    has_own_id: bool = True
    name: str | None = None
    kind: str | None = None
    purpose: str | None = None
    identities: tuple[str, ...]
    provider: str | None = None
    scope: str | None = None
    owner: tuple[str, ...] = ()
    technical_owner: tuple[str, ...] = ()
    backup_owner: tuple[str, ...] = ()
    team: str | None = None
    built_by: str | None = None
    status: EntryStatus = "active"
    environment: str | None = None
    systems: tuple[str, ...] = ()
    permissions: tuple[str, ...] = ()
    credentials: tuple[str, ...] = ()
    max_credential_age: int | None = None
    blast_radius: str | None = None
    high_consequence: tuple[str, ...] = ()
    human_in_the_loop: bool | None = None
    baseline: str | None = None
    approved_by: str | None = None
    approved_on: date | None = None
    last_reviewed: date | None = None
    next_review: date | None = None
    expires: date | None = None
    extra: Mapping[str, str] = {}
    """Columns we do not know, kept and shown."""


class Person(Struct, frozen=True, kw_only=True, gc=False):
    """Somebody on the roster, or a group of them (``members`` is not None: e-mails, ids or aliases)."""

    email: str
    origin: Origin
    id: str | None = None
    name: str | None = None
    status: PersonStatus = "active"
    left_on: date | None = None
    manager: str | None = None
    team: str | None = None
    aliases: tuple[str, ...] = ()
    members: tuple[str, ...] | None = None

    @property
    def is_group(self) -> bool:
        """Whether this is a team, answered for by its active members."""
        return self.members is not None or self.email.lower().startswith("team:")


class Exemption(Struct, frozen=True, kw_only=True, gc=False):
    """A configured exemption: identities that need no entry, why, and until when (inclusive)."""

    match: str
    reason: str
    until: date | None = None


class Policy(Struct, frozen=True, kw_only=True, gc=False):
    """Thresholds in days."""

    dormant_identity: int = 90
    dormant_credential: int = 45
    rotation: int = 90
    max_lifetime: int = 180
    expiry_warning: int = 30
    review_privileged: int = 90
    review: int = 180
    new_identity_grace: int = 7


# --- judged -------------------------------------------------------------------


class MatchCandidate(Struct, frozen=True, kw_only=True, gc=False):
    """An entry that might stand for an identity, and why. ``score`` is 0 to 1."""

    entry: str
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
    """Whether anybody declared it. ``provisional``: unregistered, but a gap covers what a match would need."""

    state: RegistryState
    provisional: bool = False
    entry: str | None = None
    rung: Rung | None = None
    evidence: str | None = None
    candidates: tuple[MatchCandidate, ...] = ()


class OwnershipVerdict(Struct, frozen=True, kw_only=True, gc=False):
    """Whether anybody answers for it."""

    state: OwnershipState
    reason: OrphanReason | None = None
    owner: str | None = None
    evidence: str | None = None
    backup_only: bool = False
    """Owned only because a backup owner is active."""
    candidates: tuple[OwnerCandidate, ...] = ()


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
    title: str
    evidence: Mapping[str, Any] = {}
    remediation: str
    controls: tuple[str, ...] = ()
    owner: str | None = None
    new: bool = False
    held_back: bool = False
    """It would be new, but a gap may hide what answers it: it is announced when that can be told."""
    rechecked: bool = True


class Assessment(Struct, frozen=True, kw_only=True, gc=False):
    """One identity with everything judged about it. ``findings`` are fingerprints.

    ``rechecked`` is False where its place was not read this time and the last verdicts stand.
    """

    identity: Identity
    nature: NatureVerdict
    agent: AgentVerdict
    registry: RegistryVerdict
    ownership: OwnershipVerdict
    usage: UsageVerdict
    privilege: Privilege
    findings: tuple[str, ...] = ()
    rechecked: bool = True

    @property
    def abandoned(self) -> bool:
        """Nobody answers for it and nobody uses it: the first to switch off."""
        return self.ownership.state == "orphaned" and self.usage.state in ("dormant", "never_used")


class EntryAssessment(Struct, frozen=True, kw_only=True, gc=False):
    """One entry with what became of it. ``identities`` are keys of those matched to it."""

    entry: Entry
    state: EntryState
    identities: tuple[str, ...] = ()
    evidence: str | None = None
    rechecked: bool = True


class ScanInfo(Struct, frozen=True, kw_only=True, gc=False):
    """The run itself."""

    id: str
    started_at: datetime
    finished_at: datetime
    version: str


class Summary(Struct, frozen=True, kw_only=True, gc=False):
    """Counts over the result; ``identities`` counts people and exempt ones too, ``disabled`` counted within."""

    identities: int = 0
    registered: int = 0
    unregistered: int = 0
    ambiguous: int = 0
    exempt: int = 0
    owned: int = 0
    orphaned: int = 0
    dormant: int = 0
    never_used: int = 0
    disabled: int = 0
    abandoned: int = 0
    admins: int = 0
    agents: int = 0
    credentials: int = 0
    secrets: int = 0
    findings: Mapping[Severity, int] = field(default_factory=lambda: dict.fromkeys(SEVERITIES, 0))
    new_findings: int = 0
    registry_entries: int = 0
    not_found: int = 0
    gaps: int = 0
    not_rechecked: int = 0


class ScanResult(Struct, frozen=True, kw_only=True, gc=False):
    """One snapshot: all that a report may show. Findings come gravest first, everything else sorted by its key."""

    scan: ScanInfo
    summary: Summary
    coverage: tuple[Coverage, ...] = ()
    identities: tuple[Assessment, ...] = ()
    secrets: tuple[StoredSecret, ...] = ()
    entries: tuple[EntryAssessment, ...] = ()
    findings: tuple[Finding, ...] = ()
    policy: Policy = Policy()
    notices: tuple[str, ...] = ()
    """Things a reader must know that are no finding, e.g. a scope that is no longer listed."""
