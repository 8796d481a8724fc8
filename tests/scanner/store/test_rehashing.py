"""A store whose hashes were made in another way, by an earlier version: only a shortcut is lost, nothing else."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from hypothesis import given
from sqlalchemy import Connection, select, update

from scanner.model import ScanResult
from scanner.store.bodies import keep
from scanner.store.engine import connect, writing
from scanner.store.intervals import read_in_order, write
from scanner.store.kinds import ENTRIES, FINDINGS, IDENTITIES
from scanner.store.migrations import migrate
from tests.examples import examples
from tests.scanner.store.rows import number_scans, seal_anew
from tests.scanner.store.strategies import scan_sequences

SCANS = 4
KINDS = (IDENTITIES, ENTRIES, FINDINGS)


@contextmanager
def empty_store() -> Iterator[Connection]:
    """A transaction in an empty store that has numbers for so many scans."""
    engine = connect("sqlite://", create=True)
    migrate(engine)
    with writing(engine) as connection:
        number_scans(connection, range(1, SCANS + 1))
        yield connection
    engine.dispose()


def save(connection: Connection, seq: int, result: ScanResult) -> None:
    """Write what is compared here of a scan."""
    keep(connection, result.findings)
    write(
        connection,
        seq,
        [(IDENTITIES, result.identities), (ENTRIES, result.entries), (FINDINGS, result.findings)],
    )


def rows(connection: Connection) -> list[tuple[Any, ...]]:
    """Every version of every record, with its interval and its hash."""
    return [
        tuple(row) for kind in KINDS for row in connection.execute(select(kind.versions).order_by("key", "first_scan"))
    ]


@given(results=scan_sequences())
@examples(10)
def test_scans_are_stored_the_same_whatever_the_hashes_were(results: list[ScanResult]) -> None:
    """Every scan ends in the same rows, and in the same hashes where something holds, as if these had always been."""
    with empty_store() as usual, empty_store() as earlier:
        for seq, result in enumerate(results, start=1):
            for kind in KINDS:
                earlier.execute(update(kind.versions).where(kind.versions.c.until_scan.is_(None)).values(hash="other"))
                seal_anew(earlier, kind.versions)
            save(usual, seq, result)
            save(earlier, seq, result)

        assert [row[:3] + row[4:-1] for row in rows(earlier)] == [row[:3] + row[4:-1] for row in rows(usual)]
        assert [row for row in rows(earlier) if row[2] is None] == [row for row in rows(usual) if row[2] is None]
        for seq, result in enumerate(results, start=1):
            assert read_in_order(earlier, IDENTITIES, seq) == result.identities
            assert read_in_order(earlier, ENTRIES, seq) == result.entries
            assert read_in_order(earlier, FINDINGS, seq) == result.findings
