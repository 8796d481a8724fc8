"""What every log owes that is asked for live: a scope and a day in as few requests as there are pages, or a gap."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from msgspec import Raw

from connectors import testing as hub
from connectors.azure.logs import activity, signins
from connectors.azure.logs.live import ActivityLog
from connectors.core.contract import Malformed, Meter
from connectors.gcp.client.api import GcpApi
from connectors.gcp.client.session import GcpSession
from connectors.gcp.logs import audit
from connectors.gcp.logs.batching import Batches
from connectors.logs.live import Ask, LiveReader, LiveSource, Span
from connectors.logs.names import Networks
from scanner.demo.fakes.azure.tenant import Row
from scanner.demo.fakes.azure.wire import Reply, refusal
from scanner.demo.fakes.gcp.cloud import Cloud
from scanner.errors import Denied, SourceError, Throttled
from scanner.model.activity import MALFORMED, LogDay
from tests.connectors.aws.conftest import moto
from tests.connectors.azure.conftest import azure
from tests.connectors.azure.estate import AzureEstate
from tests.connectors.gcp.conftest import Place, start
from tests.connectors.github.fake import GithubServer
from tests.connectors.kubernetes.conftest import clusters, tls
from tests.connectors.kubernetes.logs.gke import gke
from tests.contract.live.azure import Activity, AzureLog, Entra
from tests.contract.live.base import NOW, TODAY, Live, ago, units
from tests.contract.live.gcp import Google
from tests.contract.live.github import Github, github
from tests.contract.live.kubernetes import Cluster, GoogleCluster, logs
from tests.contract.live.vendors import Anthropic, Openai, anthropic_vendor, openai_vendor
from tests.examples import examples
from tests.hostile_json import JSON, mutated

__all__ = ["anthropic_vendor", "azure", "clusters", "github", "gke", "logs", "moto", "openai_vendor", "start", "tls"]

_FIXTURES = {
    Entra: "azure",
    Activity: "azure",
    Google: "start",
    Github: "github",
    Openai: "openai_vendor",
    Anthropic: "anthropic_vendor",
    Cluster: "logs",
    GoogleCluster: "gke",
}


@pytest.fixture(params=list(_FIXTURES))
def live(request: pytest.FixtureRequest) -> Live:
    """One of the logs, empty."""
    fixture = _FIXTURES[request.param]
    made: Live = request.param(request.getfixturevalue(fixture))
    return made


@pytest.fixture
def entra(azure: AzureEstate) -> Entra:
    """Entra's alone."""
    return Entra(azure)


@pytest.fixture
def google(start: Callable[[Cloud], Place]) -> Google:
    """Google's alone."""
    return Google(start)


def test_a_day_costs_a_request(live: Live) -> None:
    """Also one on which nothing happened; the actor is there with the day, and the scope is the source's."""
    for time in ("00:00:00", "10:00:00", "23:59:59"):
        live.act(ago(3, time))
    live.act(ago(4))
    live.act(ago(2))
    reader = live.reader()
    listed = units(reader, 3, 2)
    first, second = (reader.read(one, NOW) for one in listed)

    assert [one.name for one in listed] == [f"{live.scope}/{TODAY - timedelta(days)}" for days in (3, 2)]
    assert [(one.caller, one.scope, one.events) for one in first.callers] == [(live.caller, live.scope, 3)]
    assert first.callers[0].hours == 1 | 1 << 10 | 1 << 23
    assert first.coverage == (LogDay(scope=live.scope, day=TODAY - timedelta(3)),)
    assert second.events == 1
    assert live.asked() == 2
    assert second.calls == 1


def test_all_pages_are_read(live: Live) -> None:
    """And each record counts once."""
    many = live.page + 1
    for number in range(many):
        live.act(ago(3, f"10:{number // 60:02}:{number % 60:02}"))
    reader = live.reader()
    (unit,) = units(reader, 3, 3)

    assert reader.read(unit, NOW).events == many
    assert live.asked() == 2


