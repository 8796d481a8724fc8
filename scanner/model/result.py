"""The result of a scan: a snapshot of everything that reports show."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from msgspec import Struct, field

from scanner.model.blast_radius import BlastRadius
from scanner.model.changed import Since
from scanner.model.coverage import Coverage, FileEnd
from scanner.model.decisions import DecisionHead
from scanner.model.declared import Policy
from scanner.model.discovered import Exposure, StoredSecret, Workload
from scanner.model.judged import Assessment, EntryAssessment, Finding
from scanner.model.planned import Plan
from scanner.model.retirement import RetirementState
from scanner.model.rights import Assignment
from scanner.model.terms import SEVERITIES, InputRole, Severity
from scanner.model.trends import Trends


class Input(Struct, frozen=True, kw_only=True, gc=False):
    """An input of the scan: a file, with the SHA-256 of its bytes, or a database query, which has no hash.

    ``text``: its content with secrets masked; only kept for the configuration.
    """

    role: InputRole
    name: str
    sha256: str | None = None
    text: str | None = None


class ScanInfo(Struct, frozen=True, kw_only=True, gc=False):
    """The scan itself: its id, times, Muster's version and the inputs."""

    id: str
    started_at: datetime
    finished_at: datetime
    version: str
    inputs: tuple[Input, ...] = ()


class Upkeep(Struct, frozen=True, kw_only=True, gc=False):
    """How well entries that are not retired are kept: the number of entries, and of those with each fact.

    ``owner``, ``purpose``, ``blast_radius``: filled in; ``review``: its last review is not overdue.
    """

    entries: int = 0
    owner: int = 0
    purpose: int = 0
    review: int = 0
    blast_radius: int = 0


class Summary(Struct, frozen=True, kw_only=True, gc=False):
    """Counts over the result. ``identities`` includes people, exempt and disabled identities."""

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
    drifted: int = 0
    credentials: int = 0
    secrets: int = 0
    workloads: int = 0
    assignments: int = 0
    findings: Mapping[Severity, int] = field(default_factory=lambda: dict.fromkeys(SEVERITIES, 0))
    new_findings: int = 0
    acknowledged: int = 0
    """Acknowledged findings; ``findings`` includes them."""
    reopened_findings: int = 0
    """New findings that an earlier scan already had; ``new_findings`` includes them."""
    unexplained_findings: int | None = None
    """Findings about a day's behaviour that no known change explains; None without an audit log."""
    worsened: int = 0
    """Findings whose severity has risen since the previous scan."""
    appeared: int = 0
    """Identities seen for the first time without an entry; 0 on a store's first scan."""
    resolved_findings: int = 0
    """Findings of the previous scan that this one no longer has."""
    registry_entries: int = 0
    not_found: int = 0
    gaps: int = 0
    not_rechecked: int = 0
    people: int | None = None
    """Rows of the roster, groups included; None without one. Of a list that is not believed, the last numbers."""
    people_active: int | None = None
    """Those of them who are active."""
    decisions: DecisionHead | None = None
    """The head of the log of decisions before this scan; None in scans of versions without that log."""
    upkeep: Upkeep | None = None
    """None without a registry, in a part of a scan, and in scans of versions that did not count it."""


class Forgotten(Struct, frozen=True, kw_only=True, gc=False):
    """A source that the store no longer remembers, or one ``scope`` of it; None for the whole source."""

    source: str
    scope: str | None = None

    def __str__(self) -> str:
        return f"source {self.source}" if self.scope is None else f"{self.scope} of source {self.source}"

    def holds(self, source: str, scope: str) -> bool:
        """Return whether the scope is forgotten."""
        return source == self.source and self.scope in (None, scope)


class ScanPoint(Struct, frozen=True, kw_only=True, gc=False):
    """The counts of one scan, for trends.

    ``resolved``: how many findings of the previous scan are resolved, by their age in days. The age counts from the
    first scan that had the finding without interruption.
    """

    id: str
    started_at: datetime
    counts: Summary
    resolved: Mapping[int, int] = {}


class BlindSpot(Struct, frozen=True, kw_only=True, gc=False):
    """A section that was a gap when it was last tried. ``since``: start of the first scan of that series."""

    source: str
    scope: str
    section: str
    status: str
    since: datetime


class ScanResult(Struct, frozen=True, kw_only=True, gc=False):
    """One snapshot with everything that reports show. Findings are sorted by severity, all else by key.

    Lists of records are tuples, or read from the store: see ``scanner.model.stored``.
    """

    scan: ScanInfo
    summary: Summary
    coverage: tuple[Coverage, ...] = ()
    identities: Sequence[Assessment] = ()
    secrets: Sequence[StoredSecret] = ()
    workloads: Sequence[Workload] = ()
    assignments: Sequence[Assignment] = ()
    exposures: Sequence[Exposure] = ()
    entries: Sequence[EntryAssessment] = ()
    findings: Sequence[Finding] = ()
    policy: Policy = Policy()
    notices: tuple[str, ...] = ()
    """Messages to the reader that are no findings, such as a scope that is no longer listed."""
    trend: tuple[ScanPoint, ...] = ()
    """The scans up to and including this one, oldest first; empty without a store."""
    first_seen: Mapping[str, datetime] = {}
    """Start of the first scan that had the identity, by key; empty without a store."""
    known_gaps: int = 0
    """Gaps of audit logs that an earlier run reported: they are shown, and `--strict` does not count them again."""
    only: str | None = None
    """A sentence that describes the filter, if this is a part of the scan."""
    plans: tuple[Plan, ...] = ()
    """Of the gate: the files that were checked. Then there was no scan, and the identities are the planned ones."""
    radii: Mapping[str, BlastRadius] = {}
    """Of the gate: the blast radii that were walked, by key, with what the store knows around; others are unknown."""
    retirements: tuple[RetirementState, ...] = ()
    """Retirements under way, as this scan saw them."""
    retired: tuple[RetirementState, ...] = ()
    """Retirements at whose end the identity was deleted, also those that are no longer under way."""
    ends: tuple[FileEnd, ...] = ()
    """How files ended when they were last read to their end, for the next scan; no report shows it."""
    since: Since | None = None
    """Changes since the previous scan; None without one, or if no report needs them."""
    trends: Trends | None = None
    """Trends by team; None if no report needs them."""
