"""CloudTrail's events as tables have them: Athena's, in lower case, and Security Lake's, in OCSF.

Sources: Athena's user guide, "Query AWS CloudTrail logs"; OCSF 1.1.0 and its examples' mapping of CloudTrail's API
activity, for Security Lake's version 2 of the source.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from msgspec.structs import fields

from connectors.aws.logs.callers import Federation, Issuer, Session, Who
from connectors.aws.logs.events import Event

_NAMES = {one.encode_name.lower(): one.encode_name for shape in (Event, Who, Session, Issuer, Federation)
          for one in fields(shape)}  # fmt: skip
_OCSF = (
    "api",
    "actor",
    "src_endpoint",
    "http_request",
    "cloud",
    "metadata",
    "time",
    "time_dt",
    "unmapped",
    "accountid",
)
COLUMNS = frozenset({*(one.encode_name.lower() for one in fields(Event)), *_OCSF})


def event_of_row(row: dict[str, Any]) -> Any:
    """The JSON of a record. What it lacks is not made up, and is refused as in any other file."""
    return _from_ocsf(row) if isinstance(row.get("api"), dict) else _from_athena(row)


def _from_athena(held: Any) -> Any:
    match held:
        case dict():
            return {_NAMES.get(name.lower(), name): _from_athena(value) for name, value in held.items()}
        case datetime():
            return _time(held)
        case _:
            return held


def _from_ocsf(row: dict[str, Any]) -> dict[str, Any]:
    user, api = _at(row, "actor", "user"), _at(row, "api")
    issuer, principal = _at(row, "actor", "session", "issuer"), _at(user, "uid_alt")
    unmapped = dict(pairs) if isinstance(pairs := row.get("unmapped"), list | dict) else {}
    seconds = row.get("time")
    at = row.get("time_dt") or (datetime.fromtimestamp(seconds / 1000, UTC) if isinstance(seconds, int) else None)
    return {
        "eventTime": _time(at) if isinstance(at, datetime) else at,
        "eventSource": _at(api, "service", "name"),
        "eventName": _at(api, "operation"),
        "eventID": _at(row, "metadata", "uid"),
        "eventType": unmapped.get("eventType") or _at(row, "metadata", "event_code"),
        "userIdentity": {
            "type": _at(user, "type"),
            "principalId": principal,
            "arn": _at(user, "uid"),
            "accountId": _at(user, "account", "uid"),
            "accessKeyId": _at(user, "credential_uid"),
            "userName": _at(user, "name"),
            "invokedBy": _at(row, "actor", "invoked_by"),
            "identityProvider": _at(row, "actor", "idp", "name"),
            "sessionContext": {"sessionIssuer": {"arn": issuer, "principalId": (principal or "").partition(":")[0]}}
            if isinstance(issuer, str)
            else None,
        },
        "awsRegion": _at(row, "cloud", "region"),
        "sourceIPAddress": _at(row, "src_endpoint", "ip") or _at(row, "src_endpoint", "domain"),
        "userAgent": _at(row, "http_request", "user_agent"),
        "errorCode": _at(api, "response", "error"),
        "readOnly": unmapped.get("readOnly"),
        "requestParameters": _at(api, "request", "data"),
        "responseElements": _at(api, "response", "data"),
        "recipientAccountId": unmapped.get("recipientAccountId") or _at(row, "cloud", "account", "uid"),
        "vpcEndpointId": _at(row, "src_endpoint", "uid"),
        "sessionCredentialFromConsole": unmapped.get("sessionCredentialFromConsole"),
    }


def _at(held: Any, *names: str) -> Any:
    for name in names:
        held = held.get(name) if isinstance(held, dict) else None
    return held


def _time(at: datetime) -> str:
    at = at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
    return f"{at:%Y-%m-%dT%H:%M:%SZ}"