def test_a_day_is_covered_once_it_has_settled(live: Live) -> None:
    """Until then it is read again each hour, up to the last full one. After that, nothing asks for it again."""
    live.act(ago(0, "13:59:59"))
    live.act(ago(0, "14:00:00"))
    reader = live.reader()
    (today,) = units(reader, 0)
    (later,) = units(reader, 0, now=NOW + timedelta(minutes=29))
    (next_hour,) = units(reader, 0, now=NOW + timedelta(minutes=30))
    just_over = datetime(2026, 11, 29, 1, tzinfo=UTC)
    (early,) = units(reader, 0, now=just_over)
    (whole,) = units(reader, 0, now=just_over + timedelta(hours=5))
    (weeks_later,) = units(reader, 0, now=just_over + timedelta(days=20))
    readings = [reader.read(one, just_over) for one in (today, next_hour, early, whole)]

    assert today == later
    assert len({one.digest for one in (today, next_hour, early, whole)}) == 4
    assert whole == weeks_later
    assert [one.events for one in readings] == [1, 2, 2, 2]
    assert [len(one.coverage) for one in readings] == [0, 0, 0, 1]
    assert units(reader, 0, now=datetime(2026, 11, 28, 0, 59, tzinfo=UTC)) == []


def test_what_is_no_longer_kept_is_a_gap(live: Live) -> None:
    """Nothing is asked; the day after it is read in full."""
    live.act(ago(live.kept - 1))
    reader = live.reader()
    gone, kept = units(reader, live.kept, live.kept - 1)
    (gap,) = reader.read(gone, NOW).coverage

    assert gap.status == "failed"
    assert f"keeps {live.kept:,} days" in str(gap.detail)
    assert live.asked() == 0
    assert [one.status for one in reader.read(kept, NOW).coverage] == ["complete"]


def test_what_is_denied_once_is_not_asked_again(live: Live) -> None:
    """The error names the permission."""
    live.refuse(403, times=1_000)
    reader = live.reader()
    for unit in units(reader, 5, 2):
        with pytest.raises(Denied) as denied:
            reader.read(unit, NOW)
        assert denied.value.permission == live.permission

    assert live.asked() == 1
    with pytest.raises(Denied):
        live.reader().check(NOW)


def test_a_throttled_request_waits_as_long_as_the_provider_asks(live: Live) -> None:
    """Then the day is read in full. If that is too long, the log rests for this run."""
    live.act(ago(3))
    live.refuse(429, times=1, retry_after="0.001" if isinstance(live, AzureLog) else "0")
    reader = live.reader()
    (unit,) = units(reader, 3, 3)
    assert reader.read(unit, NOW).events == 1

    live.refuse(429, times=1_000, retry_after="3600")
    before = live.asked()
    for one in units(reader, 5, 4):
        with pytest.raises(Throttled):
            reader.read(one, NOW)
    assert live.asked() == before + 1


def test_pages_in_a_circle_are_no_day(live: Live) -> None:
    """The unit fails."""
    reader = live.reader()
    (unit,) = units(reader, 3, 3)
    live.go_in_circles()
    with pytest.raises(SourceError, match=r"already read|repeat"):
        reader.read(unit, NOW)

    assert live.asked() <= 3


@pytest.mark.parametrize(
    ("row", "words"),
    [
        ({"createdDateTime": ago(2), "eventTimestamp": ago(2), "operationName": {"value": "a/b/write"}}, "other days"),
        ({"createdDateTime": 5, "eventTimestamp": 5}, "not as expected"),
    ],
)
@pytest.mark.parametrize("kind", [Entra, Activity])
def test_wrong_records_are_no_day(azure: AzureEstate, kind: type[AzureLog], row: Row, words: str) -> None:
    """Nothing of it is kept, and the next run asks again."""
    live = kind(azure)
    azure.is_hostile = True
    live.answer(Reply(body={"value": [{"appId": live.caller, "servicePrincipalId": live.caller, **row}]}))
    reader = live.reader()
    (unit,) = units(reader, 3, 3)
    with pytest.raises(Malformed, match=words):
        reader.read(unit, NOW)


def test_a_wrong_entry_costs_itself(google: Google) -> None:
    """The day is read, and not covered."""
    google.act(ago(3))
    google.cloud.rows["projects/acme/logs"].append({**google.cloud.rows["projects/acme/logs"][0], "protoPayload": 5})
    reader = google.reader()
    (unit,) = units(reader, 3, 3)
    reading = reader.read(unit, NOW)

    assert (reading.events, [one.status for one in reading.coverage]) == (1, ["partial"])
    assert "1 record that could not be read, such as record 2 of the response for" in str(reading.coverage[0].detail)


