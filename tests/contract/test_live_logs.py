"""What every log owes that is asked for live: a scope and a day in as few requests as there are pages, or a gap."""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any, ClassVar
from urllib.parse import parse_qs

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from msgspec import Raw

from connectors import testing as hub
from connectors.anthropic import activity as activity_feed
from connectors.anthropic import requests as anthropic_requests
from connectors.anthropic.activity import ActivityFeed, AnthropicActivityLog
from connectors.azure.logs import activity, signins
from connectors.azure.logs.live import ActivityLog, SignIns
from connectors.base import Malformed, Meter
from connectors.fakes.azure.audit_logs import by_application, log_event, log_sign_in
from connectors.fakes.azure.faults import Fault
from connectors.fakes.azure.tenant import guid
from connectors.fakes.azure.wire import Reply, Row, Service, refusal
from connectors.fakes.gcp.cloud import Cloud
from connectors.fakes.gcp.faults import Refused
from connectors.fakes.gcp.logs import log_entry
from connectors.gcp.client.api import GcpApi
from connectors.gcp.client.session import GcpSession
from connectors.gcp.logs import audit
from connectors.gcp.logs.batching import Batches
from connectors.gcp.logs.live import CloudLogging
from connectors.github.logs import audit as github_audit
from connectors.github.logs.live import OrganizationLog
from connectors.kubernetes.connector import KubernetesConnector
from connectors.kubernetes.logs import audit as kubernetes_audit
from connectors.kubernetes.logs.audit import KubernetesAuditLog
from connectors.kubernetes.logs.live import asked as cluster_logs
from connectors.kubernetes.settings import KubernetesSettings
from connectors.logs.live import Ask, LiveReader, LiveSource, Span
from connectors.logs.names import Networks
from connectors.openai import audit as openai_audit
from connectors.openai import requests as openai_requests
from connectors.openai.audit import OpenaiAuditLog, OpenaiLog
from scanner.errors import Denied, SourceError, Throttled
from scanner.model.activity import LogDay, LogUnit
from tests.connectors.anthropic import estates as anthropic
from tests.connectors.aws.conftest import moto
from tests.connectors.azure.conftest import azure
from tests.connectors.azure.estate import AzureEstate
from tests.connectors.gcp.conftest import Place, start
from tests.connectors.github import estates
from tests.connectors.github.estates import connector as github_connector
from tests.connectors.github.fake import GithubServer, Organization, served
from tests.connectors.kubernetes.conftest import Running, clusters, tls
from tests.connectors.kubernetes.logs.eks import Logs
from tests.connectors.kubernetes.logs.gke import Gke, gke
from tests.connectors.kubernetes.logs.test_audit import event as audit_event
from tests.connectors.kubernetes.test_clouds import EKS
from tests.connectors.openai import estates as openai
from tests.connectors.vendors import fake as vendors
from tests.connectors.vendors.fake import Vendor
from tests.examples import examples
from tests.hostile_json import JSON, mutated
from tests.servers.moto_server import ENVIRONMENT, MotoServer

__all__ = ["azure", "clusters", "gke", "moto", "start", "tls"]

NOW = datetime(2026, 11, 28, 14, 30, tzinfo=UTC)
TODAY = NOW.date()


def ago(days: int, time: str = "10:00:00") -> str:
    """A time so many days before today."""
    return f"{TODAY - timedelta(days)}T{time}Z"


class Live(ABC):
    """A provider with a log. ``permission``: what reading it takes. ``kept``: days. ``page``: records on one."""

    scope: str
    caller: str
    permission: ClassVar[str]
    kept: ClassVar[int]
    page: ClassVar[int] = 1_000

    @abstractmethod
    def reader(self) -> LiveReader:
        """Reads it through a source, its session being new."""

    @abstractmethod
    def act(self, at: str, **facts: Any) -> None:
        """A workload does something then. ``facts``: of the record."""

    @abstractmethod
    def asked(self) -> int:
        """How often the log itself was asked for."""

    @abstractmethod
    def refuse(self, status: int, *, times: int, retry_after: str | None = None) -> None:
        """The log is refused, so many times."""

    @abstractmethod
    def go_in_circles(self) -> None:
        """Each page links to itself."""


