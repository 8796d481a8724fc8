"""A place that is forgotten by hand, on every store: gone as of now, not mended, and nothing else is touched."""

from __future__ import annotations

from datetime import timedelta

import pytest

from scanner.app.changes import changes_between
from scanner.app.forgetting import forget_place, plan_forgetting
from scanner.app.scanning import Run, conclude
from scanner.discovery.inventory import ScopeReading, join
from scanner.errors import StoreError, UsageError
from scanner.judging.pipeline import Declared
from scanner.matching.places import SourceRef
from scanner.model import BlindSpot, Forgotten, ScanResult
from scanner.store.outbox import Alarms
from scanner.store.store import Store
from tests.databases import BACKENDS, empty_store
from tests.factories import ACCOUNT, NOW, make_coverage, make_entry, make_identity

OLD = Forgotten(source="old")
STAYS = make_identity("stays", source="prod")
LEAVES = make_identity("retired", source="old", scope="2")
READ = {
    "prod": make_coverage(source="prod", kinds=("user",)),
    "old": make_coverage(source="old", scope="2", kinds=("user",)),
}
FORGOTTEN = NOW + timedelta(days=1, hours=5)


@pytest.fixture(params=BACKENDS)
def store(request: pytest.FixtureRequest) -> Store:
    """Two nights: both sources, then one alone."""
    store = empty_store(request.param)
    _night(store, 0, "prod", "old")
    _night(store, 1, "prod")
    return store


def _night(store: Store, number: int, *sources: str, nobody: bool = False) -> ScanResult:
    readings = [
        ScopeReading(
            source=name,
            scope=READ[name].scope,
            identities=tuple(one for one in (STAYS, LEAVES) if one.source == name and not nobody),
            coverage=(READ[name],),
        )
        for name in sources
    ]
    return conclude(
        store,
        join(readings, {}),
        Declared(entries=(make_entry(LEAVES.key),), sources=(SourceRef(name="prod", provider="aws"),)),
        Run(scan_id=f"night-{number}", started=NOW + timedelta(days=number)),
        lists=(),
        accept_drop=False,
    )


def test_it_is_gone_from_now_on(store: Store) -> None:
    """Also after the next scan, which neither shows it as last seen nor says that its findings are resolved."""
    before, blind = store.load(), [one.rule for one in store.load().findings if one.identity == LEAVES.key]

    done = forget_place(store, OLD, "forgotten", FORGOTTEN)
    after, later = store.load(), _night(store, 2, "prod")

    assert [one.identity.key for one in before.identities] == [LEAVES.key, STAYS.key]
    assert blind
    assert (done.ended["identities"], done.ended["findings"]) == (1, len(blind))
    for result in (after, later):
        assert [one.identity.key for one in result.identities] == [STAYS.key]
        assert not [one for one in result.findings if one.identity == LEAVES.key]
        assert not [text for text in result.notices if "last seen" in text]
    assert after == done.after
    assert [one for one in after.findings if one.identity] == [
        one for one in before.findings if one.identity == STAYS.key
    ]
    assert (after.entries[0].state, later.entries[0].identities) == ("not_evaluated", ())
    assert (after.summary.resolved_findings, later.summary.resolved_findings) == (0, 0)


def test_earlier_scans_stay_as_they_were(store: Store) -> None:
    """To the last record."""
    before = [store.load(one) for one in ("night-0", "night-1")]

    forget_place(store, OLD, "forgotten", FORGOTTEN)

    assert [store.load(one) for one in ("night-0", "night-1")] == before
    assert [(one.id, one.forgot) for one in store.scans()] == [("night-0", None), ("night-1", None), ("forgotten", OLD)]


