"""What the store reports on the scans before: their numbers, and what was resolved in each."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from scanner.model import ScanInfo, ScanResult, Summary
from scanner.store.store import Store, open_store
from tests.examples import examples
from tests.factories import NOW, make_finding, make_result

found = make_finding(fingerprint="f1")
other = make_finding(fingerprint="f2")


@pytest.fixture
def store() -> Iterator[Store]:
    """An empty store."""
    with open_store("sqlite://") as opened:
        yield opened


def night(number: int, **facts: Any) -> ScanResult:
    """The result of one of several nights."""
    started = NOW + timedelta(days=number)
    scan = ScanInfo(id=f"night-{number}", started_at=started, finished_at=started, version="1")
    return make_result(**{"scan": scan, "summary": Summary(orphaned=number), **facts})


def test_the_scans_up_to_one_with_their_numbers(store: Store) -> None:
    """Oldest first; what came after it is not there."""
    for number in (1, 2, 3):
        store.save(night(number))

    assert [(point.id, point.counts.orphaned) for point in store.trend("night-2")] == [("night-1", 1), ("night-2", 2)]
    assert store.trend()[-1].started_at == NOW + timedelta(days=3)


def test_a_finding_counts_where_it_is_no_more(store: Store) -> None:
    """For as long as it stood, however often its severity changed; one that stands is not resolved."""
    store.save(night(1, findings=(found, other)))
    store.save(night(5, findings=(replace(found, severity="low"), other)))
    store.save(night(8, findings=(other,)))

    assert [point.resolved for point in store.trend()] == [{}, {}, {7: 1}]


def test_one_that_came_back_counts_each_time(store: Store) -> None:
    """Each time from when it came, since it stood no longer."""
    for number, findings in ((1, (found,)), (2, ()), (5, (found,)), (9, ()), (10, (found,))):
        store.save(night(number, findings=findings))

    assert [point.resolved for point in store.trend()] == [{}, {1: 1}, {}, {4: 1}, {}]


@given(st.lists(st.sets(st.sampled_from("abc")), min_size=1, max_size=6))
@examples(40)
def test_the_store_and_a_plain_count_agree(nights: list[set[str]]) -> None:
    """Whatever comes and goes."""
    since: dict[str, int] = {}
    expected: list[Counter[int]] = []
    with open_store("sqlite://") as store:
        for number, there in enumerate(nights):
            store.save(night(number, findings=tuple(make_finding(fingerprint=one) for one in sorted(there))))
            gone = since.keys() - there
            expected.append(Counter(number - since.pop(one) for one in gone))
            since |= dict.fromkeys(there - since.keys(), number)

        assert [Counter(point.resolved) for point in store.trend()] == expected
