"""Logs: Graph's sign-ins and their aggregated counts, and the activity log of subscriptions.

Only filters in the form that readers send are supported; others are refused.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from scanner.demo.fakes.azure.tenant import Row, Tenant, guid
from scanner.demo.fakes.azure.wire import Call, Listing, Reply, Route, refusal

_MOST = 1000
_TIME = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,7})?Z"
_WORKLOADS = r"signInEventTypes/any\(t: t eq 'servicePrincipal' or t eq 'managedIdentity'\) and "
_SIGN_INS = re.compile(rf"{_WORKLOADS}createdDateTime ge (?P<since>{_TIME}) and createdDateTime le (?P<until>{_TIME})")
_COUNTS = re.compile(rf"firstSignInDateTime ge (?P<since>{_TIME}) and firstSignInDateTime le (?P<until>{_TIME})")
_EVENTS = re.compile(rf"eventTimestamp ge '(?P<since>{_TIME})' and eventTimestamp le '(?P<until>{_TIME})'")
_SAME = ("appId", "servicePrincipalId", "ipAddress", "resourceId")
"""The properties that sign-ins are grouped by, besides the hour and the outcome."""


def log_sign_in(tenant: Tenant, name: str, at: str, *, kind: str = "servicePrincipal", **facts: Any) -> Row:
    """A sign-in of an application that ``Tenant.add_application`` made. ``at``: its time."""
    row = {
        "id": guid(f"sign-in/{len(tenant.sign_ins)}"),
        "createdDateTime": at,
        "appId": guid(f"client/{name}"),
        "appDisplayName": name,
        "appOwnerTenantId": tenant.id,
        "servicePrincipalId": guid(f"principal/{name}"),
        "servicePrincipalName": name,
        "servicePrincipalCredentialKeyId": guid(f"key/{name}"),
        "ipAddress": "203.0.113.7",
        "resourceDisplayName": "Microsoft Graph",
        "resourceId": "00000003-0000-0000-c000-000000000000",
        "resourceTenantId": tenant.id,
        "signInEventTypes": [kind],
        "status": {"errorCode": 0, "failureReason": "Other.", "additionalDetails": None},
        "location": {"city": "", "state": "", "countryOrRegion": "NL"},
        "agent": {"agentType": "notAgentic", "parentAppId": None},
        **facts,
    }
    tenant.sign_ins.append(row)
    return row


def log_event(tenant: Tenant, subscription: str, at: str, operation: str, **facts: Any) -> Row:
    """A successful event of a subscription's activity log."""
    number = len(tenant.events)
    row = {
        "id": f"/subscriptions/{subscription}/events/{number}",
        "eventDataId": guid(f"event/{number}"),
        "correlationId": guid(f"correlation/{number}"),
        "eventTimestamp": at,
        "submissionTimestamp": at,
        "operationName": {"value": operation, "localizedValue": operation},
        "category": {"value": "Administrative", "localizedValue": "Administrative"},
        "status": {"value": "Succeeded", "localizedValue": "Succeeded"},
        "subStatus": {"value": "OK", "localizedValue": "OK"},
        "level": "Informational",
        "resourceId": f"/subscriptions/{subscription}/resourceGroups/rg/providers/{operation.rpartition('/')[0]}/x",
        "subscriptionId": subscription,
        "tenantId": tenant.id,
        **facts,
    }
    tenant.events.append(row)
    return row


def by_application(name: str) -> Mapping[str, Any]:
    """The properties of an event that an application caused with its own identity."""
    claims = {
        "appid": guid(f"client/{name}"),
        "idtyp": "app",
        "http://schemas.microsoft.com/identity/claims/objectidentifier": guid(f"principal/{name}"),
    }
    address = {"clientIpAddress": "203.0.113.7", "method": "PUT"}
    return {"caller": guid(f"principal/{name}"), "claims": claims, "httpRequest": address}


def _sign_ins(tenant: Tenant, call: Call) -> Reply | Listing:
    """Sign-ins, the newest first."""
    found = _within(call, _SIGN_INS, tenant.sign_ins, lambda row: row["createdDateTime"])
    return found if isinstance(found, Reply) else Listing(rows=found[::-1], cap=_MOST, usual=_MOST)


def _counts(kind: str) -> Callable[[Tenant, Call], Reply | Listing]:
    def counted(tenant: Tenant, call: Call) -> Reply | Listing:
        if call.places["window"] != "h1":
            return refusal("graph", 400, "BadRequest", "The fake counts by the hour.")
        rows: dict[tuple[Any, ...], Row] = {}
        for one in tenant.sign_ins:
            if one["signInEventTypes"] == [kind]:
                hour = one["createdDateTime"][:13]
                code = one["status"]["errorCode"]
                same = (*(one[name] for name in _SAME), hour, code)
                row = rows.setdefault(same, _count(tenant, one, f"{hour}:00:00Z"))
                row["signInCount"] += 1
        found = _within(call, _COUNTS, list(rows.values()), lambda row: row["firstSignInDateTime"])
        return found if isinstance(found, Reply) else Listing(rows=found, cap=_MOST, usual=_MOST)

    return counted


def _count(tenant: Tenant, first: Row, hour: str) -> Row:
    kept = {name: first[name] for name in (*_SAME, "resourceDisplayName", "servicePrincipalName", "status", "agent")}
    return {
        "id": guid(f"count/{first['id']}"),
        "signInCount": 0,
        "aggregationDateTime": hour,
        "firstSignInDateTime": first["createdDateTime"],
        "tenantId": tenant.id,
        **kept,
    }


def _events(tenant: Tenant, call: Call) -> Reply | Listing:
    subscription = call.places["subscription"]
    if subscription not in tenant.subscriptions:
        return refusal("arm", 404, "SubscriptionNotFound")
    rows = [row for row in tenant.events if row["subscriptionId"] == subscription]
    found = _within(call, _EVENTS, rows, lambda row: row["eventTimestamp"])
    return found if isinstance(found, Reply) else Listing(rows=found, cap=_MOST, usual=_MOST)


def _within(call: Call, form: re.Pattern[str], rows: list[Row], time: Callable[[Row], str]) -> list[Row] | Reply:
    """The rows within the times of the filter."""
    asked = form.fullmatch(call.query.get("$filter", ""))
    if asked is None:
        return refusal(call.service, 400, "BadRequest", "Invalid filter clause.")
    since, until = (datetime.fromisoformat(asked[name]) for name in ("since", "until"))
    return [row for row in rows if since <= datetime.fromisoformat(time(row)) <= until]


ROUTES: tuple[Route, ...] = (
    Route(service="graph", path="/beta/auditLogs/signIns", handler=_sign_ins),
    *(
        Route(
            service="graph",
            path=f"/beta/auditLogs/getSummarized{name}SignIns(aggregationWindow='{{window}}')",
            handler=_counts(kind),
        )
        for name, kind in (("ServicePrincipal", "servicePrincipal"), ("MSI", "managedIdentity"))
    ),
    Route(
        service="arm",
        path="/subscriptions/{subscription}/providers/Microsoft.Insights/eventtypes/management/values",
        handler=_events,
    ),
)