@pytest.mark.parametrize("wrong", [{"org": 5}, {"@timestamp": "soon"}, {"action": None}])
def test_a_wrong_event_costs_itself(github: tuple[GithubServer, str], wrong: Row) -> None:
    """Also where its time is looked at before it is read."""
    live = Github(github)
    for facts in ({}, wrong, {}):
        live.act(ago(3), **facts)
    live.replies = iter([hub.Reply(body=live.server.organization.rows("audit-log"))])
    reader = live.reader()
    (unit,) = units(reader, 3, 3)
    reading = reader.read(unit, NOW)

    assert (reading.events, [one.records for one in reading.left_out]) == (2, [1])
    assert [one.status for one in reading.coverage] == ["partial"]


@pytest.mark.parametrize("kind", [Entra, Activity])
def test_no_other_host_is_asked(azure: AzureEstate, kind: type[AzureLog]) -> None:
    """Wherever the next page is said to be."""
    live = kind(azure)
    azure.is_hostile = True
    azure.server.pages.largest = 1
    azure.server.pages.foreign_host = "https://collector.example.net"
    live.act(ago(3))
    live.act(ago(3, "11:00:00"))
    reader = live.reader()
    (unit,) = units(reader, 3, 3)

    with pytest.raises(SourceError, match=r"collector\.example\.net is not the endpoint"):
        reader.read(unit, NOW)


def test_of_very_many_sign_ins_the_counts_are_read(entra: Entra) -> None:
    """From then on the counts come first. They have no credential."""
    for minute in range(5):
        entra.act(ago(4, f"10:0{minute}:00"))
    entra.act(ago(4, "12:00:00"), signInEventTypes=["managedIdentity"])
    entra.act(ago(3))
    reader = entra.reader(most_pages=0)
    many, next_day = (reader.read(one, NOW) for one in units(reader, 4, 3))

    assert (many.events, next_day.events) == (6, 1)
    assert [one.status for one in many.coverage] == ["complete"]
    assert many.callers[0].hours == 1 << 10 | 1 << 12
    assert not [text for text in many.callers[0].counts if text.startswith("credential=")]
    assert (entra.asked(), many.calls, next_day.calls) == (1, 1 + 2, 2)


def test_a_missing_licence_is_a_gap(entra: Entra) -> None:
    """Not a fact to be content with: the days are unread."""
    code = "Authentication_RequestFromNonPremiumTenantOrB2CTenant"
    entra.answer(Reply(status=403, body=refusal("graph", 403, code).body))
    reader = entra.reader()
    for unit in units(reader, 3, 2):
        with pytest.raises(SourceError, match="Entra ID P1") as refused:
            reader.read(unit, NOW)
        assert refused.value.status == "failed"

    assert entra.asked() == 1


def test_without_private_logs_nothing_is_covered(google: Google) -> None:
    """Google leaves them out without a word, so it is asked beforehand."""
    google.act(ago(3), kind="data_access")
    google.cloud.rights -= {"logging.privateLogEntries.list"}
    reader = google.reader()
    (unit,) = units(reader, 3, 3)
    with pytest.raises(Denied) as denied:
        reader.read(unit, NOW)

    assert denied.value.permission == "logging.privateLogEntries.list"
    assert google.asked() == 0


def test_the_bucket_is_asked_how_long_it_keeps(google: Google) -> None:
    """Once; not for what no bucket would have removed. Where that is denied, thirty days are assumed."""
    google.act(ago(0, "01:00:00"))
    reader = google.reader()
    reader.read(units(reader, 0)[0], NOW)
    assert not [line for line in google.cloud.log if "/buckets/" in line]

    for unit in units(reader, 40, 30):
        reader.read(unit, NOW)
    assert len([line for line in google.cloud.log if "/buckets/" in line]) == 1
    assert len([line for line in google.cloud.log if "testIamPermissions" in line]) == 1

    google.cloud.faults.deny(part="/buckets/")
    careful = google.reader()
    gone, kept = (careful.read(one, NOW) for one in units(careful, 30, 29))
    assert [one.status for one in (*gone.coverage, *kept.coverage)] == ["failed", "complete"]


