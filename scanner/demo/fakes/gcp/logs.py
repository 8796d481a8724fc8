"""Cloud Logging: audit logs of projects, folders and organizations.

Entries are in ``PLACE/logs``, such as ``projects/acme/logs``, oldest first. Without ``logging.privateLogEntries.list``
those of data access are silently left out, as in Google Cloud.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from urllib.parse import unquote

from msgspec import structs

from scanner.demo.fakes.gcp.call import Call, FakeRoute, paged
from scanner.demo.fakes.gcp.cloud import Cloud, Row
from scanner.demo.fakes.gcp.faults import Refused

_TIME = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ"
_FILTER = re.compile(
    r'logName=\((?P<logs>"[^"]+"(?: OR "[^"]+")*)\)'
    rf' AND timestamp>="(?P<since>{_TIME})" AND timestamp<"(?P<until>{_TIME})"'
    r'(?: AND resource\.type="(?P<type>\w+)" AND resource\.labels\.cluster_name="(?P<cluster>[a-z0-9-]+)"'
    r' AND resource\.labels\.location="(?P<location>[a-z0-9-]+)" AND protoPayload\.serviceName="(?P<service>[\w.]+)")?'
)
_MOST = 1000
_USUAL = 50
_PRIVATE = "logging.privateLogEntries.list"


def log_entry(cloud: Cloud, place: str, time: str, number: int, /, kind: str = "activity", **payload: object) -> Row:
    """An entry of an audit log. ``place``: such as ``projects/ID``; ``payload``: fields of its AuditLog."""
    row = {
        "logName": f"{place}/logs/cloudaudit.googleapis.com%2F{kind}",
        "timestamp": time,
        "receiveTimestamp": time,
        "insertId": f"{place.partition('/')[2]}-{number}",
        "severity": "NOTICE",
        "resource": {"type": "project", "labels": {"project_id": place.partition("/")[2]}},
        "protoPayload": {"@type": "type.googleapis.com/google.cloud.audit.AuditLog", **payload},
    }
    return cloud.add(f"{place}/logs", row)


def cluster_entry(cloud: Cloud, cluster: str, time: str, number: int, /, kind: str, **payload: object) -> Row:
    """An entry of a cluster of GKE. ``cluster``: ``projects/ID/locations/LOCATION/clusters/NAME``."""
    _, project, _, location, _, name = cluster.split("/")
    row = log_entry(cloud, f"projects/{project}", time, number, kind, **{"serviceName": "k8s.io", **payload})
    labels = {"project_id": project, "location": location, "cluster_name": name}
    row["resource"] = {"type": "k8s_cluster", "labels": labels}
    return row


def _is_of_cluster(row: Row, wanted: re.Match[str]) -> bool:
    """Whether the row is of the cluster in a filter, if it has one."""
    if wanted["type"] is None:
        return True
    labels, service = row["resource"]["labels"], row["protoPayload"]["serviceName"]
    found = (row["resource"]["type"], labels.get("cluster_name"), labels.get("location"), service)
    return found == wanted.group("type", "cluster", "location", "service")


def _entries(call: Call) -> Row:
    body: Mapping[str, object] = call.body or {}
    names, wanted = body.get("resourceNames"), _FILTER.fullmatch(str(body.get("filter")))
    if not isinstance(names, list) or wanted is None or body.get("orderBy") not in (None, "timestamp asc"):
        raise Refused(400, "The request is invalid.")
    for name in names:
        if not call.cloud.exists(name):
            raise Refused(403, f"The caller does not have permission for {name}.")
        call.cloud.faults.meet("logging", f"{name}/logs")
    logs = {unquote(one) for one in re.findall(r'"([^"]+)"', wanted["logs"])}
    rows = [
        row
        for name in names
        for row in call.cloud.rows[f"{name}/logs"]
        if unquote(row["logName"]) in logs
        and wanted["since"] <= row["timestamp"] < wanted["until"]
        and _is_of_cluster(row, wanted)
        and ("data_access" not in row["logName"] or _PRIVATE in call.cloud.rights)
    ]
    rows.sort(key=lambda row: str(row["timestamp"]))
    query = {name: [str(body[name])] for name in ("pageSize", "pageToken", "filter") if name in body}
    return paged(structs.replace(call, query=query), rows, "entries", default=_USUAL, cap=_MOST)


def _bucket(call: Call) -> Row:
    place = call.places["scope"]
    held = call.cloud.rows[f"{place}/locations/global/buckets"]
    name = f"{place}/locations/global/buckets/_Default"
    return held[0] if held else {"name": name, "retentionDays": 30, "lifecycleState": "ACTIVE"}


ROUTES: tuple[FakeRoute, ...] = (
    FakeRoute(api="logging", path="/v2/entries:list", method="POST", answer=_entries),
    FakeRoute(api="logging", path="/v2/{+scope}/locations/global/buckets/_Default", answer=_bucket),
)
