"""What a scan writes: what changed, and no more."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from msgspec.structs import replace
from sqlalchemy import Connection, Table, event, select, update

from scanner.model import Assessment, EntryAssessment, Origin
from scanner.store import schema
from scanner.store.bodies import keep
from scanner.store.engine import connect, reading, writing
from scanner.store.intervals import BATCH, differences, read_in_order, write
from scanner.store.kinds import ENTRIES, FINDINGS, IDENTITIES, R, RecordKind
from scanner.store.migrations import migrate
from tests.factories import NOW, make_assessment, make_entry, make_finding, make_identity
from tests.scanner.store.rows import number_scans, seal_anew

alpha, beta, gamma = (make_assessment(make_identity(name, key=name)) for name in ("alpha", "beta", "gamma"))
first, second = (make_finding(fingerprint=name) for name in ("f1", "f2"))


@pytest.fixture
def connection() -> Iterator[Connection]:
    """A transaction in an empty store that has numbers for four scans."""
    engine = connect("sqlite://", create=True)
    migrate(engine)
    with writing(engine) as connection:
        number_scans(connection, range(1, 5))
        yield connection
    engine.dispose()


def intervals(connection: Connection, table: Table) -> list[tuple[Any, ...]]:
    """Key, first and until of every row."""
    columns = table.c.key, table.c.first_scan, table.c.until_scan
    return [tuple(row) for row in connection.execute(select(*columns).order_by(*columns))]


def save(connection: Connection, kind: RecordKind[R], *scans: tuple[R, ...]) -> None:
    """Write one kind's records, scan after scan."""
    for seq, records in enumerate(scans, start=1):
        keep(connection, [first, second])
        write(connection, seq, [(kind, records)])


def used(assessment: Assessment) -> Assessment:
    """The same, used today."""
    identity = replace(assessment.identity, last_used_at=NOW)
    return replace(
        assessment,
        identity=identity,
        usage=replace(assessment.usage, last_used_at=NOW, evidence=f"used {NOW:%Y-%m-%d}"),
    )


def tagged(assessment: Assessment, **tags: str) -> Assessment:
    """The same with tags."""
    return replace(assessment, identity=replace(assessment.identity, tags=tags))


def test_a_row_is_open_until_it_changes(connection: Connection) -> None:
    """What stays has one row; what changes gets another; what goes is closed; what returns is opened again."""
    changed = tagged(beta, owner="ada")

    save(connection, IDENTITIES, (alpha, beta), (alpha, changed, gamma), (alpha, changed), (alpha, gamma))

    assert intervals(connection, schema.identity) == [
        ("alpha", 1, None),
        ("beta", 1, 2),
        ("beta", 2, 4),
        ("gamma", 2, 3),
        ("gamma", 4, None),
    ]


def test_use_alone_writes_only_a_sighting(connection: Connection) -> None:
    """An identity that was used is sighted anew, not stored anew."""
    save(connection, IDENTITIES, (alpha, beta), (used(alpha), beta))

    assert intervals(connection, schema.identity) == [("alpha", 1, None), ("beta", 1, None)]
    assert intervals(connection, schema.identity_sighting) == [("alpha", 1, 2), ("alpha", 2, None), ("beta", 1, None)]


def test_new_findings_are_stored_once(connection: Connection) -> None:
    """A finding that is new in one scan and known in the next has one version, and a sighting while it is new."""
    save(connection, FINDINGS, (first,), (first, replace(second, new=True)), (first, second))

    assert intervals(connection, schema.finding) == [("f1", 1, None), ("f2", 2, None)]
    assert intervals(connection, schema.finding_sighting) == [("f2", 2, 3)]


def test_a_row_inserted_in_the_registry_changes_no_entry(connection: Connection) -> None:
    """Entries that only moved down the spreadsheet are not stored anew."""
    entry = EntryAssessment(entry=make_entry("svc-billing", id="NHI-1"), state="found")
    moved = replace(entry, entry=replace(entry.entry, origin=Origin(file="registry.csv", row=3)))

    save(connection, ENTRIES, (entry,), (moved,))

    assert intervals(connection, schema.entry) == [("NHI-1", 1, None)]
    assert read_in_order(connection, ENTRIES, 1) == (entry,)
    assert read_in_order(connection, ENTRIES, 2) == (moved,)


def test_the_order_of_tags_is_no_change(connection: Connection) -> None:
    """A provider that lists the same tags in another order has changed nothing."""
    save(connection, IDENTITIES, (tagged(alpha, a="1", b="2"),), (tagged(alpha, b="2", a="1"),))

    assert intervals(connection, schema.identity) == [("alpha", 1, None)]


