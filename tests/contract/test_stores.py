"""What every store must do, whichever database is behind it. A further one is a line in tests/databases.py."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from msgspec.structs import replace

from scanner.errors import StoreError
from scanner.model import (
    Acknowledged,
    BlindSpot,
    EntryAssessment,
    KnownFinding,
    ScanInfo,
    ScanResult,
    StoredSecret,
    Summary,
    UsageVerdict,
)
from scanner.store.history import IdentityVersion
from scanner.store.outbox import Alarms, Message
from scanner.store.scans import StoredScan
from scanner.store.store import Store
from scanner.store.tickets import WantedTicket
from tests.databases import BACKENDS, empty_store, empty_stores
from tests.examples import examples
from tests.factories import (
    NOW,
    make_assessment,
    make_assignment,
    make_coverage,
    make_entry,
    make_finding,
    make_identity,
    make_result,
)
from tests.scanner.store.strategies import scan_sequences


@pytest.fixture(params=BACKENDS)
def store(request: pytest.FixtureRequest) -> Store:
    """An empty store."""
    return empty_store(request.param)


def night(number: int, **facts: Any) -> ScanResult:
    """The result of one of several nights."""
    started = NOW + timedelta(days=number)
    scan = ScanInfo(id=f"night-{number}", started_at=started, finished_at=started + timedelta(minutes=4), version="1")
    return make_result(**{"scan": scan, "summary": Summary(), **facts})


billing = make_assessment("svc-billing")
deploy = make_assessment(make_identity("deploy", kind="role", source="dev"))
secret = StoredSecret(key="s", provider="vault", source="vault", scope="kv", name="s")
found = make_finding(fingerprint="f1")
other = make_finding(fingerprint="f2", severity="low")


@given(results=scan_sequences())
@examples(12)
def test_every_scan_loads_as_it_was_saved(results: list[ScanResult]) -> None:
    """Whatever follows whatever, every scan comes back equal, order, flags and dates included."""
    for store in empty_stores():
        for result in results:
            store.save(result)

        assert [store.load(result.scan.id) for result in results] == results
        assert store.load() == results[-1]


def test_empty_store(store: Store) -> None:
    """A store without a scan knows nothing, and says so when asked for one."""
    assert not store.has_scans()
    assert store.scans() == ()
    assert list(store.memory.assessments(lambda *_: True)) == []
    assert store.memory.known_fingerprints() == {}
    assert store.history(billing.identity.key) == ()
    with pytest.raises(StoreError, match="has no scan yet") as raised:
        store.load()
    assert raised.value.hint


def test_unknown_scan(store: Store) -> None:
    """Who asks for a scan that is not there is shown which are, the newest first."""
    store.save(night(1))
    store.save(night(2))

    with pytest.raises(StoreError, match="no scan night-3") as raised:
        store.load("night-3")
    assert raised.value.hint == "newest first, it has: night-2, night-1"


def test_a_scan_is_stored_once(store: Store) -> None:
    """A second scan with the same id is refused, and the first stays."""
    store.save(night(1, identities=(billing,)))

    with pytest.raises(StoreError, match="already has the scan night-1"):
        store.save(night(1, identities=(deploy,)))
    assert store.load() == night(1, identities=(billing,))


def test_a_key_comes_once(store: Store) -> None:
    """Two records with one key are refused, also when the first of them is unchanged, and nothing is stored."""
    store.save(night(1, identities=(billing,)))

    with pytest.raises(
        StoreError, match="two records of kind identity with the key arn:aws:iam::123456789012:user/svc-billing"
    ):
        store.save(night(2, identities=(billing, replace(billing, findings=("f1",)))))
    assert [scan.id for scan in store.scans()] == ["night-1"]
    assert store.load() == night(1, identities=(billing,))


def test_scans_are_listed_as_saved(store: Store) -> None:
    """Scans are listed in the order they were stored, also when the clock went backwards in between."""
    store.save(night(5, summary=Summary(identities=3, gaps=2)))
    store.save(night(4))

    first, second = store.scans()

    started = NOW + timedelta(days=5)
    assert first == StoredScan(
        id="night-5",
        started_at=started,
        finished_at=started + timedelta(minutes=4),
        version="1",
        counts=Summary(identities=3, gaps=2),
    )
    assert second.id == "night-4"
    assert store.load().scan.id == "night-4"


def test_carries_over_what_is_wanted(store: Store) -> None:
    """Records of the latest scan are chosen by source, scope and kind; those of older scans are not among them."""
    store.save(night(1, identities=(make_assessment("gone"),), findings=(make_finding(fingerprint="f0"),)))
    entry = EntryAssessment(entry=make_entry("svc-billing"), state="found", first_seen=NOW)
    right = make_assignment()
    rights = (right, replace(right, key="z", scope="elsewhere"))
    second = night(2, identities=(deploy, billing), secrets=(secret,), entries=(entry,), findings=(other, found))
    store.save(replace(second, assignments=rights))
    asked: list[tuple[str, str, str]] = []

    def wanted(source: str, scope: str, kind: str) -> bool:
        asked.append((source, scope, kind))
        return source != "prod"

    assert list(store.memory.assessments(wanted)) == [deploy]
    assert list(store.memory.secrets(wanted)) == [secret]
    assert list(store.memory.assignments(lambda source, scope: (source, scope) == ("prod", "s"))) == [right]
    assert list(store.memory.entries()) == [entry]
    assert list(store.memory.findings({"f0", "f2"})) == [other]
    assert sorted(asked) == [
        ("dev", "123456789012", "role"),
        ("prod", "123456789012", "user"),
        ("vault", "kv", "secret"),
    ]


def test_knows_the_latest_fingerprints(store: Store) -> None:
    """A finding is known while the latest scan has it: one that went and came back is new again."""
    since = replace(other, first_seen=NOW)
    store.save(night(1, findings=(found, since)))
    store.save(night(2, findings=(since,)))

    assert store.has_scans()
    assert store.memory.known_fingerprints() == {"f2": KnownFinding(NOW, other.severity)}


def test_history_of_an_identity(store: Store) -> None:
    """An identity's versions have their times; its use alone makes none, and the last version is shown."""
    used = UsageVerdict(state="active", last_used_at=NOW, window_days=90, evidence="used 2026-11-25")
    owned = replace(billing, findings=("f1",))
    store.save(night(1, identities=(billing,)))
    store.save(night(2, identities=(replace(billing, usage=used),)))
    store.save(night(3, identities=(owned,)))
    store.save(night(4))
    store.save(night(5, identities=(deploy, owned)))

    first, second, third, fifth = (NOW + timedelta(days=day) for day in (1, 3, 4, 5))
    assert store.history(billing.identity.key) == (
        IdentityVersion(since=first, until=second, assessment=replace(billing, usage=used)),
        IdentityVersion(since=second, until=third, assessment=owned),
        IdentityVersion(since=fifth, until=None, assessment=owned),
    )