class _OfAzure(Live):
    """``path``: of the log, as a regular expression."""

    service: ClassVar[Service]
    path: str
    link: ClassVar[str]

    def __init__(self, estate: AzureEstate) -> None:
        self.estate = estate
        self.caller = guid("client/ledger")
        estate.tenant.add_application("ledger")

    def asked(self) -> int:
        return sum(call.path.startswith(self.path) for call in self.estate.server.log)

    def answer(self, reply: Reply, times: int = 1_000) -> None:
        fault = Fault(service=self.service, path=self.path, reply=reply, times=times)
        self.estate.server.faults.add(fault)

    def refuse(self, status: int, *, times: int, retry_after: str | None = None) -> None:
        headers = {} if retry_after is None else {"Retry-After": retry_after}
        self.answer(Reply(status=status, body=refusal(self.service, status, "No").body, headers=headers), times)

    def go_in_circles(self) -> None:
        self.answer(Reply(body={"value": [], self.link: f"{self.estate.server.url}{self.path}?$skiptoken=again"}))


class Entra(_OfAzure):
    """Sign-ins of workloads."""

    permission, kept = "AuditLog.Read.All", 30
    service, path, link = "graph", "/beta/auditLogs/signIns", "@odata.nextLink"

    def __init__(self, estate: AzureEstate) -> None:
        super().__init__(estate)
        self.scope = estate.tenant.id

    def reader(self, **more: Any) -> LiveReader:
        source = SignIns(self.estate.connector(), **more)
        return LiveReader("live", source, signins.EntraLog.records, partial(signins.Reading, Networks()))

    def act(self, at: str, **facts: Any) -> None:
        log_sign_in(self.estate.tenant, "ledger", at, **facts)


class Activity(_OfAzure):
    """The activity log of a subscription."""

    permission, kept = "Microsoft.Insights/eventtypes/values/read", 90
    service, link = "arm", "nextLink"

    def __init__(self, estate: AzureEstate) -> None:
        super().__init__(estate)
        self.scope = estate.tenant.add_subscription("prod")["subscriptionId"]
        self.path = f"/subscriptions/{self.scope}/providers/Microsoft.Insights/eventtypes/management/values"

    def reader(self) -> LiveReader:
        source = ActivityLog(self.estate.connector())
        return LiveReader("live", source, activity.AzureActivityLog.records, partial(activity.Reading, Networks()))

    def act(self, at: str, **facts: Any) -> None:
        facts = {**by_application("ledger"), **facts}
        log_event(self.estate.tenant, self.scope, at, "Microsoft.Compute/disks/write", **facts)


class Google(Live):
    """Audit logs of a project, whose bucket keeps them for a hundred days."""

    scope, caller = "acme", "ledger@acme.iam.gserviceaccount.com"
    permission, kept = "logging.logEntries.list", 100
    place: Place

    def __init__(self, start: Callable[[Cloud], Place]) -> None:
        cloud = Cloud()
        cloud.add_project("acme", "1001")
        cloud.rights |= {"logging.logEntries.list", "logging.privateLogEntries.list"}
        bucket = "projects/acme/locations/global/buckets"
        cloud.add(bucket, {"name": f"{bucket}/_Default", "retentionDays": self.kept})
        self.cloud, self.place = cloud, start(cloud)

    def reader(self, most_in_batch: int = 1_000, **settings: Any) -> LiveReader:
        source = CloudLogging(self.place.connector(**settings), most_in_batch=most_in_batch)
        return LiveReader("live", source, audit.GcpAuditLog.records, partial(audit.Reading, Networks()))

    def act(self, at: str, place: str = "projects/acme", kind: str = "activity", **facts: Any) -> None:
        facts = {
            "serviceName": "compute.googleapis.com",
            "methodName": "v1.compute.disks.insert",
            "authenticationInfo": {"principalEmail": self.caller},
            **facts,
        }
        log_entry(self.cloud, place, at, len(self.cloud.rows[f"{place}/logs"]), kind, **facts)

    def asked(self) -> int:
        return self.cloud.log.count("POST /v2/entries:list")

    def refuse(self, status: int, *, times: int, retry_after: str | None = None) -> None:
        headers = {} if retry_after is None else {"Retry-After": retry_after}
        refused = Refused(status, "no", headers=headers)
        self.cloud.faults.refuse(refused, api="logging", place="projects/acme/logs", times=times)

    def go_in_circles(self) -> None:
        self.cloud.faults.endless_pages = True


