"""One scan as a whole: one snapshot of all that a report may show."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from msgspec import Struct, field

from scanner.model.changed import Since
from scanner.model.declared import Policy
from scanner.model.discovered import Coverage, StoredSecret, Workload
from scanner.model.judged import Assessment, EntryAssessment, Finding
from scanner.model.rights import Assignment
from scanner.model.terms import SEVERITIES, InputRole, Severity


class Input(Struct, frozen=True, kw_only=True, gc=False):
    """Something that the scan went by: a file, with the hash of its bytes, or a query to a database, which has none.

    ``text``: what it says, with secrets masked; kept of the config alone.
    """

    role: InputRole
    name: str
    sha256: str | None = None
    text: str | None = None


class ScanInfo(Struct, frozen=True, kw_only=True, gc=False):
    """The run itself."""

    id: str
    started_at: datetime
    finished_at: datetime
    version: str
    inputs: tuple[Input, ...] = ()


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
    drifted: int = 0
    credentials: int = 0
    secrets: int = 0
    workloads: int = 0
    assignments: int = 0
    findings: Mapping[Severity, int] = field(default_factory=lambda: dict.fromkeys(SEVERITIES, 0))
    new_findings: int = 0
    acknowledged: int = 0
    """Findings that somebody lets be; they are counted in ``findings`` too."""
    reopened_findings: int = 0
    """Of the new ones, those that had been there before."""
    resolved_findings: int = 0
    """Findings of the last scan that are no more."""
    registry_entries: int = 0
    not_found: int = 0
    gaps: int = 0
    not_rechecked: int = 0


class Forgotten(Struct, frozen=True, kw_only=True, gc=False):
    """A source that is remembered no longer, or one scope of it. ``scope`` None: all of it."""

    source: str
    scope: str | None = None

    def __str__(self) -> str:
        return f"source {self.source}" if self.scope is None else f"{self.scope} of source {self.source}"

    def holds(self, source: str, scope: str) -> bool:
        """Whether that scope belongs to it."""
        return source == self.source and self.scope in (None, scope)


class ScanPoint(Struct, frozen=True, kw_only=True, gc=False):
    """One of the scans that lead up to a result, in numbers.

    ``resolved``: of the findings that the scan before had and this one no longer has, how many had stood for so many
    days; each counts from the first scan that had it without a break.
    """

    id: str
    started_at: datetime
    counts: Summary
    resolved: Mapping[int, int] = {}


class BlindSpot(Struct, frozen=True, kw_only=True, gc=False):
    """A section that could not be read in full when it was last tried, and since when."""

    source: str
    scope: str
    section: str
    status: str
    since: datetime


class ScanResult(Struct, frozen=True, kw_only=True, gc=False):
    """One snapshot: all that a report may show. Findings come gravest first, everything else sorted by its key."""

    scan: ScanInfo
    summary: Summary
    coverage: tuple[Coverage, ...] = ()
    identities: tuple[Assessment, ...] = ()
    secrets: tuple[StoredSecret, ...] = ()
    workloads: tuple[Workload, ...] = ()
    assignments: tuple[Assignment, ...] = ()
    entries: tuple[EntryAssessment, ...] = ()
    findings: tuple[Finding, ...] = ()
    policy: Policy = Policy()
    notices: tuple[str, ...] = ()
    """Things a reader must know that are no finding, e.g. a scope that is no longer listed."""
    trend: tuple[ScanPoint, ...] = ()
    """The scans up to this one, oldest first, itself the last; empty where no store was asked."""
    first_seen: Mapping[str, datetime] = {}
    """By key of an identity, the start of the first scan that ever had it; empty where no store was asked."""
    only: str | None = None
    """In a sentence, what of the scan this is, where it is not all of it."""
    since: Since | None = None
    """What changed since the scan before; None where there is none, or no report needs it."""
