"""The part of a scan that is not records: its number, times, counts, policy, notices and coverage, in plain rows."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from typing import Any

import msgspec
from msgspec import Struct
from msgspec.structs import asdict
from sqlalchemy import ColumnElement, Connection, Row, func, select

from scanner.errors import DamagedRow, StoreError, UsageError
from scanner.model import SEVERITIES, Coverage, FileEnd, Forgotten, Input, Policy, ScanInfo, ScanResult, Summary
from scanner.model.counts import FindingCounts, IdentityCounts, count_findings, count_identities
from scanner.store import schema
from scanner.store.bodies import decode, encode
from scanner.store.chain import Printed
from scanner.store.engine import bulk_insert, where
from scanner.store.integrity import HINT, is_sound, verify
from scanner.text import counted, either, printable

SCANS_NAMED = 10
"""The number of known scans that an error message lists."""


class Counts(Struct, frozen=True, kw_only=True, gc=False):
    """The counts on a first page besides the summary."""

    identities: IdentityCounts
    findings: FindingCounts


class _Counted(Summary, frozen=True, kw_only=True, gc=False):
    """A summary as stored. ``counts``: None in scans of versions that did not keep them. ``ends``: of ScanResult."""

    counts: Counts | None = None
    ends: tuple[FileEnd, ...] = ()


_summaries = msgspec.json.Decoder(Summary)
_counted = msgspec.json.Decoder(_Counted)
_policies = msgspec.json.Decoder(Policy)
_notices = msgspec.json.Decoder(tuple[str, ...])
_inputs = msgspec.json.Decoder(tuple[Input, ...])
_coverages = msgspec.json.Decoder(Coverage)
_forgotten = msgspec.json.Decoder(Forgotten)


class StoredScan(Struct, frozen=True, kw_only=True):
    """A scan in the store. ``counts``: its summary. ``forgot``: the place that it removed, if it is no real scan."""

    id: str
    started_at: datetime
    finished_at: datetime
    version: str
    counts: Summary
    forgot: Forgotten | None = None


def insert_scan(connection: Connection, result: ScanResult, forgot: Forgotten | None = None) -> int:
    """Write all of the result except its records; returns the scan's number. Raises StoreError for a known id."""
    scan = result.scan
    if _number(connection, scan.id) is not None:
        raise StoreError(
            f"the store {where(connection.engine)} already has the scan {printable(scan.id)}",
            hint="a scan is stored once; scan again for a new one",
        )
    seq = (latest(connection) or 0) + 1
    row = (
        seq,
        scan.id,
        scan.started_at.isoformat(),
        scan.finished_at.isoformat(),
        scan.version,
        _text(
            _Counted(
                **asdict(result.summary),
                counts=Counts(identities=count_identities(result.identities), findings=count_findings(result.findings)),
                ends=result.ends,
            )
        ),
        _text(result.policy),
        _text(result.notices),
        _text(scan.inputs),
        _records_in(result),
        None if forgot is None else _text(forgot),
        None,  # pruned_at
        0,  # removed
    )
    bulk_insert(connection, schema.scan, [row])
    sections = [
        (seq, position, record.source, record.scope, record.section, record.status, _text(record))
        for position, record in enumerate(result.coverage)
    ]
    bulk_insert(connection, schema.coverage, sections)
    return seq


def counts(connection: Connection, seq: int) -> Counts | None:
    """The counts on a first page besides the summary; None if not kept, or a repair removed records since.

    :func:`frame` checks the row.
    """
    scan = schema.scan.c
    row = connection.execute(select(scan.id, scan.summary, scan.removed).where(scan.seq == seq)).one()
    return None if row.removed else decode(_counted, row.summary, f"summary of scan {row.id}").counts


def is_kept() -> ColumnElement[bool]:
    """Whether a row is a scan that was not pruned."""
    return schema.scan.c.pruned_at.is_(None)


def latest(connection: Connection) -> int | None:
    """The number of the latest scan; None for an empty store."""
    seq: int | None = connection.execute(select(func.max(schema.scan.c.seq))).scalar_one()
    return seq


def find(connection: Connection, scan_id: str | None) -> int:
    """The number of the named scan, or of the latest. Raises StoreError, which lists the scans, if there is none."""
    newest = latest(connection)
    if newest is None:
        raise StoreError(f"the store {where(connection.engine)} has no scan yet", hint="`muster scan` makes one")
    seq = newest if scan_id is None else _number(connection, scan_id, is_kept())
    if seq is None:
        newest_first = select(schema.scan.c.id).where(is_kept()).order_by(schema.scan.c.seq.desc()).limit(SCANS_NAMED)
        known = ", ".join(map(printable, connection.execute(newest_first).scalars()))
        raise StoreError(
            f"the store {where(connection.engine)} has no scan {printable(str(scan_id))}",
            hint=f"newest first, it has: {known}",
        )
    return seq