class Github(Live):
    """The audit log of an organization."""

    scope, caller = "acme", "ledger[bot]"
    permission = "organization_administration: read (App), or read:audit_log (token)"
    kept, page = 180, 100

    def __init__(self, github: tuple[GithubServer, str]) -> None:
        self.server, self.url = github
        self.requests = 0
        self.replies: Iterator[hub.Reply] = iter(())
        self.server.faults = self._fault

    def _fault(self, _: hub.Asked) -> hub.Reply | None:
        self.requests += 1
        return next(self.replies, None)

    def reader(self) -> LiveReader:
        source = OrganizationLog(github_connector(self.url))
        return LiveReader(
            "live", source, github_audit.GithubAuditLog.records, partial(github_audit.Reading, Networks())
        )

    def act(self, at: str, **facts: Any) -> None:
        rows = self.server.organization.rows("audit-log")
        when = round(datetime.fromisoformat(at).timestamp() * 1000)
        rows.append(
            {"@timestamp": when, "action": "repo.create", "actor": self.caller, "org": "acme",
             "_document_id": f"d{len(rows)}", **facts}
        )  # fmt: skip

    def asked(self) -> int:
        return self.requests

    def refuse(self, status: int, *, times: int, retry_after: str | None = None) -> None:
        headers = {} if retry_after is None else {"Retry-After": retry_after}
        self.replies = iter([hub.Reply(status=status, body={"message": "No"}, headers=headers)] * times)

    def go_in_circles(self) -> None:
        link = {"Link": '<{url}/orgs/acme/audit-log?after=2>; rel="next"'}
        self.replies = iter([hub.Reply(body=[], headers=link)] * 1_000)


class _OfVendor(Live):
    """The log of an organization at a vendor. ``path``: of its listing; ``since``, ``until``: its parameters."""

    path: ClassVar[str]
    since: ClassVar[str]
    until: ClassVar[str]

    def __init__(self, vendor: tuple[Vendor, str]) -> None:
        self.vendor, self.url = vendor
        self.events: list[dict[str, Any]] = []
        self.requests = 0
        self.replies: Iterator[hub.Reply] = iter(())
        self.vendor.faults = self._fault

    @abstractmethod
    def seconds(self, event: dict[str, Any]) -> float:
        """When an event was."""

    @abstractmethod
    def bound(self, value: str) -> float:
        """A parameter's time."""

    def _fault(self, asked: hub.Asked) -> hub.Reply | None:
        """Filters as the API does, the newest first, unless something else is to be answered."""
        if asked.path != self.path:
            return None
        self.requests += 1
        query = {name: self.bound(values[0]) for name, values in parse_qs(asked.query).items() if "_at" in name}
        start, end = query[self.since], query[self.until]
        found = [event for event in self.events if start <= self.seconds(event) < end]
        self.vendor.rest[self.path] = sorted(found, key=self.seconds, reverse=True)
        return next(self.replies, None)

    def asked(self) -> int:
        return self.requests

    def refuse(self, status: int, *, times: int, retry_after: str | None = None) -> None:
        headers = {} if retry_after is None else {"Retry-After": retry_after}
        self.replies = iter([hub.Reply(status=status, body={"error": {"message": "No"}}, headers=headers)] * times)

    def go_in_circles(self) -> None:
        self.replies = iter([hub.Reply(body={"data": [], "has_more": True, "last_id": "again"})] * 1_000)


