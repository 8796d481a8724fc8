"""Entra's sign-ins and Azure's activity log."""

from __future__ import annotations

from functools import partial
from typing import Any, ClassVar

from connectors.azure.logs import activity, signins
from connectors.azure.logs.live import ActivityLog, SignIns
from connectors.logs.live import LiveReader
from connectors.logs.names import Networks
from scanner.demo.fakes.azure.audit_logs import by_application, log_event, log_sign_in
from scanner.demo.fakes.azure.faults import Fault
from scanner.demo.fakes.azure.tenant import guid
from scanner.demo.fakes.azure.wire import Reply, Service, refusal
from tests.connectors.azure.estate import AzureEstate
from tests.contract.live.base import Live


class AzureLog(Live):
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


class Entra(AzureLog):
    """Sign-ins of workloads."""

    permission, kept = "AuditLog.Read.All", 30
    service, path, link = "graph", "/beta/auditLogs/signIns", "@odata.nextLink"

    def __init__(self, estate: AzureEstate) -> None:
        super().__init__(estate)
        self.scope = estate.tenant.id

    def reader(self, **more: Any) -> LiveReader:
        source = SignIns(self.estate.connector(), **more)
        return LiveReader("live", source, signins.EntraLog.records, partial(signins.SignInCounting, Networks()))

    def act(self, at: str, **facts: Any) -> None:
        log_sign_in(self.estate.tenant, "ledger", at, **facts)


class Activity(AzureLog):
    """The activity log of a subscription."""

    permission, kept = "Microsoft.Insights/eventtypes/values/read", 90
    service, link = "arm", "nextLink"

    def __init__(self, estate: AzureEstate) -> None:
        super().__init__(estate)
        self.scope = estate.tenant.add_subscription("prod")["subscriptionId"]
        self.path = f"/subscriptions/{self.scope}/providers/Microsoft.Insights/eventtypes/management/values"

    def reader(self) -> LiveReader:
        source = ActivityLog(self.estate.connector())
        return LiveReader(
            "live", source, activity.AzureActivityLog.records, partial(activity.AzureActivityCounting, Networks())
        )

    def act(self, at: str, **facts: Any) -> None:
        facts = {**by_application("ledger"), **facts}
        log_event(self.estate.tenant, self.scope, at, "Microsoft.Compute/disks/write", **facts)
