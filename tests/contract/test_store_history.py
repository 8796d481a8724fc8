"""What every store must know of its past: what two scans have unlike, since when, and what pruning must leave."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from itertools import combinations
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from scanner.app.changes import changes_between, with_since
from scanner.errors import StoreError, UsageError
from scanner.model import Earlier, EntryAssessment, KnownFinding, ScanResult
from scanner.store.comparison import Tally
from scanner.store.kinds import ENTRIES, FINDINGS, IDENTITIES
from scanner.store.store import Store, open_store
from tests.contract.test_stores import night
from tests.databases import BACKENDS, empty_store, empty_stores
from tests.examples import examples
from tests.factories import NOW, make_assessment, make_entry, make_finding
from tests.scanner.store.strategies import scan_sequences

PATIENT = examples(8)
billing, deploy, other = (make_assessment(name) for name in ("svc-billing", "deploy", "other"))


@pytest.fixture(params=BACKENDS)
def store(request: pytest.FixtureRequest) -> Store:
    """An empty store."""
    return empty_store(request.param)


def _by_key(kind: Any, records: Sequence[Any]) -> dict[str, Any]:
    return {kind.key(one): kind.content(one) for one in records}


def _unlike(kind: Any, old: Sequence[Any], new: Sequence[Any]) -> list[tuple[Any, Any]]:
    """The straightforward way: both scans in full, compared one by one."""
    before, after = _by_key(kind, old), _by_key(kind, new)
    return [
        (before.get(key), after.get(key))
        for key in sorted(before.keys() | after.keys())
        if before.get(key) != after.get(key)
    ]


def _really(kind: Any, pairs: Iterator[tuple[Any, Any]]) -> list[tuple[Any, Any]]:
    """What was stored anew though it had become as before in between is no difference."""
    contents = [tuple(one and kind.content(one) for one in pair) for pair in pairs]
    return [(before, after) for before, after in contents if before != after]


@given(results=scan_sequences())
@PATIENT
def test_two_scans_are_unlike_in_what_a_full_comparison_finds(results: list[ScanResult]) -> None:
    """Whichever two are compared, near or far, it is the same as loading both and looking at every record."""
    for store in empty_stores():
        for result in results:
            store.save(result)

        for old, new in combinations(results, 2):
            with store.comparison(old.scan.id, new.scan.id) as between:
                assert _really(IDENTITIES, between.identities()) == _unlike(IDENTITIES, old.identities, new.identities)
                assert _really(FINDINGS, between.findings()) == _unlike(FINDINGS, old.findings, new.findings)
                assert _really(ENTRIES, between.entries()) == _unlike(ENTRIES, old.entries, new.entries)
                assert (between.old.scan, between.new.scan) == (old.scan, new.scan)


@given(results=scan_sequences(), data=st.data())
@PATIENT
def test_kept_scans_load_as_before(results: list[ScanResult], data: st.DataObject) -> None:
    """Whatever is pruned, the scans that are kept load as they were saved, and the next is saved as ever."""
    cutoff = data.draw(st.sampled_from([one.scan.started_at for one in results]))
    last = replace(results[-1], scan=replace(results[-1].scan, id="one more"))
    for store in empty_stores():
        for result in results:
            store.save(result)
        expected = store.plan_pruning(cutoff)
        pruned = store.prune(cutoff, NOW)

        recent = [place for place, one in enumerate(results) if one.scan.started_at >= cutoff]
        kept = results[recent[0] :] if recent else results[-1:]
        assert pruned == expected
        assert (pruned.kept, pruned.scans) == (len(kept), len(results) - len(kept))
        assert [scan.id for scan in store.scans()] == [one.scan.id for one in kept]
        assert [store.load(one.scan.id) for one in kept] == kept
        assert store.prune(cutoff, NOW).scans == 0
        store.save(last)
        assert store.load() == last


def test_pruned_scans_are_gone(store: Store) -> None:
    """They can neither be loaded nor named, and their ids are not taken again; the latest stays, however old."""
    store.save(night(1, identities=(billing, deploy), findings=(make_finding(fingerprint="f1"),)))
    store.save(night(2, identities=(billing,)))
    store.save(night(3, identities=(billing,)))

    pruned = store.prune(NOW + timedelta(days=30), NOW)

    assert (pruned.scans, pruned.rows, pruned.kept) == (2, 4, 1)  # each record with its sighting, but no sighting of f1
    with pytest.raises(StoreError, match="has no scan night-1"):
        store.load("night-1")
    with pytest.raises(StoreError, match="already has the scan night-1"):
        store.save(night(1))
    assert store.history(deploy.identity.key) == ()
    assert store.history(billing.identity.key)[0].since == NOW + timedelta(days=1)


def test_findings_that_stand_keep_the_day_they_were_first_seen(store: Store) -> None:
    """Also when the scan that had it first is pruned."""
    since = replace(make_finding(fingerprint="f1"), first_seen=NOW)
    store.save(night(1, findings=(since,)))
    store.save(night(2, findings=(replace(since, owner="ada"),)))

    store.prune(NOW + timedelta(days=2), NOW)

    assert store.memory.known_fingerprints() == {"f1": KnownFinding(NOW, "high")}


@given(results=scan_sequences(), data=st.data())
@PATIENT
def test_identities_are_as_old_as_they_are(results: list[ScanResult], data: st.DataObject) -> None:
    """In every scan that is kept: since the first that ever had each, whatever was pruned, and however often."""
    cutoffs = data.draw(st.lists(st.sampled_from([one.scan.started_at for one in results]), max_size=2))
    born: dict[str, datetime] = {}
    for result in results:
        for one in result.identities:
            born.setdefault(one.identity.key, result.scan.started_at)
    for store in empty_stores():
        for result in results:
            store.save(result)
        for cutoff in cutoffs:
            store.prune(cutoff, NOW)

        for scan in store.scans():
            loaded = store.load(scan.id)
            keys = [one.identity.key for one in loaded.identities]
            assert store.with_past(loaded).first_seen == {key: born[key] for key in keys}


def test_an_identity_that_only_pruned_scans_had_is_new_when_it_comes_back(store: Store) -> None:
    """One that was there again before they were pruned is as old as it is."""
    for number, identities in ((1, (billing, deploy)), (2, ()), (3, (deploy,))):
        store.save(night(number, identities=identities))
    store.prune(NOW + timedelta(days=3), NOW)
    store.save(night(4, identities=(billing, deploy)))

    assert store.with_past(store.load()).first_seen == {
        billing.identity.key: NOW + timedelta(days=4),
        deploy.identity.key: NOW + timedelta(days=1),
    }
    assert store.find(deploy.identity.key).first_seen == {deploy.identity.key: NOW + timedelta(days=1)}


def test_the_age_of_many_identities_is_reported(store: Store) -> None:
    """Of more than are looked up one by one."""
    many = tuple(make_assessment(f"svc-{number:04}") for number in range(1_200))
    store.save(night(1, identities=many[:-1]))
    store.save(night(2, identities=many))

    days = Counter((since - NOW).days for since in store.with_past(store.load()).first_seen.values())

    assert days == {1: 1_199, 2: 1}


def test_what_was_known_of_findings_before(store: Store) -> None:
    """Of those that ever were: since when, and whether anyone was reported; what a gap held back was no news."""
    shown, held = make_finding(fingerprint="shown"), make_finding(fingerprint="held", held_back=True)
    both, late = make_finding(fingerprint="both"), make_finding(fingerprint="late", held_back=True)
    first = tuple(replace(one, first_seen=NOW) for one in (shown, held, both, late))
    store.save(night(1, findings=first))
    store.save(night(2, findings=(replace(first[2], held_back=True), replace(first[3], held_back=False))))

    assert store.memory.earlier_findings({"shown", "held", "both", "late", "never"}) == {
        "shown": Earlier(first_seen=NOW, announced=True),
        "held": Earlier(first_seen=NOW, announced=False),
        "both": Earlier(first_seen=NOW, announced=True),
        "late": Earlier(first_seen=NOW, announced=True),
    }


def test_tallies(store: Store) -> None:
    """What each scan changed, newest first; of the oldest that is kept no one knows."""
    store.save(night(1, identities=(billing, deploy)))
    store.save(night(2, identities=(replace(billing, findings=("f1",)), other)))
    store.save(night(3, identities=(replace(billing, findings=("f1",)), other)))
    store.save(night(4, identities=(other, deploy)))

    tallies = {scan.id: tally for scan, tally in store.newest_scans()}
    assert list(tallies) == ["night-4", "night-3", "night-2", "night-1"]
    assert tallies == {
        "night-1": None,
        "night-2": Tally(joined=1, changed=1, left=1),
        "night-3": Tally(joined=0, changed=0, left=0),
        "night-4": Tally(joined=1, changed=0, left=1),
    }
    assert store.newest_scans(2) == store.newest_scans()[:2]
    store.prune(NOW + timedelta(days=2), NOW)
    assert [tally for _, tally in store.newest_scans()] == [tallies["night-4"], tallies["night-3"], None]


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        pytest.param(None, None, ("night-2", "night-3"), id="the two latest"),
        pytest.param("night-1", None, ("night-1", "night-3"), id="from one on"),
        pytest.param("night-1", "night-2", ("night-1", "night-2"), id="by id"),
        pytest.param("2026-11-26", "latest", ("night-1", "night-3"), id="on the day"),
        pytest.param("2026-11-27", "2026-12-24", ("night-2", "night-3"), id="up to a day"),
        pytest.param("latest", None, ("night-3", "night-3"), id="with itself"),
    ],
)
def test_scans_are_named(store: Store, old: str | None, new: str | None, expected: tuple[str, str]) -> None:
    """By id, by day, or as the latest."""
    for number in (1, 2, 3):
        store.save(night(number))

    diff = changes_between(store, old, new)

    assert (diff.old.id, diff.new.id) == expected
    assert diff.changes == ()


@pytest.mark.parametrize(
    ("old", "new", "error", "message"),
    [
        ("latest", "night-1", UsageError, "the first scan is later"),
        ("2026-02-30", None, UsageError, "there is no day 2026-02-30"),
        ("9999-12-31", None, UsageError, "there is no day 9999-12-31"),
        ("2026-11-01", None, StoreError, "no scan up to 2026-11-01"),
        ("night-7", None, StoreError, "has no scan night-7"),
    ],
)
def test_scans_that_cannot_be_compared(
    store: Store, old: str, new: str | None, error: type[Exception], message: str
) -> None:
    """Each with what to do about it."""
    store.save(night(1))
    store.save(night(2))

    with pytest.raises(error, match=message) as raised, store.comparison(old, new):
        pass
    assert getattr(raised.value, "hint", None)


@pytest.mark.parametrize(("scans", "message"), [(0, "has no scan yet"), (1, "has only one scan so far")])
def test_nothing_to_compare_with(store: Store, scans: int, message: str) -> None:
    """It takes two."""
    for number in range(scans):
        store.save(night(number))

    with pytest.raises(StoreError, match=message), store.comparison():
        pass


def test_who_came_back(store: Store) -> None:
    """Someone who was there before the older scan returned; who only joined and left in between did not."""
    store.save(night(1, identities=(billing, deploy), findings=(make_finding(fingerprint="f1"),)))
    store.save(night(2, identities=(deploy,)))
    store.save(night(3, identities=(deploy, other)))
    store.save(night(4, identities=(deploy,)))
    store.save(night(5, identities=(billing, deploy, other), findings=(make_finding(fingerprint="f1"),)))

    with store.comparison("night-2", "night-5") as between:
        assert between.returned() == {billing.identity.key: NOW + timedelta(days=2)}
        assert between.came_back() == {"f1"}


def test_who_was_not_looked_at(store: Store) -> None:
    """Only those, as they stood before."""
    stale = replace(billing, rechecked=False)
    store.save(night(1, identities=(billing, deploy)))
    second = night(2, identities=(stale, deploy))
    store.save(replace(second, summary=replace(second.summary, not_rechecked=1)))

    with store.comparison() as between:
        assert list(between.not_rechecked()) == [stale]


@pytest.mark.parametrize("kind", ["identity", "finding", "entry"])
def test_changes_are_found_by_index(tmp_path: Any, kind: str) -> None:
    """What both scans have is not even looked at."""
    import sqlite3

    url = f"sqlite:///{tmp_path / 'muster.db'}"
    with open_store(url) as store:
        for number, one in enumerate((billing, deploy, other)):  # from the second on: numbers of scans are arguments
            store.save(night(number, identities=(one,)))
    connection = sqlite3.connect(tmp_path / "muster.db")
    seen: list[str] = []
    with open_store(url) as store, store.comparison() as between:
        raw: Any = between._connection.connection.driver_connection
        raw.set_trace_callback(seen.append)
        list({"identity": between.identities, "finding": between.findings, "entry": between.entries}[kind]())
        raw.set_trace_callback(None)
    (asked,) = (sql for sql in seen if "UNION ALL" in sql)
    plan = " ".join(row[3] for row in connection.execute(f"EXPLAIN QUERY PLAN {asked}"))
    connection.close()

    assert f"USING INDEX {kind}_ended" in plan
    assert f"USING INDEX {kind}_begun" in plan


def test_a_result_knows_what_changed_since_the_scan_before_it(store: Store) -> None:
    """Of the first scan nothing, of every later one what ``muster diff`` says, also once later scans are there."""
    nights = [night(at, identities=found) for at, found in enumerate(((billing,), (billing, deploy), (deploy,)), 1)]
    for one in nights:
        store.save(one)
    first, second, third = (with_since(store, one, shares=True).since for one in nights)

    assert first is None
    assert second is not None
    assert third is not None
    assert (second.scan, [(row.change, row.key) for row in second.changes]) == (
        "night-1",
        [("joined", deploy.identity.key)],
    )
    assert (third.scan, [(row.change, row.key) for row in third.changes]) == (
        "night-2",
        [("left", billing.identity.key)],
    )
    assert second.shares["owned"] == (0, 1)
    assert third.shares["owned"] == (0, 2)
    store.prune(NOW + timedelta(days=365), NOW + timedelta(days=365))
    assert with_since(store, nights[2]).since is None


def test_versions_of_many_identities(store: Store) -> None:
    """Those that were asked for, by key, oldest first; a damaged one is left out."""
    changed = replace(billing, consumers=("arn:job",))
    store.save(night(0, identities=(billing, deploy)))
    store.save(night(1, identities=(changed, deploy, other)))

    found = store.versions([billing.identity.key, other.identity.key, "nobody"])

    assert [(key, one.since, one.until, one.assessment.consumers) for key, one in found] == [
        (other.identity.key, NOW + timedelta(days=1), None, ()),
        (billing.identity.key, NOW, NOW + timedelta(days=1), ()),
        (billing.identity.key, NOW + timedelta(days=1), None, ("arn:job",)),
    ]


def test_since_when_entries_are_retired(store: Store) -> None:
    """The first of the last scans that all saw it so."""
    was = EntryAssessment(entry=make_entry(id="N-1"), state="found")
    retired = replace(was, entry=replace(was.entry, status="retired"))
    for number, entry in enumerate((retired, was, retired, replace(retired, evidence="other"), was)):
        store.save(night(number, entries=(entry,)))
        expected = {2: 2, 3: 2}.get(number)
        if number > 1:
            since = {} if expected is None else {"N-1": NOW + timedelta(days=expected)}
            assert store.retired_since(["N-1", "N-2"]) == since