class Openai(_OfVendor):
    """OpenAI's audit log."""

    scope, caller = "acme", "svc_acct_deploy"
    permission, kept, page = openai_requests.AUDIT_LOG.permission, 365, 100
    path, since, until = "/v1/organization/audit_logs", "effective_at[gte]", "effective_at[lt]"

    def reader(self) -> LiveReader:
        source = OpenaiLog(openai.connector(self.url))
        return LiveReader("live", source, OpenaiAuditLog.records, partial(openai_audit.Reading, Networks()))

    def act(self, at: str, **facts: Any) -> None:
        key = {"id": "key_deploy", "type": "service_account", "service_account": {"id": self.caller}}
        when = round(datetime.fromisoformat(at).timestamp())
        about = {"id": "proj_shop", "changes_requested": {"title": "shop"}}
        self.events.append(
            {"id": f"audit_{len(self.events)}", "type": "project.updated", "effective_at": when,
             "actor": {"type": "api_key", "api_key": key}, "project.updated": about, **facts}
        )  # fmt: skip

    def seconds(self, event: dict[str, Any]) -> float:
        return float(event["effective_at"])

    def bound(self, value: str) -> float:
        return float(value)


class Anthropic(_OfVendor):
    """Anthropic's activity feed."""

    scope, caller = "org_acme", "ada@acme.example"
    permission, kept, page = anthropic_requests.ACTIVITIES.permission, 2190, 1_000
    path, since, until = "/v1/compliance/activities", "created_at.gte", "created_at.lt"

    def reader(self) -> LiveReader:
        source = ActivityFeed(anthropic.connector(self.url))
        return LiveReader("live", source, AnthropicActivityLog.records, partial(activity_feed.Reading, Networks()))

    def act(self, at: str, **facts: Any) -> None:
        actor = {"type": "user_actor", "email_address": self.caller, "user_id": "user_ada"}
        self.events.append(
            {"id": f"activity_{len(self.events)}", "type": "workspace_created", "created_at": at,
             "organization_id": self.scope, "actor": actor, "workspace_id": "wrkspc_1", **facts}
        )  # fmt: skip

    def seconds(self, event: dict[str, Any]) -> float:
        return datetime.fromisoformat(event["created_at"]).timestamp()

    def bound(self, value: str) -> float:
        return datetime.fromisoformat(value).timestamp()


class Cluster(Live):
    """The audit log of a cluster of EKS."""

    caller = "system:serviceaccount:apps:ledger"
    permission, kept, page = "logs:FilterLogEvents", 90, 100

    def __init__(self, logs: Logs) -> None:
        self.logs = logs
        spaces = logs.cluster.cluster.of("namespaces")
        self.scope = next(one["metadata"]["uid"] for one in spaces if one["metadata"]["name"] == "kube-system")

    def reader(self) -> LiveReader:
        settings = KubernetesSettings(cluster=EKS, endpoint_url=self.logs.url)
        source = cluster_logs(KubernetesConnector("k8s", settings))
        records = KubernetesAuditLog.records
        return LiveReader("live", source, records, partial(kubernetes_audit.Reading, Networks(), "live"))

    def act(self, at: str, **facts: Any) -> None:
        self.logs.add(audit_event(user=self.caller, requestReceivedTimestamp=at, **facts), at)

    def asked(self) -> int:
        return self.logs.asked

    def refuse(self, status: int, *, times: int, retry_after: str | None = None) -> None:
        name = "AccessDeniedException" if status == 403 else "ThrottlingException"
        headers = {} if retry_after is None else {"Retry-After": retry_after}
        self.logs.replies = [hub.Reply(status=400, body={"__type": name}, headers=headers)] * times

    def go_in_circles(self) -> None:
        self.logs.circles = True