def test_the_diff_is_reported(store: Store) -> None:
    """Neither that it left nor that its findings are resolved, however many scans lie between."""
    forget_place(store, OLD, "forgotten", FORGOTTEN)
    _night(store, 2, "prod")

    for old, new in (("night-1", "forgotten"), ("night-0", "night-2")):
        diff = changes_between(store, old, new)
        counts = diff.summary
        assert [(one.change, one.key) for one in diff.changes if one.subject == "identity"] == [
            ("forgotten", LEAVES.key)
        ]
        assert (counts.forgotten, counts.left, counts.not_rechecked, counts.resolved_findings) == (1, 0, 0, 0)
        assert counts.forgotten_findings == len([one for one in diff.changes if one.identity == LEAVES.key]) > 0
    assert changes_between(store, "forgotten", "night-2").summary.forgotten == 0
    assert [point.resolved for point in store.trend()] == [{}, {}, {}, {}]


def test_what_is_found_again_is_found_anew(store: Store) -> None:
    """It joined and its findings are new, though as old as they are: no one brought it back, or mended them."""
    forget_place(store, OLD, "forgotten", FORGOTTEN)
    again = _night(store, 2, "prod", "old")

    diff = changes_between(store, "forgotten", "night-2")
    found = [one for one in again.findings if one.identity == LEAVES.key]
    assert [(one.change, one.key) for one in diff.changes if one.subject == "identity"] == [("joined", LEAVES.key)]
    assert {(one.status, one.first_seen) for one in found} == {("new", NOW)}
    assert {one.change for one in diff.changes if one.subject == "finding"} == {"new"}
    assert store.memory.earlier_findings([one.fingerprint for one in found])


def test_what_ended_before_may_still_come_back(store: Store) -> None:
    """Forgetting says nothing of what a scan saw leave, of another source or of the same."""
    _night(store, 2, "old", nobody=True)
    forget_place(store, Forgotten(source="prod"), "forgotten", FORGOTTEN)
    _night(store, 3, "prod", "old")

    diff = changes_between(store)
    assert {(one.change, one.key) for one in diff.changes if one.subject == "identity"} == {
        ("returned", LEAVES.key),
        ("joined", STAYS.key),
    }
    assert {(one.change, one.identity) for one in diff.changes if one.subject == "finding" and one.identity} == {
        ("reopened", LEAVES.key),
        ("new", STAYS.key),
    }


def test_its_blind_spots_are_over(store: Store) -> None:
    """Those of the place alone."""
    spots = [
        BlindSpot(source=source, scope=scope, section="s", status="denied", since=NOW)
        for source, scope in (("old", "1"), ("old", "2"), ("prod", ACCOUNT))
    ]
    store.outbox.post(Alarms(blind=tuple(spots), sources=frozenset({"old", "prod"})))

    forget_place(store, Forgotten(source="old", scope="2"), "one", FORGOTTEN)
    assert store.outbox.blind_spots() == (spots[0], spots[2])
    forget_place(store, OLD, "all", FORGOTTEN)
    assert store.outbox.blind_spots() == (spots[2],)


@pytest.mark.parametrize(
    ("place", "hint"),
    [
        (Forgotten(source="nobody"), "known sources: old, prod"),
        (Forgotten(source="old", scope="9"), "scopes of that source: 2"),
    ],
)
def test_what_is_not_known_cannot_be_forgotten(store: Store, place: Forgotten, hint: str) -> None:
    """A typing error changes nothing, and the message has the names that there are."""
    before = store.load()

    with pytest.raises(UsageError, match="the store knows nothing of") as error:
        forget_place(store, place, "forgotten", FORGOTTEN)

    assert error.value.hint == hint
    assert store.load() == before


def test_a_plan_changes_nothing(store: Store) -> None:
    """It only says."""
    before = store.load()

    planned = plan_forgetting(store, OLD, "planned", FORGOTTEN)

    assert (planned.ended["identities"], store.load(), len(store.scans())) == (1, before, 2)
    assert str(planned) == "source old: 1 identity, 1 finding"


def test_all_of_it_or_nothing(store: Store) -> None:
    """What cannot be stored leaves everything as it was."""
    before = store.load()

    with pytest.raises(StoreError, match="already has the scan night-1"):
        forget_place(store, OLD, "night-1", FORGOTTEN)

    assert store.load() == before
    assert [one.forgot for one in store.scans()] == [None, None]
