"""Build the index file of a scan from the store."""

from __future__ import annotations

import os
import sqlite3
from array import array
from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from operator import itemgetter
from pathlib import Path
from typing import TypeAlias, TypeVar

from msgspec import Struct
from msgspec.structs import replace

from reports.agents import persons_declared
from reports.exposed import exposed_rows, is_exposed
from reports.judged import Judged
from reports.views import is_agent
from scanner.app.activity import Acting
from scanner.app.changes import changes_between
from scanner.errors import StoreError
from scanner.matching.keys import fold
from scanner.model import SEVERITIES, SEVERITY_RANK, ActivityPolicy, Assessment, Change, Severity
from scanner.safe_files import AtomicFile
from scanner.serve.index import rows
from scanner.serve.index.about import IndexInfo, current_format, write_about
from scanner.serve.index.lists import SUGGESTED
from scanner.serve.index.numeric import NO_ROW, np
from scanner.serve.index.questions import LIST_NAMES, ListName
from scanner.serve.index.rows import NO_OWNERS, Owners
from scanner.serve.index.writing import BATCH, ListWriter, create_tables, joined
from scanner.store.store import Store
from scanner.store.streaming import StreamedScan

T = TypeVar("T")
Progress: TypeAlias = Callable[[int, int], None]
"""Called with the number of records done so far, and of all."""

_CACHE_KIB = 65_536


class IndexPlan(Struct, frozen=True, kw_only=True):
    """What to build.

    ``scan``: its id, None for the latest. ``progress`` is called with the number of records done so far, and of all.
    """

    path: Path
    scan: str | None = None
    activity: ActivityPolicy = ActivityPolicy()
    progress: Progress = lambda _done, _total: None


def build(store: Store, plan: IndexPlan) -> None:
    """Write the index file, with mode 0600. A file of that name stays valid until the new one replaces it.

    Memory grows with the number of rows, by about 250 bytes for each, whatever the records hold. Raises StoreError, and
    MissingExtra without the extra ``serve``.
    """
    with store.streamed(plan.scan) as scan:
        total = scan.count()
    plan.progress(0, total)
    changes = _changes(store, plan.scan)
    with store.streamed(plan.scan) as scan, _new_file(plan.path) as connection:
        building = _Building(connection, scan, changes, lambda done: plan.progress(done, total))
        building.run(_identities(store, scan, plan.activity))
    plan.progress(total, total)


def _identities(store: Store, scan: StreamedScan, policy: ActivityPolicy) -> Iterator[Assessment]:
    """The identities of the scan, with their activity if there are logs, for which they are read twice."""
    started_at = scan.frame.scan.started_at
    past = store.activity.past(as_of=started_at)
    if not past.logs:
        return scan.identities()
    known = (verdicts.identity for verdicts in scan.identities())
    return Acting(past, started_at, policy, known).added_to(scan.identities())


def _changes(store: Store, scan_id: str | None) -> Sequence[Change]:
    """The changes since the scan before, as the HTML report has them; none for the first scan."""
    kept = store.scans()
    at = next((at for at, scan in enumerate(kept) if scan.id == scan_id), len(kept) - 1)
    if at < 1:
        return ()
    diff = changes_between(store, kept[at - 1].id, kept[at].id)
    return [change for change in diff.changes if change.change != "not_rechecked"]


@contextmanager
def _new_file(path: Path) -> Iterator[sqlite3.Connection]:
    """A new SQLite file that takes the place of ``path`` if the block ends well."""
    try:
        new_file = AtomicFile(path)
        try:
            with closing(sqlite3.connect(new_file.path, isolation_level=None)) as connection:
                # A file that is not whole is never used, so nothing is gained by a journal.
                connection.executescript(
                    f"PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA cache_size = -{_CACHE_KIB}; BEGIN"
                )
                yield connection
                connection.execute("COMMIT")
            os.fsync(new_file.file.fileno())
            new_file.put_in_place()
        finally:
            new_file.close()
    except (sqlite3.Error, OSError) as error:
        raise StoreError(f"the index {path} cannot be written ({error})", hint="is the disk full?") from error


