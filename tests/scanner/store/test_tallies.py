"""What listing scans costs, in steps of the database's own machine: they do not depend on how busy this one is."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from sqlalchemy import Engine, event

from scanner.model import ScanInfo, ScanResult
from scanner.store.comparison import Tally
from scanner.store.store import Store, open_store
from tests.factories import NOW, make_assessment, make_identity, make_result

EVERY = 1_000
"""Steps between two counts."""


def night(number: int, identities: int) -> ScanResult:
    """A scan in which every identity is otherwise than the night before."""
    started = NOW + timedelta(days=number)
    found = [make_identity(f"bot-{place:05}", description=f"night {number}") for place in range(identities)]
    scan = ScanInfo(id=f"night-{number}", started_at=started, finished_at=started, version="1")
    return make_result(*map(make_assessment, found), scan=scan)


def steps_of_listing(identities: int) -> int:
    """Steps that it takes to list three scans, each of which changed that many identities."""
    counted = 0

    def count() -> int:
        nonlocal counted
        counted += EVERY
        return 0

    with open_store("sqlite://") as store:
        for number in range(3):
            store.save(night(number, identities))
        engine: Engine = store._engine

        @event.listens_for(engine, "checkout")
        def listen(connection: Any, *_: object) -> None:
            connection.set_progress_handler(count, EVERY)

        assert tallies(store)[0] == Tally(joined=0, changed=identities, left=0)
    return counted


def tallies(store: Store) -> list[Tally | None]:
    return [tally for _, tally in store.newest_scans()]


def test_listing_scans_is_linear_in_what_they_changed() -> None:
    """Ten times the changes, about ten times the steps; looked up by the interval's end it was a hundred times."""
    assert steps_of_listing(4_000) < 20 * steps_of_listing(400)
