"""Verify and repair a whole store: ``muster store check [--repair]``.

If the body of a version still matches its ``hash``, its other columns are restored from it. Any other damaged row is
removed, and the scans that had it report how many records they lack. The next scan that reads the place stores the
record again.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import msgspec
from msgspec import Struct
from sqlalchemy import Connection, Engine, Row, Select, Table, and_, delete, func, or_, select, update

from scanner.model import Coverage
from scanner.model.decisions import Act, Actor
from scanner.store import schema
from scanner.store.activity import care
from scanner.store.bodies import damaged_wordings, encode
from scanner.store.chain import Printed
from scanner.store.decisions import check_log, log
from scanner.store.engine import bulk_insert, damaged, database_of, reading, store_errors, writing
from scanner.store.integrity import ACTIVITY, CHECKED, EVIDENCE, INTERVALS, RECORDS, Values, checksum, named
from scanner.store.intervals import recovered, unmoved_rows, version_row
from scanner.store.kinds import (
    ASSIGNMENTS,
    ENTRIES,
    EXPOSURES,
    FINDINGS,
    IDENTITIES,
    SECRETS,
    WORKLOADS,
    RecordKind,
    Shared,
)
from scanner.store.policies import damaged_policies, delete_lists, lost_policies, referring
from scanner.store.scans import heads_of_scans
from scanner.text import counted, printable

_KINDS: Mapping[str, RecordKind[Any]] = {
    kind.versions.name: kind for kind in (IDENTITIES, SECRETS, WORKLOADS, ASSIGNMENTS, EXPOSURES, ENTRIES, FINDINGS)
}
_OF_SCANS = tuple(table for table in CHECKED if table not in (*ACTIVITY, *EVIDENCE))
_NO_TIME = "1970-01-01T00:00:00+00:00"
_POLICY = "what the policy {} allows does not match its hash"
_LOST_POLICY = "what the policy {} allows is lost"
_FORGOTTEN = "removed, also from its identities; the next scan stores it again"
_UNKNOWN_COVERAGE = "this record was damaged in the store: how completely the section was read is unknown"


class Problem(Struct, frozen=True, kw_only=True):
    """A problem in the store. ``repaired`` says what the repair did; None if nothing.

    ``is_evidence``: of a row that is never repaired.
    """

    what: str
    repaired: str | None = None
    is_evidence: bool = False


def check(engine: Engine, printed: Sequence[Printed] = ()) -> tuple[Problem, ...]:
    """Every problem of the store. Raises StoreError if it cannot be read at all.

    ``printed``: heads that the log of decisions must continue.
    """
    with store_errors(engine):
        own = [Problem(what=fault) for fault in database_of(engine).damage(engine)]
    with reading(engine) as connection:
        rows = [Problem(what=_mismatch(table, row)) for table in _OF_SCANS for row in damaged(connection, table)]
        activity = [Problem(what=what) for what in care.find_damage(connection).words]
        lost = [Problem(what=f"scan number {seq} is lost") for seq in _lost_scans(connection)]
        broken = [Problem(what=what) for _, _, _, what in _broken_intervals(connection)]
        evidence = _damaged_evidence(connection, printed)
        return (
            *own,
            *lost,
            *rows,
            *_lost_wordings(connection),
            *(Problem(what=_POLICY.format(name)) for name in damaged_policies(connection)),
            *(Problem(what=_LOST_POLICY.format(name)) for name in lost_policies(connection)),
            *broken,
            *_incomplete(connection),
            *activity,
            *evidence,
        )


def repair(engine: Engine, actor: Actor, printed: Sequence[Printed] = ()) -> tuple[Problem, ...]:
    """Repair what can be repaired, in one transaction. On PostgreSQL this needs the owner's role.

    The log of decisions records who did, and is itself never repaired.
    """
    with store_errors(engine):
        own = list(database_of(engine).damage(engine))
        left = set(database_of(engine).rebuild_indexes(engine) if own else ())
    problems = [Problem(what=fault, repaired=None if fault in left else "indexes rebuilt") for fault in own]
    with writing(engine) as connection:
        for seq in _lost_scans(connection):
            _insert_placeholder(connection, seq)
            problems.append(Problem(what=f"scan number {seq} is lost", repaired="treated as pruned"))
        problems += _repair_policies(connection)
        shared = Shared(connection)
        for table in _OF_SCANS:
            rows = damaged(connection, table)
            problems += [
                Problem(what=_mismatch(table, row), repaired=_repair_row(connection, table, row, shared))
                for row in rows
            ]
        problems += _lost_wordings(connection)
        for table, key, first, what in list(_broken_intervals(connection)):
            problems.append(Problem(what=what, repaired=_correct_end(connection, table, key, first)))
        for seq, what, missing in list(_scans_with_wrong_counts(connection)):
            short = update(schema.scan).where(schema.scan.c.seq == seq)
            connection.execute(short.values(removed=schema.scan.c.removed + missing))
            problems.append(Problem(what=what, repaired="its reports say so"))
        problems += _damaged_evidence(connection, printed)
        now = datetime.now(UTC).replace(microsecond=0)
        problems += [Problem(what=what, repaired=done) for what, done in care.repair(connection, now)]
        if mended := sum(problem.repaired is not None for problem in problems):
            after = counted(mended, "problem", "problems")
            log(connection, [Act(what="repaired", actor=actor, at=now, after=after)])
    return tuple(problems)


def _mismatch(table: Table, row: Values) -> str:
    return f"{named(table, row)} does not match its checksum"


def _repair_row(connection: Connection, table: Table, row: Values, shared: Shared) -> str | None:
    """Repair one damaged row; returns what was done."""
    if table is schema.scan:
        return None
    if table is schema.coverage:
        unknown = Coverage(
            source=row[2], provider="", scope=row[3], section=row[4], status="failed", detail=_UNKNOWN_COVERAGE
        )
        body = encode(unknown, "coverage").decode()
        values = (*row[:5], "failed", body)
        chosen = update(table).where(table.c.scan == row[0], table.c.position == row[1])
        connection.execute(chosen.values(status="failed", body=body, checksum=checksum(table, values)))
        return "its section counts as not read"
    this_row = and_(table.c.key == row[0], table.c.first_scan == row[1])
    if kind := _KINDS.get(table.name):
        stored = connection.execute(unmoved_rows(kind).where(this_row)).one()
        record = recovered(kind, stored, shared)
        if record is not None:
            _rewrite(connection, kind, record, stored)
            return "restored from its body"
    connection.execute(delete(table).where(this_row))
    if table in RECORDS:
        scan = schema.scan.c
        had = scan.seq >= row[1] if row[2] is None else and_(scan.seq >= row[1], scan.seq < row[2])
        connection.execute(update(schema.scan).where(had).values(removed=scan.removed + 1))
    return "removed; the next scan that reads its place stores it again"


def _repair_policies(connection: Connection) -> list[Problem]:
    """Take lists that were changed or lost from all identities that have them, so that these load without."""
    changed = damaged_policies(connection)
    delete_lists(connection, changed)
    lost = lost_policies(connection)
    table, kind, gone, shared = schema.identity, IDENTITIES, set(lost), Shared(connection)
    having = [one for one in referring(connection) if not gone.isdisjoint(one[2].values())]
    unsound = {(row[0], row[1]) for row in damaged(connection, table)} if having else set()
    for key, first, allowed in having:
        if (key, first) in unsound:
            continue
        this_row = and_(table.c.key == key, table.c.first_scan == first)
        stored = connection.execute(unmoved_rows(kind).where(this_row)).one()
        body = msgspec.json.decode(stored.body)
        body["allowed"] = {name: one for name, one in allowed.items() if one not in gone}
        connection.execute(update(table).where(this_row).values(body=encode(body, key).decode()))
        stored = connection.execute(unmoved_rows(kind).where(this_row)).one()
        _rewrite(connection, kind, kind.load(stored, shared), stored)
    what = dict.fromkeys(changed, _POLICY) | {name: _LOST_POLICY for name in lost if name not in changed}
    return [Problem(what=text.format(name), repaired=_FORGOTTEN) for name, text in sorted(what.items())]


def _rewrite(connection: Connection, kind: RecordKind[Any], record: Any, stored: Row[Any]) -> None:
    """Store a record in place of a row of it."""
    table = kind.versions
    right = version_row(kind, stored.first_scan, stored.key, record)
    columns = [column.name for column in table.c][3:]
    whole = dict(zip(columns, (*right[3:], checksum(table, right)), strict=True))
    this_row = and_(table.c.key == stored.key, table.c.first_scan == stored.first_scan)
    connection.execute(update(table).where(this_row).values(whole))


def _lost_wordings(connection: Connection) -> Iterator[Problem]:
    for name in damaged_wordings(connection):
        yield Problem(what=printable(f"wording {name} does not match its hash"))


def _damaged_evidence(connection: Connection, printed: Sequence[Printed]) -> Iterator[Problem]:
    """Damaged rows of evidence, which are never repaired: a changed record is no evidence."""
    for fault in check_log(connection, (*printed, *heads_of_scans(connection))).faults:
        yield Problem(what=printable(fault), is_evidence=True)
    for table in EVIDENCE:
        for row in damaged(connection, table):
            yield Problem(what=_mismatch(table, row), is_evidence=True)


def _lost_scans(connection: Connection) -> list[int]:
    """Numbers of scans that rows refer to and that do not exist."""
    bounds = [column for table in INTERVALS for column in (table.c.first_scan, table.c.until_scan)]
    referred = {seq for column in bounds for seq in connection.execute(select(column).distinct()).scalars()}
    return sorted(referred - {None} - set(connection.execute(select(schema.scan.c.seq)).scalars()))


def _insert_placeholder(connection: Connection, seq: int) -> None:
    """A row for a lost scan, marked as pruned, with the start of the next scan, since its own is lost."""
    scan = schema.scan.c
    nearest = select(scan.started_at).order_by(func.abs(scan.seq - seq)).limit(1)
    started = connection.execute(nearest).scalar() or _NO_TIME
    row = (seq, f"lost-{seq}", started, started, "", "{}", "{}", "[]", "[]", 0, None, started, 0)
    bulk_insert(connection, schema.scan, [row])


def _broken_intervals(connection: Connection) -> Iterator[tuple[Table, str, int, str]]:
    """For each broken interval: table, key, first scan, and the problem."""
    for table in INTERVALS:
        for key, first, until in connection.execute(_overlapping(table)):
            bounds = f"from scan number {first} to {'now' if until is None else until}"
            what = f"{table.name.replace('_', ' ')} {key} holds {bounds}, which cannot be"
            yield table, key, first, printable(what)


def _correct_end(connection: Connection, table: Table, key: str, first: int) -> str:
    """End an interval where the next one of its key begins. Without a next one, leave it open."""
    following = select(func.min(table.c.first_scan)).where(table.c.key == key, table.c.first_scan > first)
    until = connection.execute(following).scalar()
    this_row = and_(table.c.key == key, table.c.first_scan == first)
    connection.execute(update(table).where(this_row).values(until_scan=until))
    return "holds to now" if until is None else f"holds to scan number {until}"


def _overlapping(table: Table) -> Select[Any]:
    """Rows that end before they begin, or after the next one of their key began."""
    following = table.alias("following")
    overlaps = and_(
        following.c.key == table.c.key,
        following.c.first_scan > table.c.first_scan,
        or_(table.c.until_scan.is_(None), following.c.first_scan < table.c.until_scan),
    )
    broken = or_(table.c.until_scan <= table.c.first_scan, select(following.c.key).where(overlaps).exists())
    return select(table.c.key, table.c.first_scan, table.c.until_scan).where(broken)


def _incomplete(connection: Connection) -> Iterator[Problem]:
    for _, what, _ in _scans_with_wrong_counts(connection):
        yield Problem(what=what)


def _scans_with_wrong_counts(connection: Connection) -> Iterator[tuple[int, str, int]]:
    """Scans with another number of records than saved: number of the scan, message, how many are missing."""
    scan = schema.scan.c
    kept = connection.execute(select(schema.scan).where(scan.pruned_at.is_(None)).order_by(scan.seq)).all()
    there = _records_by_scan(connection, max((row.seq for row in kept), default=0))
    for row in kept:
        missing = row.records - row.removed - there[row.seq]
        if missing:
            saved = counted(row.records, "record", "records")
            what = f"scan {row.id} was saved with {saved}; the store has {there[row.seq]:,}"
            yield row.seq, printable(what), missing


def _records_by_scan(connection: Connection, last: int) -> dict[int, int]:
    """The number of records of each scan: records that began by then, minus records that ended by then."""
    changes = Counter[int]()
    for table in RECORDS:
        for column, sign in ((table.c.first_scan, 1), (table.c.until_scan, -1)):
            counted = select(column, func.count()).where(column.is_not(None)).group_by(column)
            for seq, number in connection.execute(counted):
                changes[seq] += sign * number
    there, running = {}, 0
    for seq in range(1, last + 1):
        running += changes[seq]
        there[seq] = running
    return there
