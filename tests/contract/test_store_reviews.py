"""What every store must do with access reviews: nothing is ever changed, and damage is found."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text

from scanner.errors import DamagedRow, UsageError
from scanner.model import ScanInfo
from scanner.model.reviews import Campaign, Closing, Decision, Review, ReviewFacts, ReviewItem
from scanner.store.outbox import NO_ALARMS, Alarms
from scanner.store.store import Store, open_store
from tests.databases import BACKENDS
from tests.factories import NOW, make_assessment, make_result

FACTS = ReviewFacts(name="bot\0\x01é", provider="aws", scope="1", kind="role", what="a role", grants=("read",))
ITEMS = tuple(
    ReviewItem(
        id=f"i{number}",
        key=f"k{number}",
        reviewer="ada@example.com",
        because="owner",
        facts=FACTS,
        facts_hash="h",
    )
    for number in range(3)
)
REVIEW = Review(name="q4", opened_at=NOW, due=date(2027, 1, 31), scan="s", scopes=("prod*",), view="risk")
KEPT = Decision(item="i0", decision="keep", at=NOW, by="ada@example.com", facts_hash="h", reason="needed")


@pytest.fixture(params=BACKENDS)
def store(request: pytest.FixtureRequest) -> Iterator[Store]:
    """An empty store."""
    with request.param() as url, open_store(url) as opened:
        yield opened


def test_a_campaign_comes_back_as_it_was(store: Store) -> None:
    """Items and records in their order; a name is used once."""
    store.reviews.open(REVIEW, ITEMS)
    store.reviews.append("q4", [KEPT])
    store.reviews.append("q4", [Closing(at=NOW)])

    campaign = store.reviews.campaign("q4")
    assert campaign.records == (KEPT, Closing(at=NOW))
    assert [item.id for item in campaign.items] == ["i0", "i1", "i2"]
    assert campaign.review == REVIEW
    assert campaign.closed_at == NOW
    assert store.reviews.campaigns() == (campaign,)
    with pytest.raises(UsageError):
        store.reviews.open(REVIEW, ITEMS)
    with pytest.raises(UsageError):
        store.reviews.append("q5", [KEPT])


def test_a_scan_is_marked_until_its_events_have_opened_reviews(store: Store) -> None:
    """The mark is stored with the scan that asks for it."""
    for scan, alarms in {"s1": Alarms(to_review="s1"), "s2": NO_ALARMS, "s3": Alarms(to_review="s3")}.items():
        store.save(make_result(scan=ScanInfo(id=scan, started_at=NOW, finished_at=NOW, version="0.1.0")), alarms)

    assert store.reviews.scans_to_review() == ("s1", "s3")
    store.reviews.reviewed("s1")
    assert store.reviews.scans_to_review() == ("s3",)


def test_pruning_leaves_evidence(store: Store) -> None:
    """Scans go, campaigns stay."""
    store.save(make_result(make_assessment()))
    store.reviews.open(REVIEW, ITEMS[:1])

    store.prune(NOW, NOW)

    assert len(store.reviews.campaign("q4").items) == 1


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE review_record SET body = replace(body, 'keep', 'revoke')",
        "UPDATE review_item SET body = replace(body, 'ada@', 'eve@') WHERE position = 1",
        "DELETE FROM review_item WHERE position = 1",
    ],
)
def test_a_changed_record_is_found_and_not_repaired(tmp_path: Path, change: str) -> None:
    """Commands refuse it; a scan goes on without that review."""
    url = f"sqlite:///{tmp_path}/muster.db"
    with open_store(url) as store:
        store.reviews.open(REVIEW, ITEMS)
        store.reviews.append("q4", [KEPT])
        store.reviews.open(Review(name="q5", opened_at=NOW, due=NOW.date(), scan="s"), ITEMS[:1])
    engine = create_engine(url)
    with engine.begin() as connection:
        connection.execute(text(change))
    engine.dispose()

    with open_store(url) as store:
        with pytest.raises(DamagedRow):
            store.reviews.campaign("q4")
        sound, damage = store.reviews.sound_campaigns()
        assert [one.review.name for one in sound] == ["q5"]
        assert len(damage) == 1
        if not change.startswith("DELETE"):
            assert [problem.repaired for problem in store.repair()] == [None]
            assert len(store.check()) == 1


def test_campaigns_are_distinguished(store: Store) -> None:
    """Each has its own items and records."""
    for name in ("a", "b"):
        store.reviews.open(Review(name=name, opened_at=NOW, due=NOW.date(), scan="s"), ITEMS[:1])
    store.reviews.append("b", [KEPT])

    assert [len(one.records) for one in store.reviews.campaigns()] == [0, 1]
    assert isinstance(store.reviews.campaign("a"), Campaign)