def test_folders_and_the_organization_have_logs_of_their_own(google: Google) -> None:
    """Each is a scope, whether bulk listing works or not: it is not asked."""
    cloud = google.cloud
    organization = cloud.add_organization("1")
    folder = cloud.add_folder("2", organization)
    cloud.add_project("shop", "1002", folder)
    google.act(ago(3), place="folders/2")
    reader = google.reader(organization="1")
    readings = {one.name: reader.read(one, NOW) for one in units(reader, 3, 3)}

    day = TODAY - timedelta(3)
    assert {name: one.events for name, one in readings.items()} == {
        f"organizations/1/{day}": 0,
        f"folders/2/{day}": 1,
        f"shop/{day}": 0,
    }
    assert not [line for line in cloud.log if "assets" in line]


@pytest.fixture
def projects(google: Google) -> list[str]:
    """Seven projects in which someone acts once a day, for three days; in one of them ten times."""
    for number in range(6):
        google.cloud.add_project(f"shop-{number}", f"20{number}")
    names = ["acme", *(f"shop-{number}" for number in range(6))]
    for days in (2, 3, 4):
        for name in names:
            for minute in range(10 if name == "acme" else 1):
                google.act(ago(days, f"10:{minute:02}:00"), place=f"projects/{name}")
    return names


def read_planned(reader: LiveReader, since: int, until: int) -> dict[str, list[int]]:
    """By scope, the events of each day, the newest last; what will be read is planned."""
    found: dict[str, list[int]] = {}
    planned = units(reader, since, until)
    reader.plan(planned)
    for unit in planned:
        reading = reader.read(unit, NOW)
        assert [one.status for one in reading.coverage] == ["complete"]
        found.setdefault(unit.days[0].scope, []).append(reading.events)
    return found


def test_places_share_a_request(google: Google, projects: list[str]) -> None:
    """Of one day; what is not planned is not asked for."""
    found = read_planned(google.reader(), 4, 2)
    assert found == {name: [10] * 3 if name == "acme" else [1] * 3 for name in projects}
    assert google.asked() == 3

    reader = google.reader()
    (first, *_) = units(reader, 4, 4)
    assert reader.read(first, NOW).events == 10
    assert google.asked() == 4


def test_a_busy_place_is_asked_alone(google: Google, projects: list[str]) -> None:
    """From the first day on that shows it; nothing is lost or counted twice by that."""
    found = read_planned(google.reader(most_in_batch=5), 4, 2)

    assert found == {name: [10] * 3 if name == "acme" else [1] * 3 for name in projects}


def test_a_place_that_is_refused_spoils_no_other(google: Google, projects: list[str]) -> None:
    """Each gets its own answer then."""
    google.cloud.faults.deny(api="logging", place="projects/shop-3/logs")
    reader = google.reader()
    planned = units(reader, 3, 3)
    reader.plan(planned)
    found: dict[str, int | None] = {}
    for unit in planned:
        try:
            found[unit.days[0].scope] = reader.read(unit, NOW).events
        except Denied:
            found[unit.days[0].scope] = None

    assert found == {name: {"acme": 10, "shop-3": None}.get(name, 1) for name in projects}
    assert google.asked() == 1 + len(projects)


def test_places_that_share_a_request_rest_together(google: Google, projects: list[str]) -> None:
    """A request to come back later holds for all of them."""
    google.refuse(429, times=1_000, retry_after="3600")
    reader = google.reader()
    planned = units(reader, 3, 3)
    reader.plan(planned)
    for unit in planned:
        with pytest.raises(Throttled):
            reader.read(unit, NOW)

    assert len(planned) == len(projects)
    assert google.asked() == 1


def test_a_filter_is_no_longer_than_allowed(google: Google) -> None:
    """Places beyond that go into further requests."""
    names = [f"a-project-with-a-long-name-{number:03}" for number in range(150)]
    asked: list[Mapping[str, Any]] = []

    class Listening(GcpApi):
        def log_entries(self, body: Mapping[str, Any]) -> Iterator[list[Raw]]:
            asked.append(body)
            yield []

    span = Span(NOW - timedelta(days=1), NOW)
    batches = Batches(Listening(GcpSession(google.place.settings()), Meter()), lambda _: True)
    batches.plan([(name, span) for name in names])
    assert [list(batches.pages(name, span)) for name in names] == [[[]]] * 150

    assert sorted(one for body in asked for one in body["resourceNames"]) == [f"projects/{name}" for name in names]
    assert all(len(body["filter"]) <= 20_000 and len(body["resourceNames"]) <= 100 for body in asked)
    assert len(asked) <= 4


