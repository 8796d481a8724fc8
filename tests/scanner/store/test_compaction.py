"""Giving back what pruning freed: when it is worth it, and never in a reader's way."""

from __future__ import annotations

from pathlib import Path

import pytest
from msgspec.structs import replace

from scanner.model import ScanResult
from scanner.store.store import open_store
from tests.contract.test_stores import night
from tests.factories import NOW, days_ago, make_assessment, make_identity

MEGABYTE = 1_000_000


def _nights(size: int) -> list[ScanResult]:
    """Three nights that have nothing alike; each but the last is of so many megabytes."""
    return [
        replace(
            night(-3 + number),
            identities=tuple(
                make_assessment(make_identity(f"svc-{number}-{place}", description=f"{number}" * MEGABYTE))
                for place in range(size if number < 2 else 1)
            ),
        )
        for number in range(3)
    ]


@pytest.mark.parametrize(("size", "shrinks"), [(15, True), (5, False)])
def test_a_file_shrinks_when_it_is_worth_it(tmp_path: Path, size: int, shrinks: bool) -> None:
    """What little is free is filled again by scans to come."""
    file = tmp_path / "muster.db"
    *old, last = _nights(size)
    with open_store(f"sqlite:///{file}") as store:
        for result in (*old, last):
            store.save(result)
    before = file.stat().st_size
    with open_store(f"sqlite:///{file}") as store:
        assert store.prune(days_ago(1), NOW).scans == 2
        assert store.load() == last

    assert before > 2 * size * MEGABYTE
    assert (file.stat().st_size < before / 5) is shrinks


def test_readers_go_on_meanwhile(tmp_path: Path) -> None:
    """One that began before sees what it began with, and no one waits."""
    url = f"sqlite:///{tmp_path / 'muster.db'}"
    *old, last = _nights(15)
    with open_store(url) as store, open_store(url) as reader:
        for result in (*old, last):
            store.save(result)
        with reader.comparison("night--3", "night--2") as between:
            assert between.old.scan.id == "night--3"
            store.prune(days_ago(1), NOW)
            assert sum(before is not None for before, _ in between.identities()) == 15
        assert [scan.id for scan in reader.scans()] == ["night--1"]
        assert reader.load() == last
