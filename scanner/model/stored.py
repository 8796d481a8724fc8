"""Lists of a scan that stay in the store, so that a report reads only the records that it shows."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Collection, Iterator, Sequence
from typing import Literal, TypeAlias, TypeVar, overload

from scanner.model.counts import FindingCounts, IdentityCounts, count_findings, count_identities
from scanner.model.judged import Assessment, Finding

R = TypeVar("R")

WorkList: TypeAlias = Literal["all", "orphans", "unregistered"]


class Stored(Sequence[R]):
    """Records that are read from the store while they are iterated, each time anew. That may raise StoreError."""

    @abstractmethod
    def named(self, keys: Collection[str]) -> dict[str, R]:
        """The records with these keys (of findings: fingerprints), by key."""

    @overload
    def __getitem__(self, index: int) -> R: ...

    @overload
    def __getitem__(self, index: slice) -> Sequence[R]: ...

    def __getitem__(self, index: int | slice) -> R | Sequence[R]:
        """Read all of them: a report that needs it loads the scan."""
        return tuple(self)[index]


class StoredIdentities(Stored[Assessment]):
    """Identities by key."""

    @property
    @abstractmethod
    def counts(self) -> IdentityCounts:
        """The counts of all."""

    @abstractmethod
    def most_urgent(self, which: WorkList) -> Iterator[Assessment]:
        """As a work list: by severity of their findings, privilege, unused ones first, then key."""


class StoredFindings(Stored[Finding]):
    """Findings, sorted by severity."""

    @property
    @abstractmethod
    def counts(self) -> FindingCounts:
        """The counts of all."""

    @abstractmethod
    def fingerprints(self) -> Sequence[str]:
        """All fingerprints, sorted."""


def identity_counts(assessments: Sequence[Assessment]) -> IdentityCounts:
    """The counts of identities."""
    return assessments.counts if isinstance(assessments, StoredIdentities) else count_identities(assessments)


def finding_counts(findings: Sequence[Finding]) -> FindingCounts:
    """The counts of findings."""
    return findings.counts if isinstance(findings, StoredFindings) else count_findings(findings)


def identities_named(assessments: Sequence[Assessment], keys: Collection[str]) -> dict[str, Assessment]:
    """The identities with these keys, by key."""
    if isinstance(assessments, StoredIdentities):
        return assessments.named(keys)
    return {one.identity.key: one for one in assessments if one.identity.key in keys}


def findings_named(findings: Sequence[Finding], fingerprints: Collection[str]) -> dict[str, Finding]:
    """The findings with these fingerprints, by fingerprint."""
    if isinstance(findings, StoredFindings):
        return findings.named(fingerprints)
    return {one.fingerprint: one for one in findings if one.fingerprint in fingerprints}