class GoogleCluster(Live):
    """The audit log of a cluster of GKE, with requests that read."""

    caller = "system:serviceaccount:apps:ledger"
    permission, kept = "logging.logEntries.list", 100

    def __init__(self, gke: Gke) -> None:
        self.gke, self.scope = gke, gke.uid
        gke.keep_for(self.kept)

    def reader(self) -> LiveReader:
        source = cluster_logs(KubernetesConnector("k8s", self.gke.settings))
        records = KubernetesAuditLog.records
        return LiveReader("live", source, records, partial(kubernetes_audit.Reading, Networks(), "live"))

    def act(self, at: str, **facts: Any) -> None:
        self.gke.act(at, self.caller, **facts)

    def asked(self) -> int:
        return self.gke.cloud.log.count("POST /v2/entries:list")

    def refuse(self, status: int, *, times: int, retry_after: str | None = None) -> None:
        headers = {} if retry_after is None else {"Retry-After": retry_after}
        refused = Refused(status, "no", headers=headers)
        self.gke.cloud.faults.refuse(refused, api="logging", place="projects/shop/logs", times=times)

    def go_in_circles(self) -> None:
        self.gke.cloud.faults.endless_pages = True


@pytest.fixture
def logs(moto: MotoServer, clusters: Running, monkeypatch: pytest.MonkeyPatch) -> Iterator[Logs]:
    """An account with a cluster whose audit log is empty."""
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    with Logs(moto, clusters) as server:
        yield server


@pytest.fixture
def openai_vendor(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Vendor, str]]:
    """An organization of OpenAI."""
    monkeypatch.setenv(openai.TOKEN, openai.VALUE)
    api = openai.organization()
    with vendors.served(api) as url:
        yield api, url


@pytest.fixture
def anthropic_vendor(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Vendor, str]]:
    """An organization of Anthropic."""
    monkeypatch.setenv(anthropic.TOKEN, anthropic.VALUE)
    api = anthropic.organization()
    with vendors.served(api) as url:
        yield api, url


@pytest.fixture
def github(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[GithubServer, str]]:
    """An organization whose audit log is empty."""
    monkeypatch.setenv(estates.TOKEN, estates.VALUE)
    with served(Organization(), token=estates.VALUE) as found:
        yield found


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


def units(reader: LiveReader, since: int, until: int = 0, now: datetime = NOW) -> list[LogUnit]:
    """What there is to read from so many days ago to so many."""
    listed = reader.units(TODAY - timedelta(since), TODAY - timedelta(until), now)
    return [one for one in listed if isinstance(one, LogUnit)]


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
    assert f"keeps {live.kept} days" in str(gap.detail)
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
    live.refuse(429, times=1, retry_after="0.001" if isinstance(live, _OfAzure) else "0")
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
def test_wrong_records_are_no_day(azure: AzureEstate, kind: type[_OfAzure], row: Row, words: str) -> None:
    """Nothing of it is kept, and the next run asks again."""
    live = kind(azure)
    azure.is_hostile = True
    live.answer(Reply(body={"value": [{"appId": live.caller, "servicePrincipalId": live.caller, **row}]}))
    reader = live.reader()
    (unit,) = units(reader, 3, 3)
    with pytest.raises(Malformed, match=words):
        reader.read(unit, NOW)


def test_wrong_entries_are_no_day(google: Google) -> None:
    """One of them is enough."""
    google.act(ago(3))
    google.cloud.rows["projects/acme/logs"].append({**google.cloud.rows["projects/acme/logs"][0], "protoPayload": 5})
    reader = google.reader()
    (unit,) = units(reader, 3, 3)

    with pytest.raises(Malformed, match="not as expected"):
        reader.read(unit, NOW)


@pytest.mark.parametrize("kind", [Entra, Activity])
def test_no_other_host_is_asked(azure: AzureEstate, kind: type[_OfAzure]) -> None:
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
    (audit.GcpAuditLog.records, partial(audit.Reading, Networks())),
    (signins.EntraLog.records, partial(signins.Reading, Networks())),
    (activity.AzureActivityLog.records, partial(activity.Reading, Networks())),
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
            assert [one.status for one in reading.coverage] == ["complete"]
            assert rows != [GOOD] or reading.events == 1