def test_hostile_ids_are_only_text(store: Store) -> None:
    """What looks like SQL or a terminal escape in an id is stored and reported as text."""
    hostile = replace(night(1).scan, id="'; DROP TABLE scan; --\x1b[31m")
    store.save(night(1, scan=hostile, coverage=(make_coverage(scope="\0'"),)))

    assert store.load(hostile.id).scan == hostile
    with pytest.raises(StoreError) as raised:
        store.load("nothing\x1b[31m")
    assert "\x1b" not in f"{raised.value} {raised.value.hint}"


def test_text_without_an_encoding_is_refused(store: Store) -> None:
    """A lone surrogate, which no database takes, is an error that names the record, and nothing is stored."""
    with pytest.raises(StoreError, match="svc-billing holds text that UTF-8 cannot hold"):
        store.save(night(1, identities=(replace(billing, identity=replace(billing.identity, description="\ud800")),)))
    with pytest.raises(StoreError, match="the scan holds text that UTF-8 cannot hold"):
        store.save(night(1, coverage=(make_coverage(detail="\ud800"),)))
    assert not store.has_scans()


# --- what is to be reported -----------------------------------------------------------


def _alarms(*ids: str, blind: tuple[str, ...] = (), source: str = "prod") -> Alarms:
    messages = tuple(Message(id=one, channel="soc", created_at=NOW, body="{}") for one in ids)
    spots = tuple(BlindSpot(source=source, scope="1", section=one, status="denied", since=NOW) for one in blind)
    return Alarms(messages=messages, blind=spots, sources=frozenset({source}))


def test_messages_come_with_the_scan_and_go_when_they_arrived(store: Store) -> None:
    """Written in its transaction: a scan that is refused leaves none."""
    store.save(night(1), _alarms("a", "b"))
    with pytest.raises(StoreError):
        store.save(night(1), _alarms("c"))

    first, second = store.outbox.claimed(lambda: NOW)
    store.outbox.arrived(first)
    store.outbox.failed(second, "it answers 500", attempts=3)

    (left,) = store.outbox.pending()
    assert (left.id, left.attempts, left.fault) == ("b", 3, "it answers 500")


def test_a_message_is_taken_in_once(store: Store) -> None:
    """Anyone who posts it again adds nothing."""
    store.outbox.post(_alarms("a"))
    store.outbox.post(_alarms("a", "b"))

    assert [one.id for one in store.outbox.pending()] == ["a", "b"]


