"""Audit logs of Google Cloud."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from connectors.gcp.logs import audit
from connectors.gcp.logs.live import CloudLogging
from connectors.logs.live import LiveReader
from connectors.logs.names import Networks
from scanner.demo.fakes.gcp.cloud import Cloud
from scanner.demo.fakes.gcp.faults import Refused
from scanner.demo.fakes.gcp.logs import log_entry
from tests.connectors.gcp.conftest import Place
from tests.contract.live.base import Live


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
        return LiveReader("live", source, audit.GcpAuditLog.records, partial(audit.GcpAuditCounting, Networks()))

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
