"""The identities and findings of one scan as lists that read on demand: see ``scanner.model.stored``."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from functools import cached_property, partial
from typing import TypeVar, overload

from msgspec.structs import replace
from sqlalchemy import Connection, select

from scanner.model import Assessment, Finding, ScanResult, Severity
from scanner.model.counts import AXES, FindingCounts, IdentityCounts
from scanner.model.stored import StoredFindings, StoredIdentities, WorkList
from scanner.processes import batched
from scanner.store import scans, schema
from scanner.store.engine import plain_rows
from scanner.store.history import first_seen_in, trend
from scanner.store.intervals import has_order, holds, read, read_in_order, refuse_incomplete
from scanner.store.kinds import ASSIGNMENTS, ENTRIES, EXPOSURES, FINDINGS, IDENTITIES, SECRETS, WORKLOADS
from scanner.store.records import Records
from scanner.store.urgency import most_urgent

T = TypeVar("T")

_AT_ONCE = 1_000
"""Records of a work list in memory."""


class Deferred(Sequence[T]):
    """Records that are read on first use, and then kept."""

    def __init__(self, load: Callable[[], Sequence[T]]) -> None:
        self._load = load

    @cached_property
    def _loaded(self) -> Sequence[T]:
        return self._load()

    def __len__(self) -> int:
        return len(self._loaded)

    @overload
    def __getitem__(self, index: int) -> T: ...

    @overload
    def __getitem__(self, index: slice) -> Sequence[T]: ...

    def __getitem__(self, index: int | slice) -> T | Sequence[T]:
        return self._loaded[index]

    def __iter__(self) -> Iterator[T]:
        return iter(self._loaded)


class DeferredMapping(Mapping[str, T]):
    """A mapping that is read when it is first used, and then kept."""

    def __init__(self, load: Callable[[], Mapping[str, T]]) -> None:
        self._load = load

    @cached_property
    def _loaded(self) -> Mapping[str, T]:
        return self._load()

    def __len__(self) -> int:
        return len(self._loaded)

    def __getitem__(self, key: str) -> T:
        return self._loaded[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self._loaded)


class IdentityList(StoredIdentities):
    """The identities of scan ``seq``, as one connection sees them. ``found``: the number of findings by severity."""

    def __init__(
        self, connection: Connection, seq: int, records: Records, counts: IdentityCounts, found: Mapping[Severity, int]
    ) -> None:
        self._connection, self._seq, self._records = connection, seq, records
        self._found = found
        self._counts = counts

    def __len__(self) -> int:
        return sum(self._counts.states["registry"].values())

    def __iter__(self) -> Iterator[Assessment]:
        if has_order(self._connection, IDENTITIES, self._seq):
            return iter(read_in_order(self._connection, IDENTITIES, self._seq))
        return read(self._connection, IDENTITIES, self._seq)

    @property
    def counts(self) -> IdentityCounts:
        """The counts from when the scan was saved."""
        return self._counts

    def named(self, keys: Collection[str]) -> dict[str, Assessment]:
        """The identities with these keys, by key."""
        return {one.identity.key: one for one in self._records.identities(tuple(keys))}

    def most_urgent(self, which: WorkList) -> Iterator[Assessment]:
        """In batches, by key."""
        keys = most_urgent(self._connection, self._seq, self._records, which, self._found)
        for batch in batched(keys, _AT_ONCE):
            yield from self._records.identities(batch)


class FindingList(StoredFindings):
    """The findings of scan ``seq``, as one connection sees them."""

    def __init__(self, connection: Connection, seq: int, records: Records, counts: FindingCounts) -> None:
        self._connection, self._seq, self._records = connection, seq, records
        self._counts = counts

    def __len__(self) -> int:
        return sum(group.findings for group in self._counts.groups)

    def __iter__(self) -> Iterator[Finding]:
        """Iterate over all findings in memory, because the store has them by fingerprint."""
        return iter(read_in_order(self._connection, FINDINGS, self._seq))

    @property
    def counts(self) -> FindingCounts:
        """The counts from when the scan was saved."""
        return self._counts

    def named(self, keys: Collection[str]) -> dict[str, Finding]:
        """The findings with these fingerprints, by fingerprint."""
        return {one.fingerprint: one for one in self._records.findings(tuple(keys))}

    def fingerprints(self) -> Sequence[str]:
        """All, from an index."""
        finding = schema.finding
        rows = plain_rows(self._connection, select(finding.c.key).where(holds(finding, self._seq)))
        return sorted(key for (key,) in rows)


def opened(connection: Connection, seq: int) -> ScanResult | None:
    """Scan ``seq`` with its past, whose lists are read when they are used; None without counts: see ``scans.counts``.

    Raises DamagedRow, also if records are missing.
    """
    frame, counts = scans.frame(connection, seq), scans.counts(connection, seq)
    if counts is None:
        return None
    refuse_incomplete(connection, seq)
    records = Records(connection, frame.scan.id)
    of_identities, found = _in_display_order(counts.identities), frame.summary.findings
    return replace(
        frame,
        identities=IdentityList(connection, seq, records, of_identities, found),
        secrets=Deferred(partial(read_in_order, connection, SECRETS, seq)),
        workloads=Deferred(partial(read_in_order, connection, WORKLOADS, seq)),
        assignments=Deferred(partial(read_in_order, connection, ASSIGNMENTS, seq)),
        exposures=Deferred(partial(read_in_order, connection, EXPOSURES, seq)),
        entries=Deferred(partial(read_in_order, connection, ENTRIES, seq)),
        findings=FindingList(connection, seq, records, counts.findings),
        trend=trend(connection, seq),
        first_seen=DeferredMapping(partial(first_seen_in, connection, seq)),
    )


def _in_display_order(counts: IdentityCounts) -> IdentityCounts:
    """The counts with their states in display order, which stored text does not keep."""
    states = {axis: {state: counts.states[axis].get(state, 0) for state in known} for axis, known in AXES.items()}
    return replace(counts, states=states)
