"""What every store must do with the records of the served page."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text

from scanner.errors import DamagedRow
from scanner.model.reviews import Closing, Decision, Reassignment, Review, ReviewFacts, ReviewItem
from scanner.model.served import (
    AcknowledgementAsked,
    FindingAcknowledged,
    ItemDecided,
    Looked,
    OwnerProposed,
    PageRecord,
    QueryDeleted,
    QuerySaved,
    SignedOut,
    Visited,
)
from scanner.store.engine import connect, writing
from scanner.store.store import Store, open_store
from tests.databases import BACKENDS, postgresql
from tests.factories import NOW, make_assessment, make_result

ADA, BO = "ada@example.com", "bo@example.com"
LATER = NOW + timedelta(hours=1)
KEPT = Decision(item="i", decision="keep", at=NOW, by=ADA, facts_hash="h")
ACKNOWLEDGED = FindingAcknowledged(finding="f" * 32, reason="known\0é", until=date(2027, 1, 1), by=ADA, at=NOW)
PROPOSED = OwnerProposed(identity="k" * 5_000, owner=BO, by=ADA, at=NOW)
SAVED = QuerySaved(id="q1", name="orphaned admins", address="/?ownership=orphaned", by=ADA, at=NOW)
RECORDS: tuple[PageRecord, ...] = (
    ACKNOWLEDGED,
    PROPOSED,
    ItemDecided(review="q4", record=KEPT, by=ADA),
    SAVED,
    Visited(scan="s1", by=ADA, at=NOW),
    Looked(what="/identities/k", by=ADA, at=NOW),
    SignedOut(session="h1", by=ADA, at=NOW),
)


@pytest.fixture(params=BACKENDS)
def store(request: pytest.FixtureRequest) -> Iterator[Store]:
    """An empty store."""
    with request.param() as url, open_store(url) as opened:
        yield opened


def test_records_come_back_as_they_were(store: Store) -> None:
    """Each kind by its own question; the later acknowledgement of a finding counts; a deleted query is gone."""
    store.served.append(*RECORDS)
    longer = FindingAcknowledged(finding="f" * 32, reason="still", until=date(2027, 2, 1), by=BO, at=LATER)
    store.served.append(longer, Visited(scan="s2", by=ADA, at=LATER), Visited(scan="s2", by=BO, at=LATER))

    assert store.served.acknowledgements() == (longer.acknowledgement,)
    assert store.served.proposals() == store.served.proposals(PROPOSED.identity) == (PROPOSED,)
    assert store.served.proposals(PROPOSED.identity + "x") == ()
    assert store.served.queries() == (SAVED,)
    assert [visit.scan for visit in store.served.visits(ADA)] == ["s2", "s1"]
    assert [look.what for look in store.served.looks(ADA)] == ["/identities/k"]
    assert store.served.last(Visited) == LATER
    assert [set(store.served.signed_out(since)) for since in (NOW, LATER)] == [{"h1"}, set()]
    assert store.served.last(QueryDeleted) is None

    asked = AcknowledgementAsked(finding="f" * 32, reason="more", until=date(2027, 3, 1), by=ADA, at=LATER)
    earlier = AcknowledgementAsked(finding="e" * 32, reason="more", until=date(2027, 3, 1), by=ADA, at=NOW)
    store.served.append(asked, earlier)  # of the first something was given as late as that
    assert store.served.acknowledgements() == (longer.acknowledgement, earlier.acknowledgement)
    assert earlier.acknowledgement.asked is not None

    store.served.append(QueryDeleted(id="q1", by=BO, at=LATER))
    assert store.served.queries() == ()


def test_decisions_of_the_page_belong_to_the_review(store: Store) -> None:
    """They stand among its records in the order of their times."""
    item = ReviewItem(
        id="i",
        key="k",
        reviewer=ADA,
        because="owner",
        facts=ReviewFacts(name="n", provider="aws", scope="1", kind="role", what="w"),
        facts_hash="h",
    )
    store.reviews.open(Review(name="q4", opened_at=NOW, due=NOW.date(), scan="s"), [item])
    moved = Reassignment(item="i", reviewer=ADA, because="named", at=NOW + timedelta(minutes=1))
    store.served.append(ItemDecided(review="q4", record=KEPT, by=ADA), ItemDecided(review="q4", record=moved, by=ADA))
    store.served.append(ItemDecided(review="another", record=KEPT, by=ADA))
    store.reviews.append("q4", [Closing(at=LATER)])

    assert store.reviews.campaign("q4").records == (KEPT, moved, Closing(at=LATER))


def test_records_are_added_while_a_scan_holds_the_lock(store: Store) -> None:
    """A person need not wait for the night's scan to end."""
    store.save(make_result(make_assessment()))
    with store.alone():
        store.served.append(ACKNOWLEDGED)

    assert len(store.served.acknowledgements()) == 1


def test_records_are_added_while_postgresql_saves_a_scan() -> None:
    """Inserts wait for no other transaction there; on SQLite they wait for the file's only writer."""
    with postgresql() as url, open_store(f"{url}&timeout=1" if "?" in url else f"{url}?timeout=1") as store:
        saving = connect(url, create=False)
        with writing(saving):
            store.served.append(ACKNOWLEDGED)
        saving.dispose()

        assert len(store.served.acknowledgements()) == 1


def test_pruning_leaves_records(store: Store) -> None:
    """They are evidence."""
    store.save(make_result(make_assessment()))
    store.served.append(*RECORDS)

    store.prune(NOW + timedelta(days=1), NOW)

    assert store.served.proposals() == (PROPOSED,)


def test_a_changed_record_suppresses_nothing(tmp_path: Path) -> None:
    """A scan goes on without it; who asks for the record itself is refused, and the check reports it."""
    url = f"sqlite:///{tmp_path}/muster.db"
    with open_store(url) as store:
        store.served.append(ACKNOWLEDGED, PROPOSED)
    engine = create_engine(url)
    with engine.begin() as connection:
        connection.execute(text("UPDATE page_record SET body = replace(body, 'example', 'evil')"))
    engine.dispose()

    with open_store(url) as store:
        assert store.served.acknowledgements() == ()
        with pytest.raises(DamagedRow):
            store.served.proposals()
        assert [problem.repaired for problem in store.repair()] == [None, None]