@pytest.mark.parametrize("row", [b'{"logName": "projects/other/logs/x"}', b'{"logName": 5}', b"[]"])
def test_an_answer_about_another_place_counts_for_none(google: Google, row: bytes) -> None:
    """The places that it was to be about are asked for one by one."""

    class Strange(GcpApi):
        def log_entries(self, body: Mapping[str, Any]) -> Iterator[list[Raw]]:
            names = body["resourceNames"]
            yield [Raw(row)] if len(names) > 1 else [Raw(names[0].encode())]

    span = Span(NOW - timedelta(days=1), NOW)
    batches = Batches(Strange(GcpSession(google.place.settings()), Meter()), lambda _: True)
    batches.plan([("a", span), ("b", span)])

    given = [bytes(one) for name in ("a", "b") for (one,) in batches.pages(name, span)]
    assert given == [b"projects/a", b"projects/b"]


def test_a_place_that_cannot_be_looked_up_is_a_gap(google: Google) -> None:
    """Of all days that were asked for; without any place, nothing can be listed."""
    google.cloud.faults.deny(place="projects/other")
    found = list(google.reader(projects=("acme", "other")).units(TODAY - timedelta(1), TODAY, NOW))
    gaps = [one for one in found if isinstance(one, LogDay)]
    assert [(one.scope, one.status) for one in gaps] == [("other", "denied")] * 2

    google.cloud.faults.deny()
    with pytest.raises(SourceError):
        next(google.reader().units(TODAY, TODAY, NOW))


def test_subscriptions_that_cannot_be_listed_are_no_silence(azure: AzureEstate) -> None:
    """Named ones are not looked for."""
    live = Activity(azure)
    azure.server.faults.deny("arm", ".*/resources")
    azure.server.faults.deny("arm", r"/subscriptions\?")
    with pytest.raises(Denied):
        next(live.reader().units(TODAY, TODAY, NOW))

    named = ActivityLog(azure.connector(subscriptions=(live.scope,)))
    assert list(named.scopes()) == [live.scope]
    assert named.calls == 0


class Stub(LiveSource):
    """Gives these rows for whatever is asked."""

    settles, kept_by = timedelta(hours=1), "the stub"

    def __init__(self, rows: list[Any]) -> None:
        self._rows = [Raw(json.dumps(row).encode()) for row in rows]

    calls = 0

    def scopes(self) -> Iterator[str | tuple[str, SourceError]]:
        yield "everywhere"

    @property
    def ways(self) -> Sequence[Ask]:
        return (lambda *_: iter([self._rows]),)

    def days_kept(self, scope: str, age: timedelta) -> int:
        del scope
        return age.days + 1


GOOD = {
    "logName": "projects/acme/logs/cloudaudit.googleapis.com%2Factivity",
    "timestamp": ago(1),
    "insertId": "1",
    "protoPayload": {"serviceName": "iam.googleapis.com", "methodName": "google.iam.admin.v1.CreateServiceAccountKey"},
    "createdDateTime": ago(1),
    "appId": "aaaaaaaa-0000-4000-8000-000000000001",
    "servicePrincipalId": "bbbbbbbb-0000-4000-8000-000000000001",
    "eventTimestamp": ago(1),
    "operationName": {"value": "Microsoft.Compute/disks/write"},
}
READINGS = (
    (audit.GcpAuditLog.records, partial(audit.GcpAuditCounting, Networks())),
    (signins.EntraLog.records, partial(signins.SignInCounting, Networks())),
    (activity.AzureActivityLog.records, partial(activity.AzureActivityCounting, Networks())),
)


@examples(10)
@given(rows=st.lists(mutated(GOOD) | JSON, max_size=3))
@example(rows=[GOOD])
def test_no_record_ends_a_reading(rows: list[Any]) -> None:
    """Whatever rows a provider gives: the day is read, or the rows are wrong."""
    for records, counting in READINGS:
        reader = LiveReader("live", Stub(rows), records, counting)
        (unit,) = units(reader, 1, 1)
        try:
            reading = reader.read(unit, NOW)
        except Malformed:
            assert rows != [GOOD]
        else:
            assert [one.status for one in reading.coverage] == [
                "partial" if any(one.what == MALFORMED for one in reading.left_out) else "complete"
            ]
            assert rows != [GOOD] or reading.events == 1