class _Building:
    """The writers of one file, and the data that joins their rows."""

    def __init__(
        self,
        connection: sqlite3.Connection,
        scan: StreamedScan,
        changes: Sequence[Change],
        progress: Callable[[int], None],
    ) -> None:
        self._connection, self._scan, self._progress = connection, scan, progress
        create_tables(connection)
        identities = ListWriter(connection, "identities")
        self._lists: dict[ListName, ListWriter] = {
            name: identities if name == "identities" else ListWriter(connection, name, identities)
            for name in reversed(LIST_NAMES)  # identities last, because other lists borrow their cells
        }
        self._now = scan.frame.scan.started_at
        self._is_known = rows.known_keys(scan.keys())
        self._changes = changes
        self._owners = dict.fromkeys((change.identity or change.key for change in changes), NO_OWNERS)
        """Owners of changed subjects, by key."""
        self._done = 0
        self._exposures = tuple(scan.exposures())
        self._leaking: list[Assessment] = []
        self._named = {one.identity for one in self._exposures if one.identity is not None}
        """Names of the identities that leaked keys open."""

    def run(self, identities: Iterable[Assessment]) -> None:
        """Write every list."""
        self._add_entries()
        severities = _Severities(self._scan.severities())
        self._add_identities(severities, identities)
        self._add_findings(severities)
        for change in self._changes:
            owners = self._owners[change.identity or change.key]
            self._lists["changes"].add(change.key, rows.change_cells(change), owners=owners)
        for key, cells in sorted(map(rows.coverage_cells, self._scan.frame.coverage), key=itemgetter(0)):
            self._lists["coverage"].add(key, cells)
        self._add_exposed()
        for writer in self._lists.values():
            writer.finish()
        info = self._scan.frame.scan
        about = IndexInfo(scan=info.id, started_at=info.started_at, built_at=datetime.now(UTC), format=current_format())
        write_about(self._connection, about)

    def _each(self, records: Iterable[T]) -> Iterator[T]:
        for record in records:
            yield record
            self._done += 1
            if self._done % BATCH == 0:
                self._progress(self._done)

    def _add_entries(self) -> None:
        self._declared: dict[str, Owners] = {}
        self._persons: dict[str | None, bool] = {}
        for judged in self._each(self._scan.entries()):
            key, owners = judged.entry.id, tuple(sorted(set(rows.owners_named(judged.entry))))
            self._lists["entries"].add(key, rows.entry_cells(judged, self._is_known), owners=owners)
            self._declared[key] = owners
            self._persons |= persons_declared((judged.entry,))
            self._note_owners(key, owners)

    def _add_identities(self, severities: _Severities, every: Iterable[Assessment]) -> None:
        identities, credentials = self._lists["identities"], self._lists["credentials"]
        for verdicts in self._each(every):
            identity = verdicts.identity
            owners = rows.owners_of(verdicts, self._declared)
            judged = Judged(identity, verdicts)
            cells = rows.identity_cells(judged)
            cells[SUGGESTED] = tuple(map(fold, verdicts.suggested))
            cells["severity"] = severities.highest(verdicts.findings, identities.length)
            row = identities.add(
                identity.key, cells, owners=owners, held=joined(rows.held_by(verdicts, self._is_known))
            )
            if is_agent(verdicts):
                self._lists["agents"].add(identity.key, rows.agent_cells(judged, self._persons), identity=row)
            for credential in identity.credentials:
                credentials.add(credential.key, rows.credential_cells(credential, self._now), identity=row)
            self._note_owners(identity.key, owners)
            if identity.key in self._named or is_exposed(identity):
                self._leaking.append(verdicts)
        for secret in self._each(self._scan.secrets()):
            credentials.add(secret.key, rows.secret_cells(secret, self._now))

    def _add_exposed(self) -> None:
        part = replace(self._scan.frame, identities=tuple(self._leaking), exposures=self._exposures)
        owners = {one.identity.key: rows.owners_of(one, self._declared) for one in self._leaking}
        for row in sorted(exposed_rows(part), key=lambda one: one.key):
            whose = owners.get(row.identity or "", NO_OWNERS)
            self._lists["exposed"].add(row.key, rows.exposed_cells(row), owners=whose)

    def _add_findings(self, severities: _Severities) -> None:
        findings = self._lists["findings"]
        for finding in self._each(self._scan.findings()):
            row = severities.identities[findings.length]
            is_on_identity = row != NO_ROW
            cells = rows.finding_cells(finding, is_on_identity=is_on_identity)
            owners = NO_OWNERS if is_on_identity else self._declared.get(finding.entry or "", NO_OWNERS)
            findings.add(finding.fingerprint, cells, owners=owners, identity=row if is_on_identity else None)

    def _note_owners(self, key: str, owners: Owners) -> None:
        if key in self._owners:
            self._owners[key] = owners


class _Severities:
    """The severities of all findings by fingerprint, and the row of the identity of each."""

    def __init__(self, findings: Iterable[tuple[str, Severity]]) -> None:
        hashes, severities = array("q"), array("B")
        for fingerprint, severity in findings:
            hashes.append(hash(fingerprint))
            severities.append(SEVERITY_RANK[severity])
        order = np.argsort(np.frombuffer(hashes, dtype=np.int64)) if hashes else np.empty(0, dtype=np.int64)
        self._rows = array("q", order.tobytes())
        self._hashes = array("q", np.frombuffer(hashes, dtype=np.int64)[order].tobytes() if hashes else b"")
        self._severities = severities
        self.identities = array("I", [NO_ROW]) * len(hashes)

    def highest(self, fingerprints: Iterable[str], identity: int) -> Severity | None:
        """The highest severity of these findings, which are those of an identity; unknown ones are skipped."""
        highest = len(SEVERITIES)
        for fingerprint in fingerprints:
            place = bisect_left(self._hashes, found := hash(fingerprint))
            if place < len(self._hashes) and self._hashes[place] == found:
                row = self._rows[place]
                self.identities[row] = identity
                highest = min(highest, self._severities[row])
        return SEVERITIES[highest] if highest < len(SEVERITIES) else None