def _number(connection: Connection, scan_id: str, *conditions: ColumnElement[bool]) -> int | None:
    wanted = select(schema.scan.c.seq).where(schema.scan.c.id == scan_id, *conditions)
    return connection.execute(wanted).scalar_one_or_none()


def is_known(connection: Connection, scan_id: str) -> bool:
    """Whether a scan with this id was stored."""
    return _number(connection, scan_id) is not None


def frame(connection: Connection, seq: int) -> ScanResult:
    """The scan without its records. Raises DamagedRow."""
    row = connection.execute(select(schema.scan).where(schema.scan.c.seq == seq)).one()
    verify(schema.scan, tuple(row))
    sections = select(schema.coverage).where(schema.coverage.c.scan == seq).order_by(schema.coverage.c.position)
    coverage = []
    for section in connection.execute(sections):
        verify(schema.coverage, tuple(section))
        coverage.append(decode(_coverages, section.body, "coverage"))
    return ScanResult(
        scan=_info(row),
        summary=_summary(row),
        coverage=tuple(coverage),
        policy=decode(_policies, row.policy, f"policy of scan {row.id}"),
        notices=(*decode(_notices, row.notices, f"notices of scan {row.id}"), *_lacking(row)),
    )


class Setup(Struct, frozen=True, kw_only=True):
    """How a scan was set up, and what it counted. Of a row that was changed, only start and sources are known."""

    started_at: datetime
    sources: frozenset[str]
    version: str | None = None
    policy: Policy | None = None
    summary: Summary | None = None
    ends: tuple[FileEnd, ...] = ()


def setup(connection: Connection, seq: int) -> Setup:
    """The set-up of a scan. A damaged row must not end the next scan: then only start and sources are known."""
    row = connection.execute(select(schema.scan).where(schema.scan.c.seq == seq)).one()
    named = select(schema.coverage.c.source).where(schema.coverage.c.scan == seq).distinct()
    sources, started = frozenset(connection.execute(named).scalars()), datetime.fromisoformat(row.started_at)
    if not is_sound(schema.scan, tuple(row)):
        return Setup(started_at=started, sources=sources)
    return Setup(
        started_at=started,
        sources=sources,
        version=row.version,
        policy=decode(_policies, row.policy, f"policy of scan {row.id}"),
        summary=_summary(row),
        ends=decode(_counted, row.summary, f"summary of scan {row.id}").ends,
    )


def _lacking(row: Row[Any]) -> tuple[str, ...]:
    damaged = counted(row.removed, "record of this scan was", "records of this scan were")
    what = f"{damaged} damaged in the store, and a repair removed {either(row.removed, 'it', 'them')}"
    return (what,) if row.removed > 0 else ()


def refuse_incomplete_load(connection: Connection, seq: int, loaded: ScanResult) -> None:
    """Raise DamagedRow if the number of records differs from the number saved, minus those that a repair removed."""
    scan = schema.scan.c
    saved_with = select(scan.records - scan.removed).where(scan.seq == seq)
    if (there := _records_in(loaded)) != (expected := connection.execute(saved_with).scalar_one()):
        raise DamagedRow(incomplete(loaded.scan.id, there, expected), hint=HINT)


def incomplete(scan_id: str, there: int, expected: int) -> str:
    """The message for a scan with another number of records than it was saved with."""
    return (
        f"the store's scan {printable(scan_id)} has {counted(there, 'record', 'records')} instead of {expected:,}: "
        "rows were removed, added or changed outside Muster"
    )


def _records_in(result: ScanResult) -> int:
    lists = (result.identities, result.secrets, result.workloads, result.assignments, result.exposures)
    return sum(map(len, (*lists, result.entries, result.findings)))


def scans_up_to(connection: Connection, seq: int, most: int) -> dict[int, StoredScan]:
    """That scan and its predecessors, at most ``most``, in the order they were stored."""
    newest_first = select(schema.scan).where(schema.scan.c.seq <= seq).order_by(schema.scan.c.seq.desc()).limit(most)
    return {row.seq: _stored(row) for row in reversed(connection.execute(newest_first).all())}


def kept_scans(connection: Connection) -> tuple[StoredScan, ...]:
    """All scans that were not pruned, in the order they were stored."""
    return tuple(scan for _, scan in kept_by_number(connection))