def test_a_message_is_sent_by_one(store: Store) -> None:
    """Anyone who claims it has it, until they have failed, or not been heard of for a while."""
    store.outbox.post(_alarms("a"))

    def claimed(minutes: int) -> list[str]:
        return [one.id for one in store.outbox.claimed(lambda: NOW + timedelta(minutes=minutes))]

    claims = [claimed(minutes) for minutes in (0, 9, 11)]
    (message,) = store.outbox.pending()
    store.outbox.failed(message, "no", attempts=1)

    assert claims == [["a"], [], ["a"]]
    assert len(list(store.outbox.claimed(lambda: NOW))) == 1


def test_a_ticket_is_written_by_one(store: Store) -> None:
    """What it should say is the last scan's, also while someone writes it. An unclear end keeps others away."""
    wanted = [WantedTicket(marker="m", target="t", wanted=said, wanted_at=NOW) for said in ("one", "two")]
    store.save(night(1), Alarms(tickets=(wanted[0],)))
    first = store.tickets.claim("m", NOW)
    store.save(night(2), Alarms(tickets=(wanted[1],)))

    assert first is not None
    assert store.tickets.claim("m", NOW + timedelta(minutes=9)) is None
    store.tickets.written(replace(first, written="one", reference="7", closed_at=NOW, reopened=True))
    (known,) = store.tickets.all()
    assert (known.wanted, known.written, known.reference, known.is_written) == ("two", "one", "7", False)
    assert (known.closed_at, known.reopened) == (NOW, True)

    store.tickets.failed(known, "it answers 500", unclear=False)
    second = store.tickets.claim("m", NOW)
    assert second is not None
    store.tickets.failed(second, "no answer in time", unclear=True)
    assert store.tickets.claim("m", NOW + timedelta(minutes=9)) is None
    late = store.tickets.claim("m", NOW + timedelta(minutes=11))
    assert late is not None
    assert (late.attempts, late.fault) == (2, "no answer in time")
    store.tickets.forget("m")
    assert store.tickets.all() == ()


def test_blind_spots_are_those_of_the_sources_scanned_last(store: Store) -> None:
    """A source that was not scanned keeps its own."""
    store.save(night(1), _alarms(blind=("iam.users", "iam.roles")))
    store.save(night(2), _alarms(blind=("kv",), source="vault"))
    store.save(night(3), _alarms(blind=("iam.roles",)))

    spots = store.outbox.blind_spots()

    assert [(one.source, one.section, one.since) for one in spots] == [("prod", "iam.roles", NOW), ("vault", "kv", NOW)]


def test_an_acknowledged_finding_was_not_announced(store: Store) -> None:
    """So that it is new on the day after."""
    known = Acknowledged(reason="x", by="ada", until=NOW.date())
    store.save(night(1, findings=(found, replace(other, acknowledged=known))))

    assert set(store.memory.known_fingerprints()) == {"f1"}
    assert store.load().findings == (found, replace(other, acknowledged=known))


def test_records_of_a_scan_by_key(store: Store) -> None:
    """Those of any scan, in the order of the keys; keys that it lacks are left out."""
    declared = EntryAssessment(entry=make_entry(), state="not_found")
    first = night(0, identities=(billing, deploy), secrets=(secret,), entries=(declared,), findings=(found, other))
    store.save(first)
    store.save(night(1, identities=(replace(billing, rechecked=False),), findings=(other,)))
    keys = [deploy.identity.key, "unknown", billing.identity.key]

    with store.records("night-0") as then:
        assert then.identities(keys) == (deploy, billing)
        assert then.findings(["f2", "f1"]) == (other, found)
        assert (then.secrets(["s"]), then.entries(["NHI-1"])) == ((secret,), (declared,))
    with store.records() as now:
        assert now.identities(keys) == (replace(billing, rechecked=False),)
        assert now.findings(["f2", "f1"]) == (other,)
        assert now.frame.scan.id == "night-1"
        assert now.first_seen(keys) == {key: NOW for key in keys if key != "unknown"}
    with pytest.raises(StoreError), store.records("none"):
        pass


def test_what_was_not_compared_is_kept(store: Store) -> None:
    """A scan that was loaded says it as the scan did, and a change of it is a version of its own."""
    unread = replace(billing, not_compared=("permissions: an unread policy", "systems: \x00 é"))
    for number, judged in enumerate((billing, unread, billing)):
        store.save(night(number, identities=(judged,)))

    assert [store.load(f"night-{number}").identities[0].not_compared for number in range(3)] == [
        (),
        unread.not_compared,
        (),
    ]
