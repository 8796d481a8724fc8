"""One scan of the store, record by record, without holding the whole scan in memory."""

from __future__ import annotations

from collections.abc import Iterator

from sqlalchemy import Connection, func, select

from scanner.model import Assessment, EntryAssessment, Exposure, Finding, ScanResult, Severity, StoredSecret
from scanner.store import scans, schema
from scanner.store.intervals import BATCH, holds, read, refuse_incomplete
from scanner.store.kinds import ENTRIES, EXPOSURES, FINDINGS, IDENTITIES, SECRETS


class StreamedScan:
    """A scan as one connection sees it. Records stream in the order of their keys. Raises DamagedRow."""

    def __init__(self, connection: Connection, scan_id: str | None) -> None:
        self._connection = connection
        self._seq = scans.find(connection, scan_id)
        refuse_incomplete(connection, self._seq)
        self.frame: ScanResult = scans.frame(connection, self._seq)
        """The scan without its records."""

    def identities(self) -> Iterator[Assessment]:
        """Its identities with their verdicts."""
        return read(self._connection, IDENTITIES, self._seq)

    def secrets(self) -> Iterator[StoredSecret]:
        """Its stored secrets."""
        return read(self._connection, SECRETS, self._seq)

    def exposures(self) -> Iterator[Exposure]:
        """Its exposures."""
        return read(self._connection, EXPOSURES, self._seq)

    def entries(self) -> Iterator[EntryAssessment]:
        """Its registry entries with their states."""
        return read(self._connection, ENTRIES, self._seq)

    def findings(self) -> Iterator[Finding]:
        """Its findings."""
        return read(self._connection, FINDINGS, self._seq)

    def severities(self) -> Iterator[tuple[str, Severity]]:
        """The fingerprint and severity of each finding, without reading the findings."""
        finding = schema.finding
        rows = select(finding.c.key, finding.c.severity).where(holds(finding, self._seq)).order_by(finding.c.key)
        with self._connection.execute(rows, execution_options={"yield_per": BATCH}) as result:
            for batch in result.partitions():
                yield from ((row[0], row[1]) for row in batch)

    def count(self) -> int:
        """How many entries, identities, secrets and findings it has."""
        counted = (
            select(func.count()).select_from(table).where(holds(table, self._seq))
            for table in (schema.entry, schema.identity, schema.secret, schema.finding)
        )
        return sum(self._connection.execute(query).scalar_one() for query in counted)

    def keys(self) -> Iterator[str]:
        """The keys of its identities."""
        identity = schema.identity
        rows = select(identity.c.key).where(holds(identity, self._seq))
        return iter(self._connection.execute(rows, execution_options={"yield_per": BATCH}).scalars())
