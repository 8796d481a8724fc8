"""Checking a whole store, and mending what can be mended: ``muster store check [--repair]``.

A version whose body still hashes to what its ``hash`` says gets its other columns back. A row that cannot be trusted is
taken out, and the scans that had it say how many records they lack; the next scan that reads the place stores it anew.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from msgspec import Struct
from sqlalchemy import Connection, Engine, Select, Table, and_, delete, func, or_, select, update

from scanner.model import Coverage
from scanner.store import schema
from scanner.store.bodies import Wording, all_wordings, encode, misnamed
from scanner.store.engine import bulk_insert, database_of, faults_told, reading, writing
from scanner.store.integrity import CHECKED, INTERVALS, RECORDS, Values, checksum, damaged, named
from scanner.store.intervals import recovered, unmoved_rows, version_row
from scanner.store.kinds import ASSIGNMENTS, ENTRIES, FINDINGS, IDENTITIES, SECRETS, WORKLOADS, RecordKind
from scanner.text import printable

_KINDS: Mapping[str, RecordKind[Any]] = {
    kind.versions.name: kind for kind in (IDENTITIES, SECRETS, WORKLOADS, ASSIGNMENTS, ENTRIES, FINDINGS)
}
_NO_TIME = "1970-01-01T00:00:00+00:00"
_UNKNOWN_COVERAGE = "this record was damaged in the store: how completely the section was read is unknown"


class Problem(Struct, frozen=True, kw_only=True):
    """A fault of the store. ``repaired`` says what was done about it, None where nothing was."""

    what: str
    repaired: str | None = None


def check(engine: Engine) -> tuple[Problem, ...]:
    """All that is wrong with the store. Raises StoreError where it cannot be read at all."""
    with faults_told(engine):
        own = [Problem(what=fault) for fault in database_of(engine).damage(engine)]
    with reading(engine) as connection:
        rows = [Problem(what=_mismatch(table, row)) for table in CHECKED for row in damaged(connection, table)]
        lost = [Problem(what=f"scan number {seq} is lost") for seq in _lost_scans(connection)]
        broken = [Problem(what=what) for _, _, _, what in _broken_intervals(connection)]
        return (*own, *lost, *rows, *_lost_wordings(connection), *broken, *_incomplete(connection))


def repair(engine: Engine) -> tuple[Problem, ...]:
    """As :func:`check`, and mends what it can, all in one transaction. On PostgreSQL that takes the owner's role."""
    with faults_told(engine):
        own = list(database_of(engine).damage(engine))
        left = set(database_of(engine).mend(engine) if own else ())
    problems = [Problem(what=fault, repaired=None if fault in left else "indexes made anew") for fault in own]
    with writing(engine) as connection:
        for seq in _lost_scans(connection):
            _stand_in_for(connection, seq)
            problems.append(Problem(what=f"scan number {seq} is lost", repaired="counts as pruned"))
        wordings = all_wordings(connection)
        for table in CHECKED:
            rows = damaged(connection, table)
            problems += [
                Problem(what=_mismatch(table, row), repaired=_mend(connection, table, row, wordings)) for row in rows
            ]
        problems += _lost_wordings(connection)
        for table, key, first, what in list(_broken_intervals(connection)):
            problems.append(Problem(what=what, repaired=_end_rightly(connection, table, key, first)))
        for seq, what, missing in list(_scans_that_lack(connection)):
            short = update(schema.scan).where(schema.scan.c.seq == seq)
            connection.execute(short.values(removed=schema.scan.c.removed + missing))
            problems.append(Problem(what=what, repaired="its reports say so"))
    return tuple(problems)


def _mismatch(table: Table, row: Values) -> str:
    return f"{named(table, row)} does not match its checksum"


def _mend(connection: Connection, table: Table, row: Values, wordings: Mapping[str, Wording]) -> str | None:
    """What was done about a damaged row."""
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
    its_own = and_(table.c.key == row[0], table.c.first_scan == row[1])
    if kind := _KINDS.get(table.name):
        stored = connection.execute(unmoved_rows(kind).where(its_own)).one()
        record = recovered(kind, stored, wordings)
        if record is not None:
            right = version_row(kind, row[1], row[0], stored.hash, record)
            columns = [column.name for column in table.c][3:]
            whole = dict(zip(columns, (*right[3:], checksum(table, right)), strict=True))
            connection.execute(update(table).where(its_own).values(whole))
            return "written anew from its body"
    connection.execute(delete(table).where(its_own))
    if table in RECORDS:
        scan = schema.scan.c
        had = scan.seq >= row[1] if row[2] is None else and_(scan.seq >= row[1], scan.seq < row[2])
        connection.execute(update(schema.scan).where(had).values(removed=scan.removed + 1))
    return "removed; the next scan that reads its place stores it anew"


def _lost_wordings(connection: Connection) -> Iterator[Problem]:
    for name in misnamed(connection):
        yield Problem(what=printable(f"wording {name} does not match its hash"))


def _lost_scans(connection: Connection) -> list[int]:
    """Numbers of scans that rows refer to and that are not there."""
    bounds = [column for table in INTERVALS for column in (table.c.first_scan, table.c.until_scan)]
    referred = {seq for column in bounds for seq in connection.execute(select(column).distinct()).scalars()}
    return sorted(referred - {None} - set(connection.execute(select(schema.scan.c.seq)).scalars()))


def _stand_in_for(connection: Connection, seq: int) -> None:
    """A row as that of a pruned scan, with the start of the scan next to it, since nothing better is known."""
    scan = schema.scan.c
    nearest = select(scan.started_at).order_by(func.abs(scan.seq - seq)).limit(1)
    started = connection.execute(nearest).scalar() or _NO_TIME
    row = (seq, f"lost-{seq}", started, started, "", "{}", "{}", "[]", "[]", 0, None, started, 0)
    bulk_insert(connection, schema.scan, [row])


def _broken_intervals(connection: Connection) -> Iterator[tuple[Table, str, int, str]]:
    """Table, key and first scan of each, and what is wrong with it."""
    for table in INTERVALS:
        for key, first, until in connection.execute(_overlapping(table)):
            bounds = f"from scan number {first} to {'now' if until is None else until}"
            what = f"{table.name.replace('_', ' ')} {key} holds {bounds}, which cannot be"
            yield table, key, first, printable(what)


def _end_rightly(connection: Connection, table: Table, key: str, first: int) -> str:
    """End an interval where the next one of its key begins; without a next one it is open."""
    following = select(func.min(table.c.first_scan)).where(table.c.key == key, table.c.first_scan > first)
    until = connection.execute(following).scalar()
    its_own = and_(table.c.key == key, table.c.first_scan == first)
    connection.execute(update(table).where(its_own).values(until_scan=until))
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
    for _, what, _ in _scans_that_lack(connection):
        yield Problem(what=what)


def _scans_that_lack(connection: Connection) -> Iterator[tuple[int, str, int]]:
    """Scans with fewer or more records than they were saved with: number, words, how many are missing."""
    scan = schema.scan.c
    kept = connection.execute(select(schema.scan).where(scan.pruned_at.is_(None)).order_by(scan.seq)).all()
    there = _records_by_scan(connection, max((row.seq for row in kept), default=0))
    for row in kept:
        missing = row.records - row.removed - there[row.seq]
        if missing:
            what = f"scan {row.id} was saved with {row.records:,} records; the store has {there[row.seq]:,}"
            yield row.seq, printable(what), missing


def _records_by_scan(connection: Connection, last: int) -> dict[int, int]:
    """How many records each scan has: those that began by then, less those that ended by then."""
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