def test_a_row_that_was_hashed_otherwise_stays(connection: Connection) -> None:
    """What an earlier version stored, with a hash of its own, is no change; from then on the hash gives it."""
    save(connection, IDENTITIES, (alpha, beta, gamma))
    connection.execute(update(schema.identity).values(hash="as it was made before"))
    seal_anew(connection, schema.identity)
    changed = tagged(beta, owner="ada")

    write(connection, 2, [(IDENTITIES, (alpha, changed))])
    hashes = connection.execute(select(schema.identity.c.hash).where(schema.identity.c.key == "alpha")).scalars().all()

    assert intervals(connection, schema.identity) == [
        ("alpha", 1, None),
        ("beta", 1, 2),
        ("beta", 2, None),
        ("gamma", 1, 2),
    ]
    assert read_in_order(connection, IDENTITIES, 2) == (alpha, changed)
    assert len(hashes) == 1
    assert hashes[0] != "as it was made before"


def test_a_number_of_any_size_is_distinguished(connection: Connection) -> None:
    """An export may hold integers of more than 64 bits; one that changes is a change."""
    large, larger = (replace(alpha, identity=replace(alpha.identity, attributes={"n": 2**70 + n})) for n in (0, 1))

    save(connection, IDENTITIES, (large,), (large,), (larger,))

    assert intervals(connection, schema.identity) == [("alpha", 1, 3), ("alpha", 3, None)]
    assert read_in_order(connection, IDENTITIES, 2) == (large,)
    assert read_in_order(connection, IDENTITIES, 3) == (larger,)


def test_what_comes_and_goes_between_moves_nothing(connection: Connection) -> None:
    """Keys that come and go before others leave these as they are."""
    one, two, three, four, five = (replace(first, fingerprint=name) for name in "abcde")

    save(connection, FINDINGS, (two, four), (one, two, four), (one, three, four, five), (four,))

    assert intervals(connection, schema.finding) == [
        ("a", 2, 4),
        ("b", 1, 3),
        ("c", 3, 4),
        ("d", 1, None),
        ("e", 3, 4),
    ]


def test_order_is_kept_where_it_is_another_than_usual(connection: Connection) -> None:
    """An order of its own is stored while it lasts; findings highest severity first take no room."""
    save(connection, FINDINGS, (first, second), (second, first), (second, first), (first, second))

    assert intervals(connection, schema.ordering) == [("finding", 2, 4)]
    assert [read_in_order(connection, FINDINGS, seq) for seq in (1, 2, 3, 4)] == [
        (first, second),
        (second, first),
        (second, first),
        (first, second),
    ]


def test_more_than_a_batch(connection: Connection) -> None:
    """States larger than what is held at a time are written, compared and closed whole."""
    many = tuple(replace(first, fingerprint=f"{number:08}") for number in range(2 * BATCH + 3))

    save(connection, FINDINGS, many, many[1:])

    assert read_in_order(connection, FINDINGS, 1) == many
    assert read_in_order(connection, FINDINGS, 2) == many[1:]
    assert len(intervals(connection, schema.finding)) == len(many)


def test_more_than_a_batch_between_two(connection: Connection) -> None:
    """Many that are new between two that stay and one that goes are written, and those two stay as they are."""
    many = tuple(replace(first, fingerprint=f"{number:08}") for number in range(2 * BATCH + 3))
    gone = replace(first, fingerprint=f"{BATCH:08}-")

    save(connection, FINDINGS, (many[0], gone, many[-1]), many)

    assert read_in_order(connection, FINDINGS, 2) == many
    assert len(intervals(connection, schema.finding)) == len(many) + 1
    assert [row for row in intervals(connection, schema.finding) if row[1] == 1] == [
        ("00000000", 1, None),
        (gone.fingerprint, 1, 2),
        (many[-1].fingerprint, 1, None),
    ]


def test_changes_are_found_without_reading_bodies() -> None:
    """What a scan compares comes from an index alone, however large the bodies are."""
    engine = connect("sqlite://", create=True)
    migrate(engine)
    table = schema.identity
    asked: list[str] = []

    def listen(_connection: Connection, _cursor: object, statement: str, *_: object) -> None:
        asked.append(statement)

    with reading(engine) as connection:
        event.listen(engine, "before_cursor_execute", listen)
        list(differences(connection, table.c.hash, [], lambda *_: []))
        event.remove(engine, "before_cursor_execute", listen)
        plan = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {asked[-1]}", (BATCH, 0)).all()
    engine.dispose()

    assert "USING COVERING INDEX identity_open" in plan[0].detail