def kept_by_number(connection: Connection) -> list[tuple[int, StoredScan]]:
    """All scans that were not pruned with their numbers, in the order they were stored."""
    rows = connection.execute(select(schema.scan).where(is_kept()).order_by(schema.scan.c.seq))
    return [(row.seq, _stored(row)) for row in rows]


def heads_of_scans(connection: Connection) -> Iterator[Printed]:
    """The heads of the log of decisions that scans were stored with."""
    for _, scan in kept_by_number(connection):
        if (head := scan.counts.decisions) is not None:
            yield Printed(head=head.head, count=head.count, source=f"the head in scan {printable(scan.id)}")


class StartTimes(dict[int, datetime]):
    """The start of each scan, by number. Raises DamagedRow for a scan that the store has lost."""

    def __missing__(self, seq: int) -> datetime:
        raise DamagedRow(f"the store has lost scan number {seq}", hint=HINT)


def start_times(connection: Connection) -> StartTimes:
    """The start of each scan, by number."""
    rows = connection.execute(select(schema.scan.c.seq, schema.scan.c.started_at))
    return StartTimes({row.seq: datetime.fromisoformat(row.started_at) for row in rows})


def started_before(connection: Connection, scan_id: str) -> datetime:
    """The start of the last scan stored before the named one; the named one's own start if there is none."""
    seq, scan = find(connection, scan_id), schema.scan.c
    before = select(scan.started_at).where(scan.seq <= seq, scan.forgot.is_(None)).order_by(scan.seq.desc()).limit(2)
    return datetime.fromisoformat(connection.execute(before).scalars().all()[-1])


def forgettings(connection: Connection) -> frozenset[int]:
    """Numbers of ``history forget`` in the table of scans: rows that ended with them were forgotten."""
    return frozenset(connection.execute(select(schema.scan.c.seq).where(schema.scan.c.forgot.is_not(None))).scalars())


def _stored(row: Row[Any]) -> StoredScan:
    info, counts = _info(row), _summary(row)
    return StoredScan(
        id=info.id,
        started_at=info.started_at,
        finished_at=info.finished_at,
        version=info.version,
        counts=counts,
        forgot=None if row.forgot is None else decode(_forgotten, row.forgot, f"forgotten place of {row.id}"),
    )


def _info(row: Row[Any]) -> ScanInfo:
    return ScanInfo(
        id=row.id,
        started_at=datetime.fromisoformat(row.started_at),
        finished_at=datetime.fromisoformat(row.finished_at),
        version=row.version,
        inputs=decode(_inputs, row.inputs, f"inputs of scan {row.id}"),
    )


def _summary(row: Row[Any]) -> Summary:
    counts = decode(_summaries, row.summary, f"summary of scan {row.id}")
    most_severe_first = {severity: counts.findings[severity] for severity in SEVERITIES if severity in counts.findings}
    return msgspec.structs.replace(counts, findings=most_severe_first)


def _text(value: object) -> str:
    return encode(value, "the scan").decode()


# --- The scan that a command line names: by id, by day, or the latest ---

COMPARED = 2
"""The number of scans that a comparison needs."""
LATEST = "latest"
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")


def named(connection: Connection, text: str) -> int:
    """The number of a scan: ``latest``, an id, or a day for the last scan up to its end in UTC.

    Raises UsageError for a day that does not exist, StoreError for a scan that the store does not have.
    """
    if text == LATEST:
        return find(connection, None)
    return _up_to(connection, text) if _DAY.fullmatch(text) else find(connection, text)


def two_latest(connection: Connection) -> tuple[int, int]:
    """The numbers of the two latest scans, the older first. Raises StoreError if there is only one."""
    newest = select(schema.scan.c.seq).where(is_kept()).order_by(schema.scan.c.seq.desc()).limit(COMPARED)
    found = list(connection.execute(newest).scalars())
    if len(found) < COMPARED:
        find(connection, None)
        raise StoreError(
            f"the store {where(connection.engine)} has only one scan so far, and nothing to compare it with",
            hint="scan again, then ask what changed",
        )
    return found[1], found[0]


def _up_to(connection: Connection, text: str) -> int:
    try:
        end = date.fromisoformat(text) + timedelta(days=1)
    except (ValueError, OverflowError) as error:
        raise UsageError(f"there is no day {text}", hint="give it as 2026-11-25") from error
    scan = schema.scan.c
    # Times are ISO 8601 in UTC, which sorts as text.
    begun = select(scan.seq).where(is_kept(), scan.started_at < end.isoformat())
    seq: int | None = connection.execute(begun.order_by(scan.seq.desc()).limit(1)).scalar_one_or_none()
    if seq is None:
        find(connection, None)
        raise StoreError(f"the store has no scan up to {text}", hint="`muster history` lists those it has")
    return seq
